/**
 * containerd's shim as a program: `containerd-shim-hull-v1`, for the runtime type
 * `io.containerd.hull.v1`. Its runtime is hull's library, in one process for the whole host.
 *
 * @module
 */

import { INIT_VARIABLE } from "../../init/init_variable.ts";
import { O_CREAT, O_RDWR, open } from "../../ffi/files/file.ts";
import { waitForLock } from "../../ffi/waiting/lock.ts";
import { Poller } from "../../ffi/waiting/poll.ts";
import { commandEnvironment } from "../own/own_environment.ts";
import { DEFAULT_ROOT } from "../own/default_root.ts";
import { VERSION } from "../version.ts";
import { remove, start, startStarter } from "./bootstrap.ts";
import { readCall, type ShimCall } from "./node/flags.ts";
import { endStarter } from "./keeper/starter.ts";
import { Places } from "./host/places.ts";

/** Where hull's root folder is, for tests. */
const ROOT_VARIABLE = "HULL_SHIM_ROOT";
/** The program that was called, which is started anew to serve. */
const LAUNCHER_VARIABLE = "HULL_SHIM_LAUNCHER";

async function main(words: readonly string[]): Promise<void> {
  const call = readCall(words);
  const places = new Places(call.root || (Deno.env.get(ROOT_VARIABLE) ?? DEFAULT_ROOT));
  if (call.action === "serve") return await serve(places);
  if (call.action === "version") return console.log(`hull ${VERSION}`);
  await write(await answer(call, places));
}

async function answer(call: ShimCall, places: Places): Promise<Uint8Array> {
  if (call.action === "info") return await (await import("./info.ts")).info();
  if (call.namespace === "") throw new TypeError("-namespace is missing");
  using poller = new Poller({ isAlone: true });
  const around = { places, poller, ...calledWith() };
  if (call.action === "delete") return await remove(call, around);
  return new TextEncoder().encode(await start(call, around));
}

/** The program to start, and its environment. */
function calledWith() {
  const { [LAUNCHER_VARIABLE]: launcher = "", ...env } = commandEnvironment().env;
  return { launcher, env };
}

/** Serves, once no other process does. */
async function serve(places: Places): Promise<void> {
  places.make();
  using lock = open(places.lock, O_RDWR | O_CREAT, 0o600);
  await waitForLock(lock, Infinity);
  Deno.chdir("/");
  const { Server } = await import("./node/server.ts");
  await new Server(places, () => startStarter(places, calledWith())).run();
  endStarter(places);
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

if (import.meta.main) {
  // A compiled binary is its own init.
  if (Deno.env.has(INIT_VARIABLE)) await (await import("../../init/init.ts")).startInitialization();
  try {
    await main(Deno.args);
    Deno.exit(0);
  } catch (error) {
    console.error(`containerd-shim-hull-v1: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
