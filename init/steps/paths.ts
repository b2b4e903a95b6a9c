/**
 * Paths inside the container's root, opened so that no link leads out of it, and made where they
 * are missing.
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../ffi/file.ts";
import { S_IFREG } from "../../ffi/file_status.ts";
import {
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../ffi/path.ts";
import type { Argument } from "../../ffi/program.ts";
import type { Destination } from "../facts.ts";
import { type CallOptions, result, type StepBuilder } from "../operation.ts";

/** The label of the root file system's fd. */
export const ROOT = "root";

/** The size of struct open_how. */
const OPEN_HOW_SIZE = 24;
const NEW_FOLDER_MODE = 0o755;
const INSIDE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** The arguments of an openat2 that stays inside the folder `root`. */
export function insideRoot(
  root: Argument,
  path: string,
  flags: number,
  resolve = INSIDE,
  mode = 0,
): readonly Argument[] {
  return [root, path, openHow(flags, mode, resolve), OPEN_HOW_SIZE];
}

/** Opens a path inside the root as a mere place (O_PATH) under a label. */
export function openPlace(
  step: StepBuilder,
  path: string,
  label: string,
  options: CallOptions & { readonly followLinks?: boolean; readonly directory?: boolean } = {},
): void {
  const { followLinks = true, directory = false, ...call } = options;
  const flags = O_PATH | O_CLOEXEC | (directory ? O_DIRECTORY : 0);
  const resolve = followLinks ? INSIDE : INSIDE | RESOLVE_NO_SYMLINKS;
  // A path whose links are resolved has no `..`, with which openat2 gives up (EAGAIN) when anything on
  // the host is renamed or mounted meanwhile.
  const { components } = call;
  const way = followLinks && components !== undefined ? `/${components.join("/")}` : path;
  step.call("openat2", insideRoot(result(ROOT), way, flags, resolve), { ...call, label });
}

/**
 * Makes what is missing of a path inside the root: folders, and at its end a folder or an empty
 * file. What another process makes meanwhile is as good.
 */
export function makeMissing(
  step: StepBuilder,
  destination: Destination,
  end: "directory" | "file",
  label: string,
): void {
  const { components, missing } = destination;
  for (let k = components.length - missing; k < components.length; k++) {
    const parent = `${label}.parent${k}`;
    const name = components[k] as string;
    openPlace(step, "/" + components.slice(0, k).join("/"), parent, { directory: true });
    if (k === components.length - 1 && end === "file") {
      step.call("mknodat", [result(parent), name, S_IFREG | NEW_FOLDER_MODE, 0], {
        tolerated: "EEXIST",
      });
    } else {
      step.call("mkdirat", [result(parent), name, NEW_FOLDER_MODE], { tolerated: "EEXIST" });
    }
    step.close(parent);
  }
}

/** Opens a path of the host as a mere place. */
export function openHostPlace(step: StepBuilder, path: string, label: string, flags = 0): void {
  step.call("openat", [AT_FDCWD, path, O_PATH | O_CLOEXEC | flags, 0], { label });
}
