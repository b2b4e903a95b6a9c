/**
 * A program that logs what a process writes: what a `binary://` URI names. It gets the container's
 * names in its environment, the process's output as fd 3 and its errors as fd 4, and closes fd 5
 * when it is ready.
 *
 * Source: containerd's docs/content/... "logging binaries": core/runtime/v2/logging.
 *
 * @module
 */

import { comesWithin } from "../../../ffi/waiting/abort.ts";
import { type Fd, O_RDWR, open } from "../../../ffi/files/file.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import { executeProgram } from "../../../ffi/processes/executed_program.ts";
import { openPidfd, reap, signalPidfd } from "../../../ffi/processes/process.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { StatusError } from "../../ttrpc/messages.ts";

const SIGTERM = 15;
const READY_MS = 30_000;
/** How long it has to write what it still holds. */
const END_MS = 12_000;

/** A logger that runs. */
export class Logger {
  /** What the process gets for its output. */
  readonly stdout: Fd;
  /** What the process gets for its errors. */
  readonly stderr: Fd;
  readonly #pidfd: Fd;
  readonly #poller: Poller;

  private constructor(stdout: Fd, stderr: Fd, pidfd: Fd, poller: Poller) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#pidfd = pidfd;
    this.#poller = poller;
  }

  /**
   * Starts it, and waits until it is ready.
   *
   * @throws {SyscallError} if it can't be executed
   * @throws {StatusError} if it does not get ready
   */
  static async start(
    uri: string,
    id: string,
    namespace: string,
    poller: Poller,
  ): Promise<Logger> {
    const url = new URL(uri);
    const path = decodeURIComponent(url.pathname);
    const args = [...url.searchParams].flatMap(([name, value]) =>
      value === "" ? [name] : [name, value]
    );
    using stack = new DisposableStack();
    const [out, err, ready] = [new Pipe(), new Pipe(), new Pipe()];
    for (const pipe of [out, err, ready]) stack.use(pipe);
    using nowhere = open("/dev/null", O_RDWR);
    const pid = executeProgram({
      path,
      args: [path, ...args],
      env: [
        `CONTAINER_ID=${id}`,
        `CONTAINER_NAMESPACE=${namespace}`,
        ...["PATH"].flatMap((name) => {
          const value = Deno.env.get(name);
          return value === undefined ? [] : [`${name}=${value}`];
        }),
      ],
      fds: [nowhere, nowhere, nowhere, out.reader, err.reader, ready.writer],
    });
    const pidfd = stack.use(openPidfd(pid));
    for (const fd of [out.reader, err.reader, ready.writer]) fd.close();
    const logger = new Logger(out.writer, err.writer, pidfd, poller);
    const isReady = await comesWithin(poller.wait(ready.reader), READY_MS);
    if (!isReady) {
      poller.cancel(ready.reader);
      signalPidfd(pidfd, SIGKILL);
      throw new StatusError("Unavailable", `the logger ${path} does not get ready`);
    }
    stack.move();
    ready.reader.close();
    return logger;
  }

  /** Closes this program's ends, once the process has its own. */
  closeEnds(): void {
    this.stdout.close();
    this.stderr.close();
  }

  /** Asks it to end once it has read all, and waits for that for some seconds. */
  async end(): Promise<void> {
    this.closeEnds();
    using pidfd = this.#pidfd;
    if (!pidfd.isOpen) return;
    signalPidfd(pidfd, SIGTERM);
    if (!await comesWithin(this.#poller.wait(pidfd), END_MS)) {
      this.#poller.cancel(pidfd);
      signalPidfd(pidfd, SIGKILL);
      await this.#poller.wait(pidfd);
    }
    reap(pidfd);
  }
}
