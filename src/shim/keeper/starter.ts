/**
 * The starter: see `starter_program.ts`.
 *
 * @module
 */

import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { executeFile } from "../../../ffi/processes/executed_file.ts";
import { signalPidfd } from "../../../ffi/processes/process.ts";
import { executableFile, programImage } from "../../../ffi/program/program_image.ts";
import { forbiddenProgram } from "../../failures/forbidden_program.ts";
import {
  identify,
  isAlive,
  openIdentified,
  type ProcessIdentity,
} from "../../state/process_identity.ts";
import type { Places } from "../host/places.ts";
import { type Started, starterProgram } from "./starter_program.ts";

const NAME = "hull-shim-starter";

/** Starts it. The caller holds the lock for that. */
export function launchStarter(places: Places, started: Started): void {
  const pid = launch(places, started);
  const identity = JSON.stringify(identify(pid));
  Deno.writeTextFileSync(`${places.starter}.new`, identity, { mode: 0o600 });
  Deno.renameSync(`${places.starter}.new`, places.starter);
}

function launch({ root }: Places, started: Started): number {
  try {
    using file = executableFile(NAME, programImage(starterProgram(started)));
    return executeFile(file, [NAME, root], []);
  } catch (error) {
    throw forbiddenProgram(error, "the shim's starter");
  }
}

/** Whether one is there. */
export function hasStarter(places: Places): boolean {
  const identity = read(places);
  return identity !== undefined && isAlive(identity);
}

/** Ends it, so that it starts nothing any more. */
export function endStarter(places: Places): void {
  const identity = read(places);
  using pidfd = identity && openIdentified(identity);
  if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
}

function read(places: Places): ProcessIdentity | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(places.starter)) as ProcessIdentity;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
