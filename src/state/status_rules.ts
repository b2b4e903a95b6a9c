/**
 * What may be done to a container, depending on its status.
 *
 * Source: runtime.md, "Operations".
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import type { Status } from "./oci_state.ts";

/** A container by its id, with its status. */
interface Subject {
  readonly id: string;
  readonly status: Status;
}

/** The error for a container that has no process; with its status, where that is known. */
export function notRunning({ id, status }: Pick<Subject, "id"> & Partial<Subject>): ContainerError {
  const is = status === undefined ? "" : ` is ${status}`;
  return new ContainerError("ContainerNotRunning", `container not running: ${id}${is}`);
}

/**
 * For a pause and for new limits: it must have processes.
 *
 * @throws {ContainerError} `ContainerNotRunning`
 */
export function requireProcesses(subject: Subject): void {
  if (subject.status === "stopped" || subject.status === "creating") throw notRunning(subject);
}

/**
 * For a start: it must be created, and wait.
 *
 * @throws {ContainerError} `ContainerNotStopped` if it runs, `ContainerNotRunning` if it has ended
 */
export function requireCreated({ id, status }: Subject): void {
  if (status === "created") return;
  if (status === "running" || status === "paused") {
    throw new ContainerError("ContainerNotStopped", `container ${id} runs already`);
  }
  throw new ContainerError("ContainerNotRunning", `container ${id} is ${status}`, {
    hint: "only a created container can be started",
  });
}

/**
 * For a further process: it must run.
 *
 * @throws {ContainerError} `ContainerNotRunning`, `ContainerPaused`
 */
export function requireJoinable({ id, status }: Subject, ignorePaused: boolean): void {
  if (status === "stopped" || status === "creating") {
    throw new ContainerError("ContainerNotRunning", `container ${id} is ${status}`, {
      hint: "a process can only join a container that runs",
    });
  }
  if (status === "paused" && !ignorePaused) {
    throw new ContainerError("ContainerPaused", `container ${id} is paused`, {
      hint: "resume it first, or set ignorePaused",
    });
  }
}

/**
 * For a resume.
 *
 * @throws {ContainerError} `ContainerNotPaused`
 */
export function requirePaused({ id, status }: Subject): void {
  if (status === "paused") return;
  throw new ContainerError("ContainerNotPaused", `container not paused: ${id} is ${status}`);
}

/**
 * For its removal: it must have ended, or wait for the start.
 *
 * @throws {ContainerError} `ContainerNotStopped`
 */
export function requireEnded({ id, status }: Subject): void {
  if (status !== "running" && status !== "paused") return;
  throw new ContainerError("ContainerNotStopped", `container ${id} is ${status}`, {
    hint: "kill it first, or destroy it with force",
  });
}
