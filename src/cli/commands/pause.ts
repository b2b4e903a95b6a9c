/** `hull pause`. @module */

import { ContainerError } from "../../errors.ts";
import type { Command } from "../flags/command.ts";

/** Stops a container's processes where they are. */
export const command: Command = {
  synopsis: "<id>",
  description: "Stops all processes of a container where they are, until hull resume.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory, caller }) {
    const container = (await factory()).load(args[0] as string);
    // In the library pausing a paused container does nothing. On the command line it may be a
    // mix-up of two containers, so it is an error, as with runc.
    if (container.status() === "paused") {
      if (caller.left !== undefined) return 0;
      const { id } = container;
      throw new ContainerError("ContainerPaused", `container not running: ${id} is paused already`);
    }
    await caller.tellStage("begun");
    await container.pause();
    return 0;
  },
};
