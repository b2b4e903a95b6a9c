/**
 * The folder of one container: opened, looked at, its state's text, and the errors of what is none.
 *
 * @module
 */

import { isBound, SyscallError } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  open,
  openAt,
  readAll,
} from "../../ffi/files/file.ts";
import { statAt, tryStatPath } from "../../ffi/files/file_status.ts";
import { reason } from "../failures/reason.ts";
import { ContainerError } from "../errors.ts";
import { STATE_FILE } from "./state_temporary.ts";

const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** In bytes: far above what a config can be, far below what a string can. */
const MAX_STATE = 256 * 1024 * 1024;
const decoder = new TextDecoder();

/** Where a container's folder is, or would be. */
export interface Place {
  readonly id: string;
  /** The root folder. */
  readonly root: string;
  /** The container's own. */
  readonly path: string;
}

/**
 * Opens a container's folder.
 *
 * @throws {ContainerError} `ContainerNotExists`, `SystemError`
 */
export function openFolder(place: Place): Fd {
  const { path } = place;
  try {
    return open(path, FOLDER);
  } catch (error) {
    const code = error instanceof SyscallError ? error.code : "";
    if (code === "ENOENT") throw notExists(place);
    // a file, or a link: a container's folder is in the root folder itself
    if (code === "ENOTDIR" || code === "ELOOP") throw notHulls(place);
    throw storeError(`cannot open ${path}`, path, error);
  }
}

/** Whether an open folder is still that of the id: another may have been made in its place. */
export function isInPlace(folder: Fd, { path }: Place): boolean {
  const there = tryStatPath(path, false);
  return typeof there !== "number" && there.inode === statAt(folder, "").inode;
}

/**
 * The text of the state in an open folder.
 *
 * @throws {ContainerError} `ContainerNotExists`; `StateInvalid` if it can't be read
 */
export function stateText(folder: Fd, place: Place): string {
  try {
    // A fifo of that name would hold up whoever opens it.
    using file = openAt(folder, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (statAt(file, "").size > MAX_STATE) {
      throw brokenState(place, "is longer than hull writes any");
    }
    return decoder.decode(readAll(file));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    // That this program can open no more says nothing of the state.
    if (isBound(error)) {
      throw storeError(`cannot read the state of container ${place.id}`, place.path, error);
    }
    if (error.code !== "ENOENT") throw brokenState(place, `can't be read: ${error.code}`);
    throw isInPlace(folder, place) ? notHulls(place) : notExists(place);
  }
}

/** The error for a state that is none, or of another hull's. */
export function brokenState({ id, path }: Place, fault: string): ContainerError {
  return new ContainerError("StateInvalid", `the state of container ${id} ${fault}`, {
    path: `${path}/${STATE_FILE}`,
    hint: "destroy it with force: what can be found of it is ended then",
  });
}

/** The error for a container that is not there. It may well be there under another root. */
export function notExists({ id, root, path }: Place): ContainerError {
  return new ContainerError("ContainerNotExists", `container ${id} does not exist in ${root}`, {
    path,
    errno: "ENOENT",
    hint: "Factory.list tells which there are; another root folder has others",
  });
}

/** Whether an error says that the container is gone. */
export function isGone(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "ContainerNotExists";
}

function notHulls({ path }: Place): ContainerError {
  return new ContainerError("ContainerNotExists", `${path} is no container, and not hull's`, {
    path,
    hint: "hull leaves alone what it did not make",
  });
}

export function storeError(
  summary: string,
  path: string,
  cause: unknown,
  known: { readonly hint?: string } = {},
): ContainerError {
  const code = cause instanceof SyscallError
    ? cause.code
    : (cause as { code?: string } | undefined)?.code;
  return new ContainerError("SystemError", `${summary}: ${reason(cause)}`, {
    path,
    errno: code,
    cause,
    ...known,
  });
}

/** The error where no container's folder can be made below a root. */
export function noStateFolder(root: string, cause: unknown): ContainerError {
  const known = cause instanceof Deno.errors.NotFound
    ? { hint: "name another root folder: where this one should be, none can be made" }
    : {};
  return storeError(`cannot make a state folder in ${root}`, root, cause, known);
}
