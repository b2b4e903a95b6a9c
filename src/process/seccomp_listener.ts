/**
 * Hands the listener of a system call filter to the agent that the config names: SCMP_ACT_NOTIFY.
 *
 * Source: config-linux.md, "Seccomp" and "The Container Process State"; seccomp_unotify(2).
 *
 * @module
 */

import { AT_FDCWD, type Fd } from "../../ffi/files/file.ts";
import { readLinkAt } from "../../ffi/files/entries.ts";
import type { Config } from "../config/types/config.ts";
import { OCI_VERSION_MAX } from "../config/validate/document.ts";
import { ContainerError } from "../errors.ts";
import type { Child } from "./parent_process.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { sendFd } from "../streams/unix_client.ts";

const LISTENER = "anon_inode:seccomp notify";
const POINTER = "/linux/seccomp/listenerPath";

/** Whose filter it is. */
export interface ListenerSubject {
  readonly id: string;
  readonly bundle: string;
  readonly config: Config;
  /** The container's first process, if the filter is a further one's. */
  readonly first?: number | undefined;
}

/**
 * Sends the listener with the container process state. The process waits meanwhile, so the agent
 * knows the listener before the first call is notified.
 *
 * @param child the container's process, which has loaded the filter
 * @param number the listener's fd there
 * @throws {ContainerError} `SystemError` if the agent can't be reached, or `InitFailed` if there is
 *   no listener
 * @throws the signal's reason
 */
export async function passListener(
  child: Child,
  number: number,
  subject: ListenerSubject,
  signal?: AbortSignal,
): Promise<void> {
  const { listenerPath = "" } = subject.config.linux?.seccomp ?? {};
  using listener = fetchListener(child, number);
  const state = JSON.stringify(processState(subject, child.pid));
  try {
    await sendFd(listenerPath, listener, state, signal);
  } catch (error) {
    throw syscallFailure(error, "SystemError", "cannot hand the filter's listener to its agent", {
      step: "seccomp",
      path: listenerPath,
      pointer: POINTER,
      hint: "an agent must listen on this Unix stream socket before the container starts",
    });
  }
}

/** A copy of the listener, after checking that it is one. */
function fetchListener(child: Child, number: number): Fd {
  try {
    const fd = child.copyFd(number);
    if (readLinkAt(AT_FDCWD, `/proc/self/fd/${fd.number}`) === LISTENER) return fd;
    fd.close();
  } catch (error) {
    throw syscallFailure(
      error,
      "InitFailed",
      "cannot fetch the filter's listener from its process",
      {
        step: "seccomp",
        pointer: POINTER,
        hint: "hull must be allowed to trace it: CAP_SYS_PTRACE",
      },
    );
  }
  throw new ContainerError("InitFailed", "the process has no listener where it should be", {
    step: "seccomp",
    pointer: POINTER,
  });
}

/**
 * The container process state. The first process's container is still `creating`: it is not created
 * before the agent has the listener.
 */
function processState(
  { id, bundle, config, first }: ListenerSubject,
  pid: number,
): Record<string, unknown> {
  const { listenerMetadata } = config.linux?.seccomp ?? {};
  const { annotations } = config;
  return {
    ociVersion: OCI_VERSION_MAX,
    fds: ["seccompFd"],
    pid,
    ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
    state: {
      ociVersion: OCI_VERSION_MAX,
      id,
      status: first === undefined ? "creating" : "running",
      pid: first ?? pid,
      bundle,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
