/**
 * What only those commands need of a client's process that do more than look: which fds it has, how
 * many it may have, when it began, and which of its streams may be terminals.
 *
 * Source: proc(5), prlimit(2).
 *
 * @module
 */

import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import { type Fd, O_DIRECTORY, O_RDONLY, openAt } from "../../../ffi/files/file.ts";
import { decodeStatus, S_IFCHR, S_IFMT } from "../../../ffi/files/file_status.ts";
import { entries, namesIn } from "../../../ffi/files/folder.ts";
import { RLIMITS } from "../../../ffi/processes/rlimit.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { closing, opening, PROC, reading, space, status } from "./look_calls.ts";
import { LookProgram, PID } from "./looked_program.ts";

const STAT_SIZE = 1024;
const STREAMS = ["fd/0", "fd/1", "fd/2"] as const;
const NAMES_SIZE = 8192;
const LIMIT_SIZE = 16;
/** The major number of the devices of memory. */
const MEMORY = 1;

/** What was read of a process. */
export interface SeenCloser {
  /** The text of its /proc/PID/stat. */
  readonly stat: string;
  /** The numbers of the fds that it has open. */
  readonly fds: ReadonlySet<number>;
  /** How many it may have open. */
  readonly fdLimit: number;
}

/** Looks at processes, one after another. */
export class CloserLook {
  readonly #program = new LookProgram([
    ...reading("stat", STAT_SIZE),
    opening("fd", PROC, "fd", O_RDONLY | O_DIRECTORY),
    listing("names"),
    listing("more"),
    closing("fd"),
    {
      label: "limit",
      syscall: "prlimit64",
      args: [PID, RLIMITS["RLIMIT_NOFILE"] as number, 0, space("limit", LIMIT_SIZE)],
      onError: "continue",
    },
  ]);
  readonly #streams = new LookProgram(STREAMS.map((name) => status(name, PROC, name, 0)));

  /**
   * Looks at a process.
   *
   * @throws {SyscallError} ENOENT or ESRCH if there is none
   */
  at(pid: number): SeenCloser {
    const program = this.#program;
    using proc = program.run(pid);
    program.required("limit");
    const { buffer, byteOffset } = program.output("limit");
    return {
      stat: decodeRaw(program.file(proc, "stat", STAT_SIZE)),
      fds: new Set(this.#names(proc).map(numberIn)),
      fdLimit: Number(new DataView(buffer, byteOffset).getBigUint64(0, true)),
    };
  }

  /**
   * Those of its standard streams that may be terminals.
   *
   * @throws {SyscallError} ENOENT if there is no such process
   */
  terminals(pid: number): ReadonlySet<number> {
    using _proc = this.#streams.run(pid);
    return new Set(STREAMS.flatMap((name, stream) => this.#mayBeTerminal(name) ? [stream] : []));
  }

  #mayBeTerminal(stream: string): boolean {
    if (this.#streams.result(stream) < 0) return false; // it is closed
    const { mode, deviceMajor } = decodeStatus(this.#streams.output(stream));
    return (mode & S_IFMT) === S_IFCHR && deviceMajor !== MEMORY;
  }

  #names(proc: Fd): readonly Uint8Array<ArrayBuffer>[] {
    const program = this.#program;
    program.required("fd");
    if (program.required("more") === 0) {
      return namesIn(program.copy("names", program.required("names")));
    }
    using folder = openAt(proc, "fd", O_RDONLY | O_DIRECTORY);
    return entries(folder);
  }
}

function listing(name: string): Operation {
  const args = [{ result: "fd" }, space(name, NAMES_SIZE), NAMES_SIZE];
  return { label: name, syscall: "getdents64", args, onError: "continue" };
}

/** The number that a name is, which ends in NUL. */
function numberIn(name: Uint8Array): number {
  return name.subarray(0, -1).reduce((number, digit) => 10 * number + digit - 0x30, 0);
}
