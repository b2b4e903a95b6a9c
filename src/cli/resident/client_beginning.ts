/**
 * What a client says of itself before its command is done.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { limits, passStreams } from "./client_program.ts";

/** The label of the call whose result is the securebits. */
export const SECUREBITS = "securebits";

/** What a client says of itself when its command begins. */
export interface Beginning {
  /** See capabilities(7). */
  readonly securebits: number;
  readonly streams: readonly Fd[];
}

/** Has it say that, after which it waits as long as it takes. */
export function beginning(): Operation[] {
  return [
    ...limits(0n),
    { label: SECUREBITS, syscall: "prctl", args: [PR_GET_SECUREBITS] },
    passStreams(),
  ];
}
