/**
 * How a client sends a signal: that is all that `hull kill` mostly does, and where the client does it,
 * a resident that dies meanwhile leaves no doubt of whether it was done.
 *
 * Source: pidfd_send_signal(2), cmsg(3).
 *
 * @module
 */

import { ESRCH, SyscallError } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { comparison } from "../../../ffi/program/comparison.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import type { Client } from "./client.ts";
import { ClientGone } from "./client_channel.ts";

const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct cmsghdr with one fd, and the place of that. */
const CONTROL = { space: 24, name: "control" } as const;
const PIDFD = { heldIn: CONTROL, offset: 16 } as const;
/** What it says of its size, where an fd came; it is left empty where there was no room for one. */
const CONTROL_LENGTH = { place: { field: CONTROL, offset: 0 }, expected: 20 } as const;
const TAKEN = "taken";
const SENT = "sent";

/**
 * Has a client send a signal: once, whatever becomes of this resident.
 *
 * @param pidfd the process's, which it is passed
 * @param isLast whether it ends with that
 * @returns whether the process was there
 * @throws {SyscallError} if it may not be signalled
 */
export async function sendSignalBy(
  client: Client,
  pidfd: Fd,
  number: number,
  isLast: boolean,
): Promise<boolean> {
  const operations = sending(number, isLast ? client.exiting(0) : []);
  try {
    const program = await client.run(operations, [pidfd.number]);
    const result = program.result(SENT);
    if (result < 0 && result !== -ESRCH) throw new SyscallError("pidfd_send_signal", -result);
    return result >= 0;
  } catch (error) {
    if (error instanceof ClientGone) return true; // it has ended by that
    throw error;
  }
}

/** Takes a pidfd from the next message, sends its process a signal, and goes on. */
function sending(number: number, last: readonly Operation[]): Operation[] {
  const byte = { words: [{ space: 8, name: "beside" }, 1] };
  const header = { words: [0, 0, byte, 1, CONTROL, CONTROL.space, 0] };
  const onError = { jump: "cold" }; // without the message there is no resident any more
  return [
    {
      label: TAKEN,
      syscall: "recvmsg",
      args: [{ result: "socket" }, header, MSG_CMSG_CLOEXEC],
      onError,
    },
    { ...comparison({ placeOf: TAKEN }, 1), onError },
    // Without a pidfd the signal would go to whatever the client has as fd 0.
    { ...comparison(CONTROL_LENGTH.place, CONTROL_LENGTH.expected), onError },
    {
      label: SENT,
      syscall: "pidfd_send_signal",
      args: [PIDFD, number, 0, 0],
      onError: { jump: "not sent" },
    },
    ...last,
    { label: "not sent", syscall: "close", args: [PIDFD], onError: "continue" },
  ];
}
