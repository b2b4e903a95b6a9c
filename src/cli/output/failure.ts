/**
 * What else is said of a failure: to an ordinary user, and with `--debug`.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { OWN_WORDS } from "./own_words.ts";
import { inSources } from "./source_map.ts";

/** An error with what this caller can do about it, where that depends on who it is. */
export function explained(error: unknown): unknown {
  if (!(error instanceof ContainerError)) return error;
  const { errno, step, code, summary, cause } = error;
  const own = OWN_WORDS.get(error.hint ?? "");
  if (own !== undefined) {
    return new ContainerError(code, summary, { ...error.toJSON(), hint: own, cause });
  }
  if (Deno.uid() === 0) return error;
  if (error.hint !== undefined || (errno !== "EACCES" && errno !== "EPERM")) return error;
  const hint = step === "cgroups"
    ? "an ordinary user makes no cgroups: use hull --cgroup-manager disabled, or run hull as root"
    : "run hull as root (sudo hull …), or name a folder of your own with --root";
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}

/** The stack on one line, in the places of the sources, and those of what is underneath. */
export function readableStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = inSources(error.stack ?? error.message).replaceAll(/\s*\n\s*/g, " | ");
  return error.cause === undefined ? stack : `${stack} | cause: ${readableStack(error.cause)}`;
}
