/**
 * Forwards sd_notify(3) from a container. The container gets its own socket at /run/notify. When it
 * says there that it is ready, this is passed on to the host's socket, with the pid that systemd
 * should watch.
 *
 * @module
 */

import { turn } from "../../../ffi/waiting/abort.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import { type Fd, read, writeAll } from "../../../ffi/files/file.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { sendFds } from "../../../ffi/sockets/socket.ts";
import { bindDatagrams, connectDatagrams } from "../../../ffi/sockets/unix_socket.ts";
import type { Config } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";

const FOLDER_INSIDE = "/run/notify";
const NAME = "notify.sock";
const MESSAGE_SIZE = 4096;
const BARRIER_MS = 30_000;
/** After how many messages the event loop gets a turn. */
const TURN_AFTER = 256;

/** The config with the socket's folder bound in, and the variable that names the socket. */
export function withNotifySocket(config: Config, stateFolder: string): Config {
  const mount = {
    destination: FOLDER_INSIDE,
    type: "bind",
    source: notifyFolder(stateFolder),
    options: ["bind", "nosuid", "noexec", "nodev", "ro"],
  };
  const process = config.process ?? { cwd: "/" };
  const env = (process.env ?? []).filter((entry) => !entry.startsWith("NOTIFY_SOCKET="));
  return {
    ...config,
    mounts: [...(config.mounts ?? []), mount],
    process: { ...process, env: [...env, `NOTIFY_SOCKET=${FOLDER_INSIDE}/${NAME}`] },
  };
}

/** Makes the folder that is bound in; the socket in it may come later. */
export function makeNotifyFolder(stateFolder: string): void {
  Deno.mkdirSync(notifyFolder(stateFolder), { mode: 0o755 });
}

/** Whether a container was created with a socket to come. */
export function hasNotifyFolder(stateFolder: string): boolean {
  try {
    return Deno.lstatSync(notifyFolder(stateFolder)).isDirectory;
  } catch {
    return false; // created without NOTIFY_SOCKET
  }
}

function notifyFolder(stateFolder: string): string {
  return `${stateFolder}/notify`;
}

/** The container's socket, to be bound before its program runs. */
export class NotifySocket implements Disposable {
  readonly #socket: Fd;
  readonly #poller: Poller;
  readonly #host: string;

  /**
   * Binds the socket.
   *
   * @param host the address of the host's socket: a path, or `@` and an abstract name
   * @throws {ContainerError} `SystemError`
   */
  constructor(stateFolder: string, host: string, poller: Poller) {
    const path = `${notifyFolder(stateFolder)}/${NAME}`;
    try {
      this.#socket = bindDatagrams(path);
      Deno.chmodSync(path, 0o777);
    } catch (error) {
      throw socketError("cannot make the notify socket", path, error);
    }
    this.#poller = poller;
    this.#host = host;
  }

  /**
   * Waits until the container says that it is ready, and tells the host.
   *
   * @param mainPid the process that the host is to watch from then on
   * @param ended ends the wait, when the container can't become ready any more
   * @returns whether it is ready
   * @throws {ContainerError} `SystemError`
   */
  async forward(mainPid: number, ended: Promise<unknown>): Promise<boolean> {
    const isOver = ended.then(() => true);
    for (;;) {
      const ready = this.#ready();
      if (ready !== undefined) {
        await this.#tellHost(ready, mainPid);
        return true;
      }
      await turn(); // who sends for ever has had its turn
      const readable = this.#poller.wait(this.#socket).then(() => false);
      if (!(await Promise.race([readable, isOver]))) continue;
      this.#poller.cancel(this.#socket);
      const last = this.#ready(); // sent right before the end
      if (last === undefined) return false;
      await this.#tellHost(last, mainPid);
      return true;
    }
  }

  /** Closes the socket; its file goes with the container's folder. */
  [Symbol.dispose](): void {
    if (!this.#socket.isOpen) return;
    this.#poller.cancel(this.#socket);
    this.#socket.close();
  }

  /** The line READY= of the messages that are there, or of the first of very many. */
  #ready(): string | undefined {
    for (let count = 0; count < TURN_AFTER; count++) {
      const message = read(this.#socket, MESSAGE_SIZE);
      if (message === undefined) return undefined;
      const lines = new TextDecoder().decode(message).split("\n");
      const line = lines.find((entry) => entry.startsWith("READY="));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  async #tellHost(ready: string, mainPid: number): Promise<void> {
    try {
      using host = connectDatagrams(this.#host);
      const encoder = new TextEncoder();
      writeAll(host, encoder.encode(`${ready}\n`));
      writeAll(host, encoder.encode(`MAINPID=${mainPid}\n`));
      await barrier(host, this.#poller);
    } catch (error) {
      throw socketError("cannot tell the host's notify socket", this.#host, error);
    }
  }
}

/**
 * Waits until the host has read what was sent: it then closes the fd that comes with BARRIER=1
 * (sd_notify_barrier(3)). A host that does not know BARRIER gets 30 seconds.
 */
async function barrier(host: Fd, poller: Poller): Promise<void> {
  using pipe = new Pipe();
  sendFds(host, [pipe.writer], "BARRIER=1");
  pipe.writer.close();
  const timer = setTimeout(() => poller.cancel(pipe.reader), BARRIER_MS);
  try {
    await poller.wait(pipe.reader);
  } finally {
    clearTimeout(timer);
  }
}

function socketError(summary: string, path: string, cause: unknown): ContainerError {
  if (cause instanceof SyscallError) {
    return syscallFailure(cause, "SystemError", summary, { path });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ContainerError("SystemError", `${summary}: ${why}`, { path, cause });
}
