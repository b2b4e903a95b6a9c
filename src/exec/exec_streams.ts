/**
 * The standard streams of a further process: a terminal of the container's, or the caller's own.
 *
 * @module
 */

import { Fd } from "../../ffi/files/file.ts";
import { S_IFCHR, S_IFMT, statAt, tryStatPath } from "../../ffi/files/file_status.ts";
import { TIOCSCTTY } from "../../ffi/sockets/terminal.ts";
import { type PlanItem, StepBuilder } from "../../init/operations/operation.ts";
import type { ProcessConfig } from "../config/types/config.ts";
import { hostId } from "../namespaces/process_namespaces.ts";
import type { ProcessOptions } from "../process.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";
import type { StdioOptions } from "../streams/stdio.ts";
import { makeTerminal, type TerminalPair } from "../streams/terminal.ts";

/** A terminal's three streams belong to the process alone. */
export const STREAMS: readonly number[] = [0, 1, 2];

/**
 * Makes a terminal in the container's devpts, as the process's user.
 *
 * @param opened closes the process's end
 * @param unwanted closes this program's end
 */
export function makeExecTerminal(
  { pid }: ProcessIdentity,
  root: Fd,
  { user, consoleSize }: ProcessConfig,
  opened: DisposableStack,
  unwanted: DisposableStack,
): TerminalPair {
  const pair = makeTerminal(root, hostId(pid, "uid_map", user?.uid ?? 0), consoleSize);
  opened.use(pair.peer);
  unwanted.defer(() => pair.terminal.close());
  return pair;
}

/** The streams of a process on a terminal. */
export function onTerminal({ peer }: TerminalPair, options: ProcessOptions): StdioOptions {
  const { number } = peer;
  return { ...options, stdin: number, stdout: number, stderr: number };
}

/** Makes the terminal on stdin the controlling one of the process's session. */
export function controlTerminal(): readonly PlanItem[] {
  const step = new StepBuilder("terminal");
  return step.because("make the terminal the session's own", undefined, "/process/terminal")
    .call("ioctl", [0, TIOCSCTTY, 0]).items;
}

/**
 * The streams that belong to the process alone, so that it may open /dev/stdout: those that are no
 * devices.
 *
 * @param parent the process whose streams are inherited, if not this program
 */
export function ownedStreams(
  { stdin, stdout, stderr }: StdioOptions,
  parent?: number,
): readonly number[] {
  return [stdin, stdout, stderr].flatMap((stdio = "inherit", as) => {
    if (stdio === "null") return [];
    if (stdio === "piped") return [as];
    const isParents = stdio === "inherit" && parent !== undefined;
    const mode = isParents ? modeOf(parent, as) : ownMode(stdio === "inherit" ? as : stdio);
    return (mode & S_IFMT) === S_IFCHR ? [] : [as];
  });
}

function ownMode(number: number): number {
  const fd = new Fd(number);
  const { mode } = statAt(fd, "");
  fd.release(); // it is the caller's
  return mode;
}

/** The mode of what another process has open; 0 if it has ended. */
function modeOf(pid: number, number: number): number {
  const status = tryStatPath(`/proc/${pid}/fd/${number}`, true);
  return typeof status === "number" ? 0 : status.mode;
}
