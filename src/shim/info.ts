/**
 * What the shim says of itself and of its runtime: `-info`.
 *
 * Source: containerd's api/types/introspection.proto.
 *
 * @module
 */

import { features } from "../features.ts";
import { encode, table } from "../protobuf/message.ts";
import { VERSION } from "../version.ts";
import { ANY } from "./messages/common.ts";

const RUNTIME_INFO = table({
  name: [1, "string"],
  version: [2, { version: [1, "string"], revision: [2, "string"] }],
  options: [3, ANY],
  features: [4, ANY],
  annotations: [5, "map"],
});

const FEATURES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/** The message. */
export function info(): Promise<Uint8Array> {
  const value = new TextEncoder().encode(JSON.stringify(features()));
  return Promise.resolve(encode(RUNTIME_INFO, {
    name: "io.containerd.hull.v1",
    version: { version: VERSION },
    features: { typeUrl: FEATURES_TYPE, value },
  }));
}
