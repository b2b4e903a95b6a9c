/** `hull kill`. @module */

import { PLAIN_SIGNAL } from "../../container/signals.ts";
import { ContainerError } from "../../errors.ts";
import type { Factory } from "../../factory.ts";
import { notRunning } from "../../state/status_rules.ts";
import type { Caller } from "../caller/caller.ts";
import { type Command, isOn } from "../flags/command.ts";
import { forEachId, REGEX_FLAG } from "../flags/ids.ts";

/** Sends a signal. */
export const command: Command = {
  synopsis: "<id> [signal]",
  description: "Sends a signal, TERM unless another is named, to a container's first process.",
  flags: [
    { name: "all", letter: "a", summary: "send it to every process of the container" },
    REGEX_FLAG,
  ],
  arity: [1, 2],
  beginsLate: true,
  async run({ flags, args, factory, output, caller }) {
    if (caller.left === "runs") return 0; // the resident has sent it
    const [id = "", named = "TERM"] = args;
    const signal = /^\d+$/.test(named) ? Number(named) : named;
    const isToAll = isOn(flags, "all");
    const makes = await factory();
    const isSimple = !isToAll && !isOn(flags, "regex");
    if (isSimple && await isSentBy(caller, makes, id, signal)) return 0;
    await caller.begin?.();
    const send = (each: string) => makes.load(each).signal(signal, { all: isToAll });
    if (isOn(flags, "regex")) return await forEachId(id, makes, output, send);
    await caller.tellStage("begun");
    try {
      send(id);
    } catch (error) {
      const isOver = error instanceof ContainerError && error.code === "ContainerNotRunning";
      if (caller.left === undefined || !isOver) throw error; // its process may have ended of it
    }
    await caller.tellStage("runs"); // it is not sent again
    return 0;
  },
};

/**
 * Has the caller's own process send it, where that is another's and the signal is all there is to do.
 *
 * @throws {ContainerError} `ContainerNotRunning`
 */
async function isSentBy(
  caller: Caller,
  factory: Factory,
  id: string,
  signal: string | number,
): Promise<boolean> {
  if (caller.sendSignal === undefined) return false;
  const plain = factory.load(id)[PLAIN_SIGNAL](signal);
  if (plain === undefined) return false;
  using _pidfd = plain.pidfd;
  if (await caller.sendSignal(plain)) return true;
  throw notRunning({ id });
}
