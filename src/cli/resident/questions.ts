/**
 * What a resident is asked about itself: `hull resident status` and `stop`.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { receivePacket, sendPackets } from "../../../ffi/sockets/packet_socket.ts";
import { connectPackets } from "../../../ffi/sockets/packet_socket.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";

/** How a message begins that asks for something, rather than that a command be done. */
export const QUESTION = "?";
const ANSWER_SIZE = 4096;
const encoder = new TextEncoder();

/** What a resident tells of itself. */
export interface ResidentStatus {
  readonly pid: number;
  /** Which build of hull it is. */
  readonly build: string;
  /** How many commands it has done. */
  readonly served: number;
  /** The memory that it has, in bytes. */
  readonly memory: number;
}

/** Answers; gives what was asked for. */
export function answerQuestion(
  socket: Fd,
  text: string,
  { build, served }: Pick<ResidentStatus, "build" | "served">,
): string {
  const memory = Deno.memoryUsage().rss;
  const status: ResidentStatus = { pid: Deno.pid, build, served, memory };
  try {
    sendPackets(socket, [{ bytes: encoder.encode(JSON.stringify(status)) }]);
  } catch {
    // who asked has gone
  }
  return text.slice(QUESTION.length);
}

/**
 * Asks the resident that listens at a path.
 *
 * @returns undefined if there is none
 */
export async function ask(
  path: string,
  word: "status" | "stop",
  poller: Poller,
): Promise<ResidentStatus | undefined> {
  using socket = connectPackets(path);
  if (socket === undefined) return undefined;
  sendPackets(socket, [{ bytes: encoder.encode(`${QUESTION}${word}`) }]);
  for (;;) {
    const packet = receivePacket(socket, ANSWER_SIZE);
    if (packet === undefined) {
      await poller.wait(socket);
      continue;
    }
    if (packet.bytes.length === 0) return undefined;
    return JSON.parse(new TextDecoder().decode(packet.bytes)) as ResidentStatus;
  }
}
