/** `hull start`. @module */

import type { Command } from "./command.ts";

/** Lets a created container's process run. */
export const command: Command = {
  synopsis: "<id>",
  description: "Starts the user's program in a created container.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory }) {
    const container = (await factory()).load(args[0] as string);
    await container.exec();
    return 0;
  },
};
