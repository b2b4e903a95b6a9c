/**
 * What can go wrong when systemd is asked for something.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { ContainerError } from "../errors.ts";

const WITHOUT = "without it the cgroup driver is cgroupfs";
const NO_SYSTEMD = `does systemd run here (\`systemctl status\`)? ${WITHOUT}`;
const LOOK = "see what `systemctl status` and `journalctl -b -t systemd` say";

/** What a bus is and what it was asked for, for messages. */
export interface Asked {
  /** The socket's path. */
  readonly path: string;
  /** Such as `StartTransientUnit`. */
  readonly what: string;
}

/** An error that came as the answer to a call; the `cause` of the ContainerError. */
export class DBusError extends Error {
  override readonly name = "DBusError";
  /** The error's name, such as `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly errorName: string;

  /** Makes the error from what the answer holds. */
  constructor(errorName: string, text: string) {
    super(text);
    this.errorName = errorName;
  }
}

/**
 * Whether a call was answered with one of these errors.
 *
 * @param error whatever `Bus.call` threw
 * @param names such as `org.freedesktop.systemd1.NoSuchUnit`
 */
export function answeredWith(error: unknown, ...names: readonly string[]): boolean {
  const cause = error instanceof ContainerError ? error.cause : undefined;
  return cause instanceof DBusError && names.includes(cause.errorName);
}

/** The answer to a call was an error. */
export function refused(asked: Asked, errorName: string, body: readonly unknown[]): ContainerError {
  const text = typeof body[0] === "string" ? body[0] : "";
  const summary = `systemd refused ${asked.what}: ${errorName}${text === "" ? "" : `: ${text}`}`;
  const hint = hintFor(errorName);
  return failure(summary, { hint, cause: new DBusError(errorName, text) });
}

/** The bus can't be reached. */
export function unreachable({ path }: Asked, cause: unknown): unknown {
  if (!(cause instanceof SyscallError)) return cause;
  const { syscall, code: errno } = cause;
  const hint = errno === "EACCES" || errno === "EPERM"
    ? "this user may not speak to it; an ordinary user has a manager of their own, which a login starts"
    : NO_SYSTEMD;
  return failure("cannot reach systemd", { syscall, errno, path, hint, cause });
}

/** It was reached, but does not let this user in. */
export function rejected({ path }: Asked, answer: string): ContainerError {
  const hint = `the user of id ${Deno.uid()} must be the one whom the socket is for`;
  return failure(`systemd does not let hull in: ${JSON.stringify(answer)}`, { path, hint });
}

/** No answer came in time. */
export function late({ path, what }: Asked, timeout: number): ContainerError {
  const seconds = Number((timeout / 1000).toPrecision(2)); // of a limit that others had a part of
  const summary = `systemd did not answer ${what} within ${seconds} s`;
  return failure(summary, { path, errno: "ETIMEDOUT", hint: `${LOOK}; ${WITHOUT}` });
}

/** The connection ended; nothing more can be asked. */
export function ended({ path, what }: Asked, cause?: unknown): ContainerError {
  const { syscall, code: errno } = cause instanceof SyscallError
    ? cause
    : {} as Partial<SyscallError>;
  const summary = cause === undefined
    ? `the connection to systemd was closed before ${what} was answered`
    : `systemd closed the connection before it answered ${what}`;
  return failure(summary, { syscall, errno, path, hint: LOOK, cause });
}

/** What came is not D-Bus. */
export function malformed({ path, what }: Asked, cause: Error): ContainerError {
  const summary = `what systemd answered to ${what} is no D-Bus: ${cause.message}`;
  return failure(summary, { path, cause });
}

/** What was to be sent can't be. */
export function unsayable({ path, what }: Asked, cause: Error): ContainerError {
  return failure(`cannot ask systemd for ${what}: ${cause.message}`, { path, cause });
}

function failure(
  summary: string,
  details: ConstructorParameters<typeof ContainerError>[2],
): ContainerError {
  return new ContainerError("SystemError", summary, { step: "cgroups", ...details });
}

function hintFor(errorName: string): string | undefined {
  switch (errorName.slice(errorName.lastIndexOf(".") + 1)) {
    case "AccessDenied":
    case "InteractiveAuthorizationRequired":
      return "only root may ask the system's manager for this; an ordinary user has one of their own";
    case "NoReply":
    case "TimedOut":
      return LOOK;
    case "ServiceUnknown":
    case "NameHasNoOwner":
      return NO_SYSTEMD;
    default:
      return undefined;
  }
}
