/** `hull pause`. @module */

import { ContainerError } from "../../errors.ts";
import type { Command } from "../flags/command.ts";

/** Stops a container's processes where they are. */
export const command: Command = {
  synopsis: "<id>",
  description: "Stops all processes of a container where they are, until hull resume.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory }) {
    const container = (await factory()).load(args[0] as string);
    // The library's pause of a paused container does nothing; a caller of the command may have
    // mixed up two containers, and is told so, as by runc.
    if (container.status() === "paused") {
      const { id } = container;
      throw new ContainerError("ContainerPaused", `container not running: ${id} is paused already`);
    }
    await container.pause();
    return 0;
  },
};
