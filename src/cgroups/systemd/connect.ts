/**
 * How a connection to a systemd begins, and by what one that is lost is known.
 *
 * A systemd that executes itself anew goes on with all it does, but its own socket is gone for a
 * moment, its connections end, and to a message bus it is a program that has left.
 *
 * @module
 */

import { isThere as pathIsThere } from "../../../ffi/files/file_status.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import { ContainerError } from "../../errors.ts";
import { Bus } from "../../systemd/bus.ts";
import { answeredWith } from "../../systemd/bus_errors.ts";
import { EndOfStream } from "../../systemd/connection.ts";
import { type Address, addressesOf, type Whose } from "./addresses.ts";

/** How long one answer may take, and all tries of a connection together, in milliseconds. */
const ANSWER_MS = 30_000;
/** How long a systemd that executes itself anew may have no socket. */
const ABSENT_MS = 3000;
/** How often what nothing tells is looked at. */
export const PAUSE_MS = 50;

/** What a message bus answers in place of somebody who has left it. */
const LEFT = ["NoReply", "Disconnected", "NameHasNoOwner", "ServiceUnknown"]
  .map((name) => `org.freedesktop.DBus.Error.${name}`);

/** Where systemd is, and how long is waited for it; only tests need more than `whose`. */
export interface ConnectOptions {
  readonly whose: Whose;
  readonly addresses?: readonly Address[] | undefined;
  readonly answerMs?: number | undefined;
}

/** A connection. */
export interface Connected {
  readonly bus: Bus;
  /** Whether systemd itself is at the other end, rather than a message bus. */
  readonly isPeer: boolean;
}

/**
 * Connects.
 *
 * @throws {ContainerError} `SystemError` where there is no systemd, or it does not answer
 */
export async function connectSystemd(options: ConnectOptions): Promise<Connected> {
  const { whose, answerMs = ANSWER_MS } = options;
  const addresses = options.addresses ??
    addressesOf(whose, (name) => Deno.env.get(name), Deno.uid() ?? 0);
  const begin = performance.now();
  const absentMs = options.addresses === undefined ? ABSENT_MS : 0;
  for (;;) {
    let failure: unknown;
    for (const { path, isBus } of addresses) {
      try {
        const timeout = Math.max(1, answerMs - (performance.now() - begin));
        const isPeer = !isBus;
        return { bus: await Bus.connect(path, { isPeer, timeout, answerMs }), isPeer };
      } catch (error) {
        if (!isLost(error)) throw error;
        failure ??= error;
      }
    }
    const waited = performance.now() - begin;
    if (!isExecutingAnew(whose, addresses) || waited > absentMs) throw failure;
    await pause(PAUSE_MS);
  }
}

/**
 * Whether nobody is at the other end, or nobody for this user: somebody may be at another socket, or
 * a moment later.
 */
export function isLost(error: unknown): boolean {
  if (!(error instanceof ContainerError)) return false;
  return error.cause instanceof EndOfStream || answeredWith(error, ...LEFT) ||
    /^(?:ENOENT|ECONNREFUSED|ECONNRESET|EPIPE|EACCES|EPERM|ENOTDIR)$/.test(error.errno ?? "");
}

/** Whether a host that systemd runs has none of its sockets for a moment. */
function isExecutingAnew(whose: Whose, [own]: readonly Address[]): boolean {
  if (whose === "system") return pathIsThere("/run/systemd/system");
  return own !== undefined && pathIsThere(own.path);
}
