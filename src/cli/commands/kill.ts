/** `hull kill`. @module */

import { ContainerError } from "../../errors.ts";
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
  async run({ flags, args, factory, output, caller }) {
    if (caller.left === "runs") return 0; // the resident has sent it
    const [id = "", signal = "TERM"] = args;
    const makes = await factory();
    const send = (each: string) =>
      makes.load(each)
        .signal(/^\d+$/.test(signal) ? Number(signal) : signal, { all: isOn(flags, "all") });
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
