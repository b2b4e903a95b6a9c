/**
 * What the shim's program prints.
 *
 * @module
 */

import { encode, type Given } from "../../protobuf/message.ts";
import type { Client } from "../host/places.ts";
import { timestampOf } from "../messages/common.ts";
import { DELETED } from "../messages/task.ts";
import type { ShimCall } from "./flags.ts";

const KILLED = 137;
/** The first version of which a program says more than its address. */
const JSON_VERSION = 3;

/** Whose shim a call asks for. */
export function clientOf(
  { namespace, address }: ShimCall,
  env: Readonly<Record<string, string>>,
): Client {
  return { namespace, address, ttrpcAddress: env["TTRPC_ADDRESS"] ?? `${address}.ttrpc` };
}

/**
 * Of `start`. The address is also written into the bundle, where containerd reads it when it is
 * started again.
 *
 * @param bundle the folder in which the program was called
 */
export function startAnswer(
  address: string,
  env: Readonly<Record<string, string>>,
  bundle: string,
): string {
  Deno.writeTextFileSync(`${bundle}/address.hull`, address, { mode: 0o644 });
  Deno.renameSync(`${bundle}/address.hull`, `${bundle}/address`);
  if (Number(env["MAX_SHIM_VERSION"] ?? "2") < JSON_VERSION) return address;
  return JSON.stringify({ version: JSON_VERSION, address, protocol: "ttrpc" });
}

/** Of `delete`: how the container ended; who is not known any more counts as killed. */
export function deleteAnswer(known: Given<typeof DELETED>): Uint8Array<ArrayBuffer> {
  if (known.exitedAt !== undefined) return encode(DELETED, known);
  return encode(DELETED, { exitStatus: KILLED, exitedAt: timestampOf(Date.now()) });
}
