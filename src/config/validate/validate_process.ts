/**
 * The check of a process by itself: one that joins a running container.
 *
 * @module
 */

import type { ProcessConfig } from "../types/config.ts";
import { requireObject, throwFaults } from "../fields/faults.ts";
import { Field, Report } from "../fields/field.ts";
import { checkProcess } from "./process.ts";
import { cleanCopy } from "../fields/strings.ts";

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
