/**
 * The file in which the starter writes how processes ended that it has adopted: a siginfo_t for
 * each. It adopts further processes whose shim was killed, and also whatever detaches itself in a
 * container without a pid namespace of its own, so the file would grow for ever.
 *
 * @module
 */

import { O_APPEND, O_TRUNC, O_WRONLY, open, writeAll } from "../../../ffi/files/file.ts";
import { tryStatPath } from "../../../ffi/files/file_status.ts";
import {
  CODE_OFFSET,
  decodeEnd,
  PID_OFFSET,
  SIGINFO_SIZE,
} from "../../../ffi/processes/process.ts";

/** The file. */
export class Ended {
  readonly #path: string;
  #awaited = 0;

  /** Reads nothing yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Somebody waits for a record, until what this gives is disposed of. */
  await(): Disposable {
    this.#awaited++;
    return {
      [Symbol.dispose]: () => {
        this.#awaited--;
      },
    };
  }

  /** The exit code of a process; undefined if it was not written down, or is no more about it. */
  codeOf(pid: number): number | undefined {
    const bytes = this.#read();
    const view = new DataView(bytes.buffer);
    for (let at = bytes.length - SIGINFO_SIZE; at >= 0; at -= SIGINFO_SIZE) {
      if (view.getInt32(at + PID_OFFSET, true) !== pid) continue;
      if (view.getInt32(at + CODE_OFFSET, true) === FORGOTTEN) return undefined;
      return decodeEnd(bytes.slice(at, at + SIGINFO_SIZE))?.code;
    }
    return undefined;
  }

  /** What was written by now of a number is not about the process that has it from now on. */
  forget(pid: number): void {
    if (this.#size() === 0 || this.tidy() || this.codeOf(pid) === undefined) return;
    const record = new Uint8Array(SIGINFO_SIZE);
    new DataView(record.buffer).setInt32(PID_OFFSET, pid, true);
    using file = open(this.#path, O_WRONLY | O_APPEND);
    writeAll(file, record);
  }

  /**
   * Empties it, if nobody waits for what is written there: this program's own children are not.
   *
   * @returns whether it is empty
   */
  tidy(): boolean {
    if (this.#awaited > 0) return false;
    if (this.#size() > 0) open(this.#path, O_WRONLY | O_TRUNC).close();
    return true;
  }

  #size(): number {
    const status = tryStatPath(this.#path, true);
    return typeof status === "number" ? 0 : status.size;
  }

  #read(): Uint8Array<ArrayBuffer> {
    try {
      return Deno.readFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Uint8Array(0);
      throw error;
    }
  }
}

/** The si_code of a record that only ends the meaning of those before it. */
const FORGOTTEN = 0;
