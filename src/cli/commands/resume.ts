/** `hull resume`. @module */

import type { Command } from "../flags/command.ts";

/** Lets a paused container go on. */
export const command: Command = {
  synopsis: "<id>",
  description: "Lets the processes of a paused container go on.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory }) {
    await (await factory()).load(args[0] as string).resume();
    return 0;
  },
};
