/**
 * `start` and `delete`: what containerd calls the shim's program for. Both leave the work to the
 * process that serves, and start it if there is none.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { O_CREAT, O_RDWR, open } from "../../ffi/files/file.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { waitForLock } from "../../ffi/waiting/lock.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { StatusError } from "../ttrpc/messages.ts";
import type { ShimCall } from "./node/flags.ts";
import { hasStarter, launchStarter } from "./keeper/starter.ts";
import { DELETED } from "./messages/task.ts";
import { CLEAN, Control, OPEN, OPENED } from "./node/control.ts";
import { clientOf, deleteAnswer, startAnswer } from "./node/answers.ts";
import type { Places } from "./host/places.ts";

const START_MS = 30_000;
const PAUSE_MS = 5;
const TRIES = 3;

/** What a call has around it. */
export interface Surroundings {
  readonly places: Places;
  readonly poller: Poller;
  readonly env: Readonly<Record<string, string>>;
  /** The program that is started to serve. */
  readonly launcher: string;
}

/**
 * `start`: gives what is to be printed, the address of the socket for this client.
 *
 * containerd reads that address from the bundle again when it is restarted.
 */
export async function start(call: ShimCall, around: Surroundings): Promise<string> {
  const client = clientOf(call, around.env);
  const { address } = await ask(
    around,
    (control) => control.call("Open", OPEN, { client }, OPENED),
  );
  return startAnswer(address, around.env, ".");
}

/** `delete`: takes away what is left of a container; gives the bytes that are to be printed. */
export async function remove(
  call: ShimCall,
  around: Surroundings,
): Promise<Uint8Array<ArrayBuffer>> {
  const { id, bundle } = call;
  const client = clientOf(call, around.env);
  const known = await ask(
    around,
    (control) => control.call("Clean", CLEAN, { client, id, bundle }, DELETED),
  );
  return deleteAnswer(known);
}

/** Asks the process that serves; one that ended just now, for want of work, is started again. */
async function ask<Answer>(
  around: Surroundings,
  call: (control: Control) => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 1;; tries++) {
    using control = await reach(around);
    try {
      return await call(control);
    } catch (error) {
      const isGone = error instanceof StatusError && error.code === "Unavailable";
      if (!isGone || tries === TRIES) throw error;
    }
  }
}

/**
 * Connects to the process that serves. Where there is none, and nobody who is about to start one,
 * one call at a time does that.
 */
async function reach(around: Surroundings): Promise<Control> {
  const { places, poller } = around;
  places.make();
  if (!isServed(places)) {
    using door = open(`${places.folder}/start.lock`, O_RDWR | O_CREAT, 0o600);
    if (!await waitForLock(door, START_MS)) throw new Error("others start the shim all the time");
    if (!isServed(places)) startStarter(places, around);
  }
  for (const end = Date.now() + START_MS; Date.now() < end;) {
    const control = await Control.connect(places.control, poller);
    if (control !== undefined) return control;
    await pause(PAUSE_MS);
  }
  throw new Error(`the shim does not answer; see ${places.log}`);
}

/** A process serves, or a starter is there that starts one. */
function isServed(places: Places): boolean {
  using lock = open(places.lock, O_RDWR | O_CREAT, 0o600);
  return !tryLock(lock) || hasStarter(places);
}

/** Starts what starts the process that serves, once no other one does. */
export function startStarter(
  places: Places,
  { env, launcher }: Pick<Surroundings, "env" | "launcher">,
): void {
  launchStarter(places, {
    path: launcher,
    args: [launcher, "-root", places.root, "serve"],
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    log: places.log,
    ended: places.ended,
    lock: places.lock,
  });
}
