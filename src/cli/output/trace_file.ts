/**
 * `--trace FILE`: the trace and its file. Loaded only if it is asked for.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { Trace } from "../../trace/trace.ts";
import { reason } from "../../failures/reason.ts";
import { oneLine, type Output } from "./output.ts";

/** A trace that is written at the command's end. */
export class TraceFile {
  /** The trace. */
  readonly trace: Trace;
  readonly #path: string;
  #file: Deno.FsFile | undefined;

  /**
   * Opens the file. If it can't be written, this is reported before anything is made.
   *
   * @param command what is traced
   * @throws {ContainerError} `SystemError`
   */
  constructor(path: string, command: string) {
    this.#path = path;
    try {
      this.#file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o644 });
    } catch (cause) {
      throw new ContainerError("SystemError", `cannot write the trace ${path}: ${reason(cause)}`, {
        path,
        cause,
        hint: "--trace needs a file in a folder that is there and can be written",
      });
    }
    this.trace = new Trace(`hull ${command}`);
    this.trace.main.add("load the runtime and hull", 0, performance.now());
  }

  /** Writes the trace. A failure is only a warning. */
  async write(output: Output): Promise<void> {
    using file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    try {
      let bytes = new TextEncoder().encode(JSON.stringify(await this.trace.json()) + "\n");
      while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
    } catch (error) {
      output.warn(`cannot write the trace ${this.#path}: ${oneLine(error)}`);
    }
  }
}
