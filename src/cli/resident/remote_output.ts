/**
 * What a command prints for a caller in another process: that process writes it.
 *
 * @module
 */

import { EBADF, EPIPE, errnoText } from "../../../ffi/c/errno.ts";
import { SIGPIPE } from "../../../ffi/c/signal_numbers.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { type PlannedOperation, StepBuilder } from "../../../init/operations/operation.ts";
import { requireEqual } from "../../../init/steps/places/verify.ts";
import type { Sink } from "../caller/caller.ts";
import type { Client } from "./client.ts";
import { ClientGone } from "./client_channel.ts";
import { signalSet } from "./client_signals.ts";
import type { Peer } from "./peer.ts";

const SIG_BLOCK = 0;
/** What a pipe takes at once, or not at all: pipe(7). */
const PIPE_BUF = 4096;
const CHUNK = 1 << 16;
const STDERR = 2;
const encoder = new TextEncoder();

/** A standard stream, by its number. */
type Stream = 0 | 1 | 2;

/** Something that is to be written to one. */
interface Piece {
  readonly stream: Stream;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The output of one command. */
export class RemoteOutput {
  readonly #client: Client;
  readonly #peer: Pick<Peer, "terminals">;
  readonly #pieces: Piece[] = [];
  /** Those to which nothing more can be written. */
  readonly #closed = new Set<Stream>();
  #isLost = false;
  #isUsed = false;
  #writing: Promise<void> = Promise.resolve();
  #soon: ReturnType<typeof setImmediate> | undefined;

  /**
   * Nothing is written yet.
   *
   * @param peer knows which streams may be terminals
   */
  constructor(client: Client, peer: Pick<Peer, "terminals">) {
    this.#client = client;
    this.#peer = peer;
    client.beforeBirth(() => this.#writeNow());
  }

  /** Whether anything was to be written. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** One of the streams, for a command. */
  sink(stream: Stream): Sink {
    return {
      writeSync: (bytes) => {
        if (this.#closed.has(stream)) throw new Deno.errors.BrokenPipe();
        this.#isUsed = true;
        this.#writeSoon();
        this.#pieces.push({ stream, bytes: bytes.slice() as Uint8Array<ArrayBuffer> });
        return bytes.length;
      },
      isTerminal: () => this.#peer.terminals.has(stream),
    };
  }

  /** Ends the client with the command's exit code, when all is written. */
  async finish(code: number): Promise<void> {
    if (this.#soon !== undefined) clearImmediate(this.#soon);
    await this.#writing;
    const last = this.#pieces.at(-1);
    const isSmall = last !== undefined && last.bytes.length <= PIPE_BUF;
    if (isSmall) this.#pieces.pop();
    await this.#writeAll();
    if (isSmall && !this.#closed.has(last.stream)) await this.#finishWith(last, code);
    await this.#writeAll(); // what is said of a failure
    await this.#client.end(this.#client.exiting(this.#exitCode(code)));
  }

  /** Writes and ends at once; goes on only where not all could be written so. */
  async #finishWith(piece: Piece, code: number): Promise<void> {
    const isWhole = new StepBuilder("exec").because("end if all is written");
    const onError = { jump: "rest" };
    requireEqual(isWhole, { placeOf: "write" }, piece.bytes.length, { onError });
    const program = await this.#client.run([
      ...writing(piece),
      ...isWhole.items as PlannedOperation[],
      ...this.#client.exiting(this.#exitCode(code)),
      { label: "rest", syscall: "getpid", args: [] },
    ]);
    await this.#write(piece, program.result("write"));
  }

  /** A command fails where its output can't be written. */
  #exitCode(code: number): number {
    return this.#isLost ? 1 : code;
  }

  /** Commands that end soon write with their end; what others print is written meanwhile. */
  #writeSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#writeInTurn();
    });
  }

  #writeInTurn(): void {
    this.#writing = this.#writing.then(() => this.#writeAll()).catch((error) => {
      this.#isLost ||= !(error instanceof ClientGone); // nobody awaits this: told by the exit code
      for (const stream of [1, 2] as const) this.#closed.add(stream);
    });
  }

  /** What there is has been written when this is settled. */
  async #writeNow(): Promise<void> {
    if (this.#pieces.length > 0) this.#writeInTurn();
    await this.#writing;
  }

  /** Writes what there is, in its order. */
  async #writeAll(): Promise<void> {
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      if (!this.#closed.has(piece.stream)) await this.#write(piece);
    }
  }

  /** @param written the result of a first attempt */
  async #write({ stream, bytes }: Piece, written?: number): Promise<void> {
    for (let left = bytes; left.length > 0;) {
      const part = { stream, bytes: left.slice(0, CHUNK) };
      const result = written ?? (await this.#client.run(writing(part))).result("write");
      written = undefined;
      if (result < 0) return this.#close(stream, -result);
      left = left.subarray(result);
    }
  }

  /**
   * If it is not that nobody reads it, output is lost: that is said in the words of `Output.print`. To an
   * stderr that is not open for writing nobody has anything said.
   */
  #close(stream: Stream, errno: number): void {
    this.#closed.add(stream);
    if (errno === EPIPE || (stream === STDERR && errno === EBADF)) return;
    this.#isLost = true;
    const [first = "", ...rest] = errnoText(errno);
    const why = `cannot write to stdout: ${first.toUpperCase()}${rest.join("")}`;
    this.#pieces.push({ stream: STDERR, bytes: encoder.encode(`hull: ${why}\n`) });
  }
}

/** A pipe that nobody reads must not end the client. */
function writing({ stream, bytes }: Piece): Operation[] {
  const pipe = signalSet([SIGPIPE]);
  return [
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, pipe, 0, pipe.length], onError: "continue" },
    { label: "write", syscall: "write", args: [stream, bytes, bytes.length], onError: "continue" },
  ];
}
