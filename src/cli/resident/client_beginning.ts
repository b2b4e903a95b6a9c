/**
 * What a client does before its command is done, and is asked of itself then.
 *
 * @module
 */

import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import { comparison } from "../../../ffi/program/comparison.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { limits } from "./client_program.ts";

const SECUREBITS = "securebits";

/**
 * From now on it waits for this resident as long as it takes; but if it has other securebits than
 * this resident (capabilities(7)), it does its command itself.
 */
export function beginning(securebits: number): Operation[] {
  return [
    ...limits(0n),
    { label: SECUREBITS, syscall: "prctl", args: [PR_GET_SECUREBITS] },
    { ...comparison({ placeOf: SECUREBITS }, securebits), onError: { jump: "cold" } },
  ];
}
