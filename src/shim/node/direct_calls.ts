/**
 * `start` and `delete` as the shim's client asks for them: see `keeper/client_program.ts`. It waits
 * meanwhile, and what it was called with is read in /proc.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { peerOf } from "../../../ffi/sockets/packet_socket.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { writeFully } from "../../../ffi/waiting/stream.ts";
import { CODE_SIZE } from "../keeper/client_program.ts";
import { readCall, type ShimCall } from "./flags.ts";
import { wordsOf } from "../host/words.ts";

/** A call, with the environment and the folder of who made it. */
export interface DirectCall {
  readonly call: ShimCall;
  readonly env: Readonly<Record<string, string>>;
  /** A path that leads to the caller's folder for as long as it waits. */
  readonly folder: string;
}

/** Answers one connection; what fails is printed, as the program itself would. */
export async function answerDirectly(
  socket: Fd,
  poller: Poller,
  act: (call: DirectCall) => Promise<Uint8Array>,
): Promise<void> {
  using own = socket;
  let code = 0n;
  let text: Uint8Array;
  try {
    text = await act(callOf(own));
  } catch (error) {
    code = 1n;
    text = new TextEncoder().encode(`containerd-shim-hull-v1: ${wordsOf(error)}\n`);
  }
  const answer = new Uint8Array(CODE_SIZE + text.length);
  new DataView(answer.buffer).setBigUint64(0, code, true);
  answer.set(text, CODE_SIZE);
  await writeFully(own, answer, poller);
}

function callOf(socket: Fd): DirectCall {
  const proc = `/proc/${peerOf(socket).pid}`;
  const listed = (file: string) =>
    Deno.readTextFileSync(`${proc}/${file}`).split("\0").slice(0, -1);
  const env = listed("environ").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return {
    call: readCall(listed("cmdline").slice(1)),
    env: Object.fromEntries(env),
    folder: `${proc}/cwd`,
  };
}
