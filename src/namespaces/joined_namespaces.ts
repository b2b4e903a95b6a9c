/**
 * Checks the namespaces that a config joins by path, before anything is made.
 *
 * @module
 */

import { syscallFailure } from "../failures/syscall_failure.ts";
import { errnoText, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { type Fd, O_NONBLOCK, O_RDONLY, open } from "../../ffi/files/file.ts";
import { NAMESPACE_FILES, NAMESPACE_FLAGS, namespaceType } from "../../ffi/processes/namespaces.ts";
import type { Namespace } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

const TYPES = new Map<number, string>(
  Object.entries(NAMESPACE_FLAGS).map(([name, flag]) => [flag, name]),
);

/**
 * Checks that each path leads to a namespace of its type. A path may lead elsewhere by the time it
 * is joined, so this saves work but decides nothing: init opens it again, and joins by type.
 *
 * @throws {ContainerError} `InitFailed` that names the entry, and what stands there
 */
export function checkJoinedNamespaces(namespaces: readonly Namespace[]): void {
  for (const namespace of namespaces) openJoined(namespaces, namespace.type)?.close();
}

/**
 * Opens the namespace of a type that is to be joined; undefined if none is.
 *
 * @throws {ContainerError} `InitFailed`
 */
export function openJoined(
  namespaces: readonly Namespace[],
  wanted: Namespace["type"],
): Fd | undefined {
  const index = namespaces.findIndex(({ type }) => type === wanted);
  const { type = wanted, path = "" } = namespaces[index] ?? {};
  if (path === "") return undefined;
  const pointer = `/linux/namespaces/${index}/path`;
  const known = {
    step: "namespaces",
    path,
    pointer,
    hint:
      `the path must be that of a ${type} namespace: /proc/PID/ns/${NAMESPACE_FILES[type]} of a ` +
      "process in it",
  };
  const fail = (what: string, cause?: SyscallError) => {
    const summary = `cannot join the ${type} namespace at ${path}: ${what}`;
    return cause === undefined
      ? new ContainerError("InitFailed", summary, known)
      : syscallFailure(cause, "InitFailed", summary, known);
  };
  let found: string;
  try {
    const fd = open(path, O_RDONLY | O_NONBLOCK); // a fifo would hold up whoever opens it
    try {
      found = TYPES.get(namespaceType(fd)) ?? "unknown";
      if (found === type) return fd;
    } catch (error) {
      fd.close();
      if (failedWith(error, "ENOTTY")) throw fail("it is none", error);
      throw error;
    }
    fd.close();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw fail(errnoText(error.errno), error);
  }
  throw fail(`it is ${found === "ipc" ? "an" : "a"} ${found} namespace`);
}
