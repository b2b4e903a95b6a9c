/**
 * Opens a connection within a limit of time, and tells what went wrong.
 *
 * @module
 */

import type { Alarm } from "../../ffi/waiting/alarm.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { ended, late, malformed, rejected, unreachable } from "./bus_errors.ts";
import { Connection, EndOfStream, Rejection } from "./connection.ts";
import { DBusFormatError } from "./signature.ts";

/**
 * Connects to a socket.
 *
 * @param timeout milliseconds
 * @throws {ContainerError} `SystemError`
 */
export async function openWithin(
  path: string,
  poller: Poller,
  alarm: Alarm,
  timeout: number,
): Promise<Connection> {
  const asked = { path, what: "the connection" };
  const limit = new AbortController();
  const callOff = alarm.after(timeout, () => limit.abort(late(asked, timeout)));
  try {
    return await Connection.open(path, poller, limit.signal);
  } catch (error) {
    if (error instanceof Rejection) throw rejected(asked, error.message);
    if (error instanceof EndOfStream) throw ended(asked, error);
    if (error instanceof DBusFormatError) throw malformed(asked, error);
    throw unreachable(asked, error);
  } finally {
    callOff();
  }
}
