/**
 * What containerd's users can say of a runtime: the options that runc's shim takes.
 *
 * Source: containerd's api/types/runc/options/oci.proto.
 *
 * @module
 */

import { decode, type MessageOf, table } from "../../protobuf/message.ts";
import type { ANY } from "./common.ts";

/** The name of the message's kind. */
export const OPTIONS_TYPE = "containerd.runc.v1.Options";

/** The message. */
export const OPTIONS = table({
  noPivotRoot: [1, "bool"],
  noNewKeyring: [2, "bool"],
  shimCgroup: [3, "string"],
  ioUid: [4, "uint32"],
  ioGid: [5, "uint32"],
  binaryName: [6, "string"],
  root: [7, "string"],
  criuPath: [8, "string"],
  systemdCgroup: [9, "bool"],
});

/** What was said. */
export type RuntimeOptions = MessageOf<typeof OPTIONS>;

/** What is said if nothing is. */
export const NO_OPTIONS: RuntimeOptions = decode(OPTIONS, new Uint8Array(0));

/**
 * Reads the options; those of another kind are ignored, as those of a runtime that this is not.
 *
 * @throws {ProtobufError}
 */
export function readOptions(
  any: MessageOf<typeof ANY> | undefined,
): { readonly options: RuntimeOptions; readonly warnings: readonly string[] } {
  if (any === undefined || any.value.length === 0) return { options: NO_OPTIONS, warnings: [] };
  const kind = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  if (kind !== OPTIONS_TYPE) {
    return { options: NO_OPTIONS, warnings: [`options of the kind ${kind} are ignored`] };
  }
  const options = decode(OPTIONS, any.value);
  const warnings = [
    ...(options.binaryName === "" ? [] : [`BinaryName is ignored: ${options.binaryName}`]),
    ...(options.criuPath === "" ? [] : ["CriuPath is ignored: there are no checkpoints"]),
  ];
  return { options, warnings };
}
