/**
 * The pipes that a daemon gives to a process, and the checks of them.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import type { Bytes } from "../streams/input.ts";

export type { Bytes } from "../streams/input.ts";

/**
 * A file of the host. The process itself has it open, so it can go on writing when the daemon is
 * gone. Output is appended; a file that doesn't exist is made with mode 0600.
 */
export interface PipeFile {
  /** Its path on the host. */
  readonly file: string;
}

/** Where a stream goes that is not a web stream: see {@linkcode Pipes}. */
export type PipeEnd = PipeFile | "inherit" | "null" | number;

/** Where what a process reads comes from. */
export type InputPipe = ReadableStream<Bytes> | PipeEnd;

/** Where what a process writes goes. */
export type OutputPipe = WritableStream<Bytes> | PipeEnd;

/**
 * The standard streams of a process; the default is `null`, which is /dev/null. A web stream is
 * taken over: it is closed with the process's stream, and aborted or cancelled if the process never
 * ran. With `inherit` the process gets this program's own stream; a number is an open fd, which
 * stays the caller's.
 *
 * A web stream that fails ends the program: otherwise the program could take half of its input for
 * the whole. The call rejects with the stream's error, which is one of these: a `stdin` that errors or gives something else than
 * bytes (`TypeError`), an output's sink that throws, errors, or can't be closed. A reader that
 * cancels an output without a reason (`readable.cancel()` of a `TransformStream`) has gone away,
 * which is no failure: the program learns of it by SIGPIPE, as in a shell's pipe. It is no failure
 * either if the program closes its stdin: the stream is cancelled.
 *
 * A process with a web stream can't outlive the daemon for long. The other end of the pipe closes
 * with the daemon, and a write then ends the program by SIGPIPE, or fails with EPIPE. A program
 * that must survive the daemon should write to a file.
 */
export interface Pipes {
  /** What it reads; with a terminal, what is typed there. */
  readonly stdin?: InputPipe | undefined;
  /** Where its output goes; with a terminal, all that it shows. */
  readonly stdout?: OutputPipe | undefined;
  /** Where its error output goes. With a terminal it can't be given: it is part of `stdout`. */
  readonly stderr?: OutputPipe | undefined;
}

/** Refuses unknown properties, since nothing would ever flow through them. */
export function requireKnown(pipes: Pipes): void {
  const named = { stdin: pipes.stdin, stdout: pipes.stdout, stderr: pipes.stderr };
  for (const [name, pipe] of Object.entries(named)) {
    if (pipe === undefined || pipe === "null" || pipe === "inherit") continue;
    if (typeof pipe === "number" && Number.isInteger(pipe) && pipe >= 0) continue;
    if (pipe instanceof (name === "stdin" ? ReadableStream : WritableStream)) continue;
    if (typeof (pipe as Partial<PipeFile> | null)?.file === "string") continue;
    const stream = name === "stdin" ? "ReadableStream" : "WritableStream";
    throw new ContainerError("ConfigInvalid", `${name} can't be what was given`, {
      hint: `give a ${stream}, {file: path}, "inherit", "null", or an open fd's number`,
    });
  }
}

/** Nobody else may read or write its streams. */
export function requireFree(pipes: Pipes): void {
  const streams = [pipes.stdin, pipes.stdout, pipes.stderr].filter(isStream);
  if (streams.every(({ locked }) => !locked) && new Set(streams).size === streams.length) return;
  throw new ContainerError("ConfigInvalid", "a stream of the pipes is in use already", {
    hint: "give each pipe a stream of its own that nobody holds a reader or writer of",
  });
}

/** A terminal has one stream each way. */
export function requireTerminalPipes(
  { stdin = "null", stdout = "null", stderr = "null" }: Pipes,
): void {
  const fits = (pipe: InputPipe | OutputPipe) => pipe === "null" || isStream(pipe);
  if (fits(stdin) && fits(stdout) && stderr === "null") return;
  throw new ContainerError("ConfigInvalid", "a terminal needs streams, and has no stderr", {
    hint: "give stdin and stdout as web streams, and leave stderr out",
  });
}

function isStream(
  pipe: InputPipe | OutputPipe | undefined,
): pipe is ReadableStream<Bytes> | WritableStream<Bytes> {
  return pipe instanceof ReadableStream || pipe instanceof WritableStream;
}
