/**
 * How a process ended that was started by a program which has been killed: the starter has adopted
 * it, and writes that into a file.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { openPidfd } from "../../../ffi/processes/process.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { identify, isAlive, type ProcessIdentity } from "../../state/process_identity.ts";
import type { Ended } from "./ended.ts";
import { type Exit, UNKNOWN_STATUS } from "./task_process.ts";

const TRIES = 300;
const PAUSE_MS = 10;

/**
 * Waits for its end.
 *
 * @param ended the starter's file
 */
export async function awaitOrphan(
  identity: ProcessIdentity,
  ended: Ended,
  poller: Poller,
): Promise<Exit> {
  using _awaited = ended.await();
  if (isAlive(identity)) {
    try {
      using pidfd = openPidfd(identity.pid);
      if (isAlive(identity)) await poller.wait(pidfd);
    } catch {
      // it has ended meanwhile
    }
  }
  // The starter gets to know at the same time; but on a busy host it, or the end of the program that
  // was killed, can be late by any time. So the tries count from when its status was taken.
  for (let tries = 0; tries < TRIES;) {
    const isTaken = identify(identity.pid)?.startTime !== identity.startTime;
    const status = ended.codeOf(identity.pid);
    if (status !== undefined) return { status, atMs: Date.now() };
    if (isTaken) tries++;
    await pause(PAUSE_MS);
  }
  return { status: UNKNOWN_STATUS, atMs: Date.now() };
}
