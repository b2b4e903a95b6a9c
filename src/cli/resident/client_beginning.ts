/**
 * What a client says of itself before its command is done.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import type { SyscallProgram } from "../../../ffi/program/program.ts";
import { limits, passStreams } from "./client_program.ts";

const RLIMIT_NOFILE = 7;
const FILES = { space: 16, name: "files" } as const;

/** What a client says of itself when its command begins. */
export interface Beginning {
  /** See capabilities(7). */
  readonly securebits: number;
  /** How many fds it may have open. */
  readonly fdLimit: number;
  readonly streams: readonly Fd[];
}

/** Has it say that, after which it waits as long as it takes. */
export function beginning(): Operation[] {
  return [
    ...limits(0n),
    { label: "look", syscall: "prctl", args: [PR_GET_SECUREBITS] },
    { syscall: "prlimit64", args: [0, RLIMIT_NOFILE, 0, FILES] },
    passStreams(),
  ];
}

/** What it has said. */
export function saidIn(program: SyscallProgram): Omit<Beginning, "streams"> {
  const { buffer, byteOffset } = program.output(FILES.name);
  const fdLimit = Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
  return { securebits: program.result("look"), fdLimit };
}
