/**
 * Prints for the CLI: results on stdout; errors, warnings and debug lines on stderr and in the log
 * file, where engines read them.
 *
 * @module
 */

import { exactJson } from "../../config/fields/exact_json.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import { isInUserNamespace } from "../../own/rights.ts";
import { ContainerError } from "../../errors.ts";
import { reason } from "../../failures/reason.ts";
import { visible } from "../../failures/visible.ts";

/** How log lines are written. */
export type LogFormat = "text" | "json";

/** Where log lines go. */
export interface OutputOptions {
  /** The file that they are appended to; stderr without one. */
  readonly log?: Deno.FsFile | undefined;
  readonly format: LogFormat;
  readonly debug: boolean;
  /** Whether warnings are kept back. */
  readonly quiet?: boolean | undefined;
  /** Whose streams are written to; without one this program's. */
  readonly caller?: Pick<Caller, "stdout" | "stderr"> | undefined;
}

type Level = "debug" | "warning" | "error";

const encoder = new TextEncoder();

/** The output of one command. */
export class Output {
  readonly #options: OutputOptions;

  /** Writes nothing yet. */
  constructor(options: OutputOptions = { format: "text", debug: false }) {
    this.#options = options;
  }

  /**
   * Prints a result. Characters that would act on a terminal are escaped.
   *
   * @returns false if nobody reads it any more
   * @throws {ContainerError} `SystemError` if it can't be written, on a full disk say
   */
  print(text: string): boolean {
    try {
      return writeAll(this.#caller.stdout, visible(text));
    } catch (cause) {
      if (cause instanceof NotHere) throw cause;
      const said = `cannot write to stdout: ${reason(cause)}`;
      throw new ContainerError("SystemError", said, { cause });
    }
  }

  /** Prints a value as JSON. */
  printJson(value: unknown): void {
    this.print(printableJson(exactJson(value, 2)) + "\n");
  }

  /**
   * Prints a warning about something that the user may want to correct.
   *
   * @param pointer the field of config.json that it is about
   */
  warn(message: string, pointer?: string): void {
    if (this.#options.quiet === true) return;
    if (pointer === undefined) return this.#write("warning", { msg: message });
    this.#write("warning", { msg: `config ${pointer}: ${message}`, pointer });
  }

  get #caller(): Pick<Caller, "stdout" | "stderr"> {
    return this.#options.caller ?? Deno;
  }

  /** Ends a line that something else has begun on the terminal. */
  newline(): void {
    const { stderr } = this.#caller;
    if (stderr.isTerminal()) writeAll(stderr, "\n");
  }

  /** Prints what is being done, with `--debug` only. */
  debug(message: string): void {
    if (this.#options.debug) this.#write("debug", { msg: message });
  }

  /**
   * Reports the error that ends the command, on one line, with what this caller may do about it.
   */
  async failed(error: unknown): Promise<void> {
    const isAll = error instanceof ContainerError && error.hint === undefined;
    if (Deno.uid() === 0 && !isInUserNamespace() && isAll && !this.#options.debug) {
      return this.fail(error);
    }
    const { explained, readableStack } = await import("./failure.ts");
    this.fail(explained(error));
    if (this.#options.debug) this.debug(readableStack(error));
  }

  /** Closes the log. */
  close(): void {
    this.#options.log?.close();
  }

  /** Reports an error on one line. */
  fail(error: unknown): void {
    const message = oneLine(error);
    if (error instanceof ContainerError) {
      const { message: _summary, ...details } = error.toJSON();
      this.#write("error", { msg: message, ...details });
    } else {
      this.#write("error", { msg: message });
    }
  }

  #write(
    level: Level,
    fields: { readonly msg: string; readonly pointer?: string | undefined },
  ): void {
    const { log, format } = this.#options;
    const { stderr } = this.#caller;
    const human = `hull: ${level === "error" ? "" : `${level}: `}${printable(fields.msg)}\n`;
    if (log === undefined) {
      writeAll(stderr, visible(format === "json" ? asJson(level, fields) : human));
      return;
    }
    // Engines read the log's last line; people look at stderr. With a log file warnings are not
    // printed on stderr, since that is also the stderr of the container.
    if (level === "error") writeAll(stderr, visible(human));
    const line = visible(format === "json" ? asJson(level, fields) : asText(level, fields.msg));
    try {
      if (!writeAll(log, line)) throw new Error("nobody reads it");
    } catch (error) {
      writeAll(stderr, visible(`hull: warning: cannot write to the log: ${oneLine(error)}\n`));
    }
  }
}

/**
 * Opens the file for log lines. If it can't be written, this is reported before anything is made.
 *
 * @throws {ContainerError} `SystemError`
 */
export function openLog(
  path: string,
  caller: Pick<Caller, "output"> = { output: (own) => own },
): Deno.FsFile {
  try {
    return Deno.openSync(caller.output(path), { append: true, create: true, mode: 0o644 });
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    throw new ContainerError("SystemError", `cannot write to the log ${path}: ${reason(cause)}`, {
      path,
      cause,
      hint: "--log needs a file in a folder that is there",
    });
  }
}

/** The message of whatever was thrown, without line breaks. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(/\s*\n\s*/g, " ");
}

/**
 * A text with its control characters escaped: a message may hold text from an image or a hook, and
 * a terminal would act on them.
 */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, (letter) => `\\x${hex(letter, 2)}`);
}

// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f-\x9f]/g;
const CONTROL_IN_JSON = /[\x7f-\x9f]/g;

/** The same for JSON, where other control characters are escaped already. */
function printableJson(json: string): string {
  return json.replaceAll(CONTROL_IN_JSON, (letter) => `\\u${hex(letter, 4)}`);
}

function hex(letter: string, digits: number): string {
  return letter.charCodeAt(0).toString(16).padStart(digits, "0");
}

function asJson(level: Level, fields: { readonly msg: string }): string {
  const line = JSON.stringify({ level, ...fields, time: new Date().toISOString() });
  return printableJson(line) + "\n";
}

function asText(level: Level, message: string): string {
  return `time="${new Date().toISOString()}" level=${level} msg=${
    printableJson(JSON.stringify(message))
  }\n`;
}

/** Writes all of it; false if the reader has gone. */
export function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string | Uint8Array,
): boolean {
  let bytes = typeof text === "string" ? encoder.encode(text) : text;
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
