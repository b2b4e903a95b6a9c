/**
 * A caller whose command this resident does: what it has is read from its process, and what only it
 * can do it is told to do.
 *
 * @module
 */

import { SIGPIPE } from "../../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { copyFdOf, openPidfd } from "../../../ffi/processes/process.ts";
import { signalName, signalNumber } from "../../../ffi/processes/signals.ts";
import { terminalSettings } from "../../../ffi/sockets/terminal.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import type { ProcessOptions } from "../../process.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import { type Caller, NotHere, type Sink, type Stage } from "../caller/caller.ts";
import { type Client, exit } from "./client.ts";
import { signalSet } from "./client_signals.ts";
import type { Peer } from "./peer.ts";

const SIG_BLOCK = 0;
/** What a pipe takes at once, or not at all: pipe(7). */
const PIPE_BUF = 4096;
const CHUNK = 1 << 16;
const SOON_MS = 5;

type Stream = 0 | 1 | 2;

/** Something that is to be written to a stream of the caller's. */
interface Piece {
  readonly stream: Stream;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A caller in another process. */
export class RemoteCaller implements Caller, Disposable {
  readonly isOther = true;
  readonly identity: ProcessIdentity;
  readonly bearer: Client;
  readonly #peer: Peer;
  readonly #streams: readonly Fd[];
  readonly #opened = new DisposableStack();
  readonly #pieces: Piece[] = [];
  /** Those that nobody reads any more. */
  readonly #unread = new Set<Stream>();
  #writing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * For a caller that is served.
   *
   * @param streams the caller's standard streams, which stay open as long
   */
  constructor(client: Client, peer: Peer, streams: readonly Fd[]) {
    this.bearer = client;
    this.identity = peer.identity;
    this.#peer = peer;
    this.#streams = streams;
  }

  get stdin(): Pick<Sink, "isTerminal"> {
    return this.#sink(0);
  }

  get stdout(): Sink {
    return this.#sink(1);
  }

  get stderr(): Sink {
    return this.#sink(2);
  }

  get stdio(): Pick<ProcessOptions, "stdin" | "stdout" | "stderr"> {
    const [stdin, stdout, stderr] = this.#streams.map(({ number }) => number);
    return { stdin, stdout, stderr };
  }

  get environment(): readonly string[] {
    return this.#peer.environment;
  }

  variable(name: string): string | undefined {
    const entry = this.#peer.environment.find((one) => one.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  }

  path(path: string): string {
    if (path.startsWith("/")) return path;
    return path === "." ? this.#peer.folder : `${this.#peer.folder}/${path}`;
  }

  preserved(count: number): Pick<ProcessOptions, "preserveFds" | "extraFiles"> {
    if (count === 0) return {};
    using pidfd = openPidfd(this.identity.pid);
    const files = Array.from({ length: count }, (_, k) => {
      try {
        return this.#opened.use(copyFdOf(pidfd, 3 + k)).number;
      } catch {
        throw new NotHere(`fd ${3 + k}, which nobody passed`);
      }
    });
    return { extraFiles: files };
  }

  async takeSignals(
    names: readonly Deno.Signal[],
    take: (name: Deno.Signal) => void,
  ): Promise<void> {
    const numbers = names.map((name) => signalNumber(name) as number);
    await this.bearer.passSignals(numbers, (number) => take(signalName(number) as Deno.Signal));
  }

  async tellStage(stage: Stage): Promise<void> {
    await this.bearer.tellStage(stage);
  }

  reapOrphans(): Promise<undefined> {
    return Promise.resolve(undefined); // they go to the caller's own reaper
  }

  /** Ends the caller's process with the command's exit code, when all is written. */
  async finish(code: number): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    const last = this.#pieces.at(-1);
    const isSmall = last !== undefined && last.bytes.length <= PIPE_BUF;
    if (isSmall) this.#pieces.pop();
    await this.#writeAll();
    await this.bearer.end([...(isSmall ? writing(last) : []), ...exit(code)]);
  }

  /** Closes what was opened for the command. */
  [Symbol.dispose](): void {
    this.#opened.dispose();
  }

  /** Writes what there is, in its order. */
  async #writeAll(): Promise<void> {
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      if (!await this.#write(piece)) this.#unread.add(piece.stream);
    }
  }

  /** Whether somebody has read it. */
  async #write({ stream, bytes }: Piece): Promise<boolean> {
    for (let left = bytes; left.length > 0;) {
      const program = await this.bearer.run(writing({ stream, bytes: left.slice(0, CHUNK) }));
      const written = program.result("write");
      if (written <= 0) return false;
      left = left.subarray(written);
    }
    return true;
  }

  /** Commands that end soon write with their end; what others print is written meanwhile. */
  #writeSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#writeAll()).catch(() => {
        for (const stream of [1, 2] as const) this.#unread.add(stream); // the caller is gone
      });
    }, SOON_MS);
  }

  #sink(stream: Stream): Sink {
    return {
      writeSync: (bytes) => {
        if (this.#unread.has(stream)) throw new Deno.errors.BrokenPipe();
        this.#writeSoon();
        this.#pieces.push({ stream, bytes: bytes.slice() as Uint8Array<ArrayBuffer> });
        return bytes.length;
      },
      isTerminal: () => isTerminal(this.#streams[stream] as Fd),
    };
  }
}

/** A pipe that nobody reads must not end the caller's process. */
function writing({ stream, bytes }: Piece): Operation[] {
  const pipe = signalSet([SIGPIPE]);
  return [
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, pipe, 0, pipe.length], onError: "continue" },
    { label: "write", syscall: "write", args: [stream, bytes, bytes.length], onError: "continue" },
  ];
}

function isTerminal({ number }: Fd): boolean {
  try {
    terminalSettings(number);
    return true;
  } catch {
    return false;
  }
}
