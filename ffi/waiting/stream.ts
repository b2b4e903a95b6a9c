/**
 * Web streams over non-blocking fds: backpressure holds, and nothing blocks a thread.
 *
 * @module
 */

import { failedWith } from "../c/errno.ts";
import { type Fd, read } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { setNonBlocking } from "../files/pipe.ts";
import { EPOLLIN, EPOLLOUT, type Poller } from "./poll.ts";

const CHUNK = 65_536;

/**
 * A stream of what can be read from an fd until its end. It takes the fd over, and closes it at the
 * end or when the stream is cancelled.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { writeAll } from "../files/file.ts";
 * import { Pipe } from "../files/pipe.ts";
 * import { Poller } from "./poll.ts";
 * import { readableFd } from "./stream.ts";
 *
 * using poller = new Poller();
 * using pipe = new Pipe();
 * writeAll(pipe.writer, new TextEncoder().encode("hello"));
 * pipe.writer.close();
 * assert(await new Response(readableFd(pipe.reader, poller)).text() === "hello");
 * ```
 */
export function readableFd(fd: Fd, poller: Poller): ReadableStream<Uint8Array<ArrayBuffer>> {
  setNonBlocking(fd);
  const { endless } = poller; // whatever began the stream, it goes on
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const chunk = readOrEnd(fd);
        if (chunk === undefined) {
          await endless.wait(fd, EPOLLIN);
          if (!fd.isOpen) return;
          continue;
        }
        if (chunk.length > 0) return controller.enqueue(chunk);
        fd.close();
        return controller.close();
      }
    },
    cancel() {
      close(fd, endless);
    },
  }, { highWaterMark: 0 });
}

/**
 * A stream whose chunks are written to an fd. It takes the fd over, and closes it with the stream.
 * A reader that is gone makes the stream fail with EPIPE.
 */
export function writableFd(fd: Fd, poller: Poller): WritableStream<Uint8Array<ArrayBuffer>> {
  const { endless } = poller;
  return new WritableStream({
    start({ signal }) {
      signal.addEventListener("abort", () => close(fd, endless)); // a write that waits ends, too
    },
    async write(chunk) {
      try {
        await writeFully(fd, chunk, endless);
      } catch (error) {
        close(fd, endless); // a stream that has failed is neither closed nor aborted any more
        throw error;
      }
    },
    close() {
      fd.close();
    },
    abort() {
      close(fd, endless);
    },
  });
}

/**
 * Writes all of `bytes` without blocking a thread.
 *
 * @throws {SyscallError} EPIPE if the reader is gone
 */
export async function writeFully(
  fd: Fd,
  bytes: Uint8Array<ArrayBuffer>,
  poller: Poller,
): Promise<void> {
  setNonBlocking(fd);
  for (let rest = bytes; rest.length > 0;) {
    const written = tryWrite(fd, rest);
    if (written === undefined) {
      await poller.wait(fd, EPOLLOUT);
      if (!fd.isOpen) return; // closed by who gave up
    } else rest = rest.subarray(written);
  }
}

/** A terminal whose other end nobody has any more says so by EIO: that is its end. */
function readOrEnd(fd: Fd): Uint8Array<ArrayBuffer> | undefined {
  try {
    return read(fd, CHUNK);
  } catch (error) {
    if (failedWith(error, "EIO")) return new Uint8Array(0);
    throw error;
  }
}

function close(fd: Fd, poller: Poller): void {
  if (!fd.isOpen) return;
  poller.cancel(fd);
  fd.close();
}

export function tryWrite(fd: Fd, bytes: Uint8Array<ArrayBuffer>): number | undefined {
  try {
    return checked("write", libc.write(fd.number, bytes, bytes.length));
  } catch (error) {
    if (failedWith(error, "EAGAIN")) return undefined;
    throw error;
  }
}
