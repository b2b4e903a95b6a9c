/**
 * Paths inside the container's root, opened so that no link leads out of it, and made where they
 * are missing.
 *
 * @module
 */

import { ENOENT, ENOTDIR } from "../../../ffi/c/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import { S_IFREG } from "../../../ffi/files/file_status.ts";
import {
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../../ffi/files/path.ts";
import type { Argument } from "../../../ffi/program/operation.ts";
import type { Destination } from "../../operations/facts.ts";
import { type CallOptions, result, type StepBuilder } from "../../operations/operation.ts";
import { skipUnless } from "./verify.ts";

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
  // A path whose links are resolved has no `..`. At a `..` openat2 gives up (EAGAIN) if anything on
  // the host is renamed or mounted meanwhile.
  const { components } = call;
  const way = followLinks && components !== undefined ? `/${components.join("/")}` : path;
  step.call("openat2", insideRoot(result(ROOT), way, flags, resolve), { ...call, label });
}

/**
 * Makes what is missing of a path inside the root: folders, and at its end a folder or an empty
 * file. If another process makes it meanwhile, that one is used.
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
    makeFile(step, parent, name, k === components.length - 1 ? end : "directory");
    step.close(parent);
  }
}

/** Makes a folder or an empty file in an open folder, unless it is there. */
export function makeFile(
  step: StepBuilder,
  folder: string,
  name: string,
  kind: "directory" | "file",
): void {
  const args = kind === "file"
    ? [result(folder), name, S_IFREG | NEW_FOLDER_MODE, 0]
    : [result(folder), name, NEW_FOLDER_MODE];
  step.call(kind === "file" ? "mknodat" : "mkdirat", args, { tolerated: "EEXIST" });
}

/** Opens a path of the host as a mere place. */
export function openHostPlace(step: StepBuilder, path: string, label: string, flags = 0): void {
  step.call("openat", [AT_FDCWD, path, O_PATH | O_CLOEXEC | flags, 0], { label });
}

/** A path without `.`, `..` and double slashes: what it means where no part of it is a link. */
export function collapse(path: string): string {
  if (!/^[^/]|\/\.|\/\/|.\/$/.test(path) && path !== "") return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return "/" + parts.join("/");
}

/** A path that may be missing, and is opened by its name. */
export interface MaybeMissing {
  /** The arguments of its openat2. */
  readonly args: readonly Argument[];
  readonly label: string;
  /** Where the plan goes on if nothing is there. */
  readonly end: string;
  readonly components?: readonly string[] | undefined;
  /**
   * Whether ENOTDIR means that it is missing. In a walk without openat2 it may mean a link, and at a
   * `..` something that is there: neither must be skipped.
   */
  readonly skipsBelowFile: boolean;
}

/**
 * Opens what may be missing. It is missing where the kernel says ENOENT, or ENOTDIR for a path
 * below a file. Any other error is a failure. The same call is made once more to report it, since
 * an error of the first one is not a failure when nothing is there.
 *
 * @returns a function that adds what follows an error; it must be called where no other operation
 *   leads to
 */
export function beyondMissing(step: StepBuilder, wanted: MaybeMissing): () => void {
  const { args, label, end, components, skipsBelowFile } = wanted;
  step.call("openat2", args, { label, components, onError: { jump: `${label}.miss` } });
  return () => {
    step.jump(end);
    const errnos = skipsBelowFile ? [ENOENT, ENOTDIR] : [ENOENT];
    errnos.forEach((errno, k) => {
      const next = k === errnos.length - 1 ? `${label}.again` : `${label}.miss${k + 1}`;
      skipUnless(step, label, errno, { label: `${label}.miss${k === 0 ? "" : k}`, next });
      step.jump(end);
    });
    step.call("openat2", args, {
      label: `${label}.again`,
      components,
      onPositive: { jump: label },
    });
    step.land(end);
  };
}
