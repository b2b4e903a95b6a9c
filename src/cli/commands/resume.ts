/** `hull resume`. @module */

import type { Command } from "../flags/command.ts";

/** Lets a paused container go on. */
export const command: Command = {
  synopsis: "<id>",
  description: "Lets the processes of a paused container go on.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory, caller }) {
    const container = (await factory()).load(args[0] as string);
    if (caller.left !== undefined && container.status() === "running") return 0;
    await caller.tellStage("begun");
    await container.resume();
    return 0;
  },
};
