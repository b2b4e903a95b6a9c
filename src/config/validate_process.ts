/**
 * The check of a process by itself: one that joins a running container.
 *
 * @module
 */

import type { ProcessConfig } from "./types.ts";
import { requireObject, throwFaults } from "./validate/faults.ts";
import { Field, Report } from "./validate/field.ts";
import { checkProcess } from "./validate/process.ts";
import { cleanCopy } from "./validate/strings.ts";

/**
 * The process that a document describes: what `exec --process FILE` reads. Pointers begin at the
 * process.
 *
 * @throws {ContainerError} `ConfigInvalid` with all `faults`.
 */
export function validateProcess(value: unknown): ProcessConfig {
  const report = new Report();
  const process = new Field(report, "", cleanCopy(value, report));
  if (requireObject(process)) checkProcess(process);
  throwFaults(report, "the process");
  return process.value as ProcessConfig;
}
