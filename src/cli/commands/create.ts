/** `hull create`. @module */

import { BIRTH_FLAGS, createFromFlags } from "../process/birth_flags.ts";
import type { Command } from "../flags/command.ts";

/** Makes a container; its process waits for `hull start`. */
export const command: Command = {
  synopsis: "<id> [-- command…]",
  description:
    "Makes a container from a bundle. All is prepared up to the user's program, which waits\n" +
    "for hull start. A command behind -- takes the place of the config's.",
  flags: BIRTH_FLAGS,
  arity: [1, 1],
  isNew: true,
  beginsLate: true,
  takesCommand: true,
  async run(invocation) {
    await createFromFlags(invocation, true, false);
    return 0;
  },
};
