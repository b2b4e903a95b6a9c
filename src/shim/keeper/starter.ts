/**
 * The starter: see `starter_program.ts`.
 *
 * @module
 */

import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { signalPidfd } from "../../../ffi/processes/process.ts";
import { programImage } from "../../../ffi/program/program_image.ts";
import { startProgram } from "../../process/memory_program.ts";
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
  const image = programImage(starterProgram(started));
  const who = "the shim's starter";
  const pid = startProgram(image, { words: [NAME, places.root], inherited: [], who });
  const identity = JSON.stringify(identify(pid));
  Deno.writeTextFileSync(`${places.starter}.new`, identity, { mode: 0o600 });
  Deno.renameSync(`${places.starter}.new`, places.starter);
}

/** Whether one is there. */
export function hasStarter(places: Places): boolean {
  const identity = read(places);
  return identity !== undefined && isAlive(identity);
}

/** A pidfd of the one that is there; undefined if there is none. */
export function openStarter(places: Places): Fd | undefined {
  const identity = read(places);
  return identity && openIdentified(identity);
}

/** Ends it, so that it starts nothing any more. */
export function endStarter(places: Places): void {
  using pidfd = openStarter(places);
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
