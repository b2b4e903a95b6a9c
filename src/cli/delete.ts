/** `hull delete`. @module */

import { ContainerError } from "../errors.ts";
import { type Command, isOn } from "./command.ts";

/** Removes a container. */
export const command: Command = {
  synopsis: "<id>",
  description: "Removes a stopped container with its cgroups and its state.",
  flags: [
    {
      name: "force",
      letter: "f",
      summary: "kill it first if it runs; one that does not exist is no error",
    },
  ],
  arity: [1, 1],
  async run({ flags, args, factory }) {
    const force = isOn(flags, "force");
    try {
      await (await factory()).remove(args[0] as string, { force });
    } catch (error) {
      if (force && error instanceof ContainerError && error.code === "ContainerNotExists") return 0;
      throw error;
    }
    return 0;
  },
};
