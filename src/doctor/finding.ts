/**
 * What the doctor says of a host: a line for each thing that was looked at.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";

/** What a finding is about, in the order in which the findings are told. */
export type FindingArea =
  | "kernel"
  | "calls"
  | "namespaces"
  | "cgroups"
  | "ids"
  | "seccomp"
  | "lsm"
  | "network"
  | "memory"
  | "limits"
  | "clock"
  | "start";

/**
 * How bad it is.
 *
 * - `ok`: as it should be
 * - `warning`: containers run, but something that one can ask for does not work
 * - `problem`: something is missing that every container needs, or every engine asks for
 */
export type FindingLevel = "ok" | "warning" | "problem";

/** One thing that was looked at. */
export interface Finding {
  /** What it is about. */
  readonly area: FindingArea;
  /** How bad it is. */
  readonly level: FindingLevel;
  /** What was found, one line. */
  readonly message: string;
  /** What to do about it, one line; undefined if nothing is to be done. */
  readonly remedy?: string;
}

/** That something is as it should be. */
export function ok(area: FindingArea, message: string): Finding {
  return { area, level: "ok", message };
}

/** That something can be asked for which does not work. */
export function warning(area: FindingArea, message: string, remedy: string): Finding {
  return { area, level: "warning", message, remedy };
}

/** That something needed is missing. */
export function problem(area: FindingArea, message: string, remedy: string): Finding {
  return { area, level: "problem", message, remedy };
}

/**
 * An error of the library's as a finding: its own words, and its hint as the remedy.
 *
 * @param remedy what to do if the error does not say
 */
export function failed(
  area: FindingArea,
  level: "warning" | "problem",
  error: unknown,
  remedy: string,
): Finding {
  if (!(error instanceof ContainerError)) throw error;
  const { hint, summary, syscall, message } = error;
  const whole = hint === undefined ? message : message.slice(0, -`; ${hint}`.length);
  // Step and field say something only about a start that got that far.
  const told = syscall === undefined ? summary : whole;
  return { area, level, message: told, remedy: hint ?? remedy };
}

/**
 * A rule of the library's, which names what is wrong and what to do behind its first colon.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ruled } from "./finding.ts";
 *
 * assertEquals(ruled("ids", "warning", "there is none: install it"), {
 *   area: "ids",
 *   level: "warning",
 *   message: "there is none",
 *   remedy: "install it",
 * });
 * ```
 */
export function ruled(area: FindingArea, level: "warning" | "problem", rule: string): Finding {
  const at = rule.indexOf(": ");
  return { area, level, message: rule.slice(0, at), remedy: rule.slice(at + 2) };
}
