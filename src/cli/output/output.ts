/**
 * What the CLI prints: results on stdout; errors, warnings and debug lines on stderr and, where
 * engines read them, in the log file.
 *
 * @module
 */

import { exactJson } from "../../config/fields/exact_json.ts";
import { ContainerError } from "../../errors.ts";
import { reason } from "./reason.ts";
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
}

type Level = "debug" | "warning" | "error";

const encoder = new TextEncoder();

/** The CLI's way to speak. */
export class Output {
  readonly #options: OutputOptions;

  /** Writes nothing yet. */
  constructor(options: OutputOptions = { format: "text", debug: false }) {
    this.#options = options;
  }

  /**
   * Prints a result, in which nothing acts on a terminal.
   *
   * @returns false if nobody reads it any more
   */
  print(text: string): boolean {
    return writeAll(Deno.stdout, visible(text));
  }

  /** Prints a value as JSON. */
  printJson(value: unknown): void {
    this.print(printableJson(exactJson(value, 2)) + "\n");
  }

  /**
   * Says something that the user may want to mend.
   *
   * @param pointer the field of config.json that it is about
   */
  warn(message: string, pointer?: string): void {
    if (this.#options.quiet === true) return;
    if (pointer === undefined) return this.#write("warning", { msg: message });
    this.#write("warning", { msg: `config ${pointer}: ${message}`, pointer });
  }

  /** Ends a line that another has begun on the terminal. */
  newline(): void {
    if (Deno.stderr.isTerminal()) writeAll(Deno.stderr, "\n");
  }

  /** Says what is being done, with `--debug` alone. */
  debug(message: string): void {
    if (this.#options.debug) this.#write("debug", { msg: message });
  }

  /** Reports the error that ends the command, on one line, with what this caller may do about it. */
  async failed(error: unknown): Promise<void> {
    const hasHint = error instanceof ContainerError && error.hint !== undefined;
    if (Deno.uid() === 0 && !hasHint && !this.#options.debug) return this.fail(error);
    const { explained, readableStack } = await import("./failure.ts");
    this.fail(explained(error));
    if (this.#options.debug) this.debug(readableStack(error));
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
    const human = `hull: ${level === "error" ? "" : `${level}: `}${printable(fields.msg)}\n`;
    if (log === undefined) {
      writeAll(Deno.stderr, visible(format === "json" ? asJson(level, fields) : human));
      return;
    }
    // Engines read the log's last line; people look at stderr. A warning is none of the output of a
    // container that starts, whose stderr this is.
    if (level === "error") writeAll(Deno.stderr, visible(human));
    const line = visible(format === "json" ? asJson(level, fields) : asText(level, fields.msg));
    try {
      if (!writeAll(log, line)) throw new Error("nobody reads it");
    } catch (error) {
      writeAll(Deno.stderr, visible(`hull: warning: cannot write to the log: ${oneLine(error)}\n`));
    }
  }
}

/**
 * Opens the file for log lines, so that one that can't be written is told before anything is made.
 *
 * @throws {ContainerError} `SystemError`
 */
export function openLog(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true, create: true, mode: 0o644 });
  } catch (cause) {
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
 * A text with its control characters spelled out: a message may hold what an image or a hook has
 * written, and a terminal would do what they say.
 */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, (letter) => `\\x${hex(letter, 2)}`);
}

// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f-\x9f]/g;
const CONTROL_IN_JSON = /[\x7f-\x9f]/g;

/** The same of JSON, where the others are spelled out already. */
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

/** Writes it all; a reader who has gone needs no more of it. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
