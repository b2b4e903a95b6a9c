/**
 * Turns all faults of a document into one error.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import type { Field, Report } from "./field.ts";

/** Whether a document is an object, as it must be; reports a fault if not. */
export function requireObject(document: Field): boolean {
  if (!document.exists || document.value === null) document.mismatch("an object");
  return document.value !== null && document.isObject();
}

/**
 * Throws what was reported, if anything was.
 *
 * @param what the subject of the sentence
 * @throws {ContainerError} `ConfigInvalid` with all `faults`
 */
export function throwFaults(report: Report, what: string): void {
  const { faults } = report;
  if (faults.length > 0) {
    throw new ContainerError("ConfigInvalid", `${what} can't be used`, { faults });
  }
}
