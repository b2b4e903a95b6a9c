/** `hull state`. @module */

import type { Command } from "../flags/command.ts";
import { describe } from "../output/described.ts";

/** Prints a container's state. */
export const command: Command = {
  synopsis: "<id>",
  description:
    "Prints a container's state as JSON: the fields of the OCI runtime-spec, and rootfs,\n" +
    "created and owner.",
  flags: [],
  arity: [1, 1],
  onlyLooks: true,
  async run({ args, factory, output }) {
    output.printJson(describe((await factory()).info(args[0] as string)));
    return 0;
  },
};
