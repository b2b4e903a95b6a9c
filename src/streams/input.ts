/**
 * What a program reads, and its way there from this program.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { onAbort, unlessAborted } from "../../ffi/waiting/abort.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { writableFd, writeFully } from "../../ffi/waiting/stream.ts";
import { ContainerError } from "../errors.ts";

/** A chunk of bytes, in memory that is not shared with another thread. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** What a program is to read: text (as UTF-8), bytes, a blob, or a stream of bytes. */
export type Input = string | Bytes | Blob | ReadableStream<Bytes>;

/**
 * Checks what was given as input.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireInput(input: Input | undefined): void {
  const isFree = !(input instanceof ReadableStream) || !input.locked;
  const isInput = input === undefined || typeof input === "string" || input instanceof Uint8Array ||
    input instanceof Blob || input instanceof ReadableStream;
  if (isInput && isFree) return;
  throw new ContainerError("ConfigInvalid", `stdin can't be ${isFree ? named(input) : "this"}`, {
    hint: isFree
      ? "give text, bytes (Uint8Array), a Blob, or a ReadableStream of bytes"
      : "give a stream that nobody holds a reader of",
  });
}

/**
 * Writes input to a pipe, and closes it. A program that reads no more is no failure.
 *
 * @param pipe taken over
 * @param signal ends it, even while the program reads nothing
 * @param fail called with the error of a stream, before the program sees the end of its input
 */
export async function feed(
  input: Input,
  pipe: Fd,
  poller: Poller,
  signal: AbortSignal,
  fail: (error: unknown) => void,
): Promise<void> {
  if (input instanceof ReadableStream || input instanceof Blob) {
    const stream = input instanceof Blob ? input.stream() : input;
    const failing = (error: unknown) => signal.aborted || fail(error);
    const piping = stream.pipeTo(feeding(writableFd(pipe, poller), failing), { signal });
    // The abort closes the pipe. The stream's cancel is its maker's, and may not come back.
    await unlessAborted(piping, signal).catch(() => {});
    return; // what failed was told, or was the program's end
  }
  using _pipe = pipe;
  using _ = onAbort(signal, () => {
    if (!pipe.isOpen) return;
    poller.cancel(pipe);
    pipe.close();
  });
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  try {
    await writeFully(pipe, bytes, poller);
  } catch (error) {
    if (!failedWith(error, "EPIPE")) throw error;
  }
}

/**
 * A process's stdin. If its source fails, this is reported before the process sees the end of its
 * input. If the process stops reading, that is no failure of the source.
 */
export function feeding(
  stdin: WritableStream<Bytes>,
  fail: (error: unknown) => void,
): WritableStream<Bytes> {
  const writer = stdin.getWriter();
  const end = (error: unknown) => {
    fail(error);
    writer.abort(error).catch(() => {}); // it has failed already, or ends
  };
  return new WritableStream({
    start({ signal }) {
      signal.addEventListener("abort", () => end(signal.reason)); // also during a write
    },
    async write(chunk: unknown) {
      if (!(chunk instanceof Uint8Array)) {
        const error = new TypeError(
          `stdin takes chunks of bytes (Uint8Array), not ${named(chunk)}`,
        );
        end(error);
        throw error;
      }
      await writer.write(chunk as Bytes);
    },
    close: () => writer.close(),
  });
}

function named(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "object";
}
