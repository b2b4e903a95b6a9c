/**
 * Runs a program to its end in one call, and gives what came of it.
 *
 * @module
 */

import type { ExitStatus } from "../../ffi/processes/process.ts";
import { read } from "../../ffi/files/file.ts";
import { type Pipe, setNonBlocking } from "../../ffi/files/pipe.ts";
import type { AbortOptions } from "../../ffi/waiting/abort.ts";
import { readTotals } from "../cgroups/totals.ts";
import { ContainerError } from "../errors.ts";
import { USED } from "../process/process_claim.ts";
import { Process, type ProgramOptions } from "../process.ts";
import { type Input, requireInput } from "../streams/input.ts";
import { Attendance, OutputPipes } from "./attendance.ts";
import type { KnownContainer } from "./known_container.ts";
import { type Usage, usageOfAll, usageOfOne } from "./usage.ts";

/** How much of each output is taken where nothing is said: 16 MiB. */
const OUTPUT_LIMIT = 16 * 2 ** 20;

const MOST_WORDS = 4096;
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** How a program is run to its end. */
export interface OutputOptions extends Omit<ProgramOptions, "args" | "consoleSize" | "terminal"> {
  /** What it reads: text, bytes, or a stream of bytes; nothing by default. */
  readonly stdin?: Input | undefined;
  /**
   * For how long it may run, in milliseconds. Then it is killed, with all that it has started, and
   * what it has written is given with `timedOut`.
   */
  readonly deadlineMs?: number | undefined;
  /**
   * How many bytes of its output are taken, and as many of its error output; default 16 MiB. If it
   * writes more it is killed, and what was taken is given with `truncated`.
   */
  readonly outputLimit?: number | undefined;
  /** Kills it when it is aborted; the call rejects with the reason then. */
  readonly signal?: AbortSignal | undefined;
}

/** What hull's own `run` adds. */
export interface InnerOutputOptions extends OutputOptions {
  /** Ends what the program may have left, so that nobody writes to its pipes any more. */
  readonly whenEnded?: (() => Promise<void>) | undefined;
}

/** What came of a program. */
export interface Output {
  /** Its exit code; 128 + the signal's number if a signal killed it. */
  readonly code: number;
  /** The number of the signal that killed it. */
  readonly signal: number | undefined;
  /** What it wrote, as UTF-8; bytes that are none become U+FFFD. */
  readonly stdout: string;
  /** What it wrote to its error output, as `stdout`. */
  readonly stderr: string;
  /** The same as bytes. */
  readonly stdoutBytes: Uint8Array<ArrayBuffer>;
  /** The same as bytes. */
  readonly stderrBytes: Uint8Array<ArrayBuffer>;
  /** Whether the kernel killed a process of the container meanwhile for want of memory. */
  readonly oomKilled: boolean;
  /** Whether the deadline came. */
  readonly timedOut: boolean;
  /** Whether it wrote more than was taken. */
  readonly truncated: boolean;
  /** What it used. */
  readonly usage: Usage;
}

/**
 * Runs a program in a container: its first one, or a further one.
 *
 * @param start starts it: `Container.run`
 * @throws {ContainerError} what `Container.run` throws; `ConfigInvalid` for options that can't be
 * @throws the signal's reason, or what the stream of its input failed with
 */
export async function outputOf(
  known: KnownContainer,
  start: (process: Process, options: AbortOptions) => Promise<void>,
  args: readonly string[],
  options: InnerOutputOptions,
): Promise<Output> {
  const { stdin, deadlineMs, outputLimit = OUTPUT_LIMIT, signal, whenEnded, ...program } = options;
  requireInput(stdin);
  requireAmount("deadlineMs", deadlineMs ?? 0);
  requireAmount("outputLimit", outputLimit);
  const { poller, cgroups } = known.surroundings;
  using pipes = new OutputPipes(stdin !== undefined);
  const process = new Process({ ...program, args, terminal: false, ...pipes.stdio });
  const before = known.state.known.init === undefined
    ? undefined
    : await readTotals(cgroups, poller);
  try {
    await start(process, { signal });
  } catch (error) {
    throw withLastWords(error, pipes.stderr);
  }
  const begun = performance.now();
  using attendance = new Attendance(process, pipes, stdin, poller, {
    deadlineMs,
    outputLimit,
    signal,
  });
  const status = await attendance.ended();
  const wallMs = performance.now() - begun;
  const totals = await readTotals(cgroups, poller);
  const isFirst = known.init?.pid === process.pid;
  const used = process[USED]();
  const usage = isFirst ? usageOfAll(totals, used, wallMs) : usageOfOne(used, wallMs);
  const oomKills = (totals.oomKills ?? 0) - (before?.oomKills ?? 0);
  if (isFirst) await whenEnded?.();
  await attendance.taken();
  signal?.throwIfAborted();
  return outcome(status, attendance, oomKills > 0, usage);
}

/** An init that could not say what went wrong may have printed it where nobody reads any more. */
function withLastWords(error: unknown, { reader }: Pipe): unknown {
  if (!(error instanceof ContainerError && error.code === "InitFailed")) return error;
  setNonBlocking(reader);
  const words = read(reader, MOST_WORDS) ?? new Uint8Array(0);
  if (words.length === 0) return error;
  const hint = `init printed: ${DECODER.decode(words).trim()}`;
  return new ContainerError(error.code, error.summary, { ...error, hint, cause: error });
}

function outcome(
  { code, signal, oomKilled = false }: ExitStatus,
  attendance: Attendance,
  hasOomKills: boolean,
  usage: Usage,
): Output {
  const { stdout, stderr, isLate } = attendance;
  const [stdoutBytes, stderrBytes] = [stdout.bytes(), stderr.bytes()];
  return {
    code,
    signal,
    stdout: DECODER.decode(stdoutBytes),
    stderr: DECODER.decode(stderrBytes),
    stdoutBytes,
    stderrBytes,
    oomKilled: oomKilled || hasOomKills,
    timedOut: isLate,
    truncated: stdout.isTruncated || stderr.isTruncated,
    usage,
  };
}

function requireAmount(name: string, amount: number): void {
  if (amount >= 0) return;
  throw new ContainerError("ConfigInvalid", `${name} can't be ${amount}`, {
    hint: "give a number that is not negative",
  });
}
