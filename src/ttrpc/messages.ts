/**
 * What the frames of ttrpc carry, and how a call can fail.
 *
 * Source: ttrpc's request.proto, google/rpc/status.proto and code.proto.
 *
 * @module
 */

import { table } from "../protobuf/message.ts";

/** A call. */
export const REQUEST = table({
  service: [1, "string"],
  method: [2, "string"],
  payload: [3, "bytes"],
  timeoutNano: [4, "int64"],
  metadata: [5, [table({ key: [1, "string"], value: [2, "string"] })]],
});

const STATUS = table({ code: [1, "int32"], message: [2, "string"] });

/** Its answer. */
export const RESPONSE = table({ status: [1, STATUS], payload: [2, "bytes"] });

/** How a call can fail. */
export const CODE = {
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
} as const;

/** The name of a way to fail. */
export type StatusCode = keyof typeof CODE;

/** A call that fails, and how the caller is told. */
export class StatusError extends Error {
  override readonly name = "StatusError";

  /** With a code and a sentence. */
  constructor(readonly code: StatusCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
  }
}
