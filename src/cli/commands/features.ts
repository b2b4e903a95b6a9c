/** `hull features`. @module */

import { features } from "../../features.ts";
import type { Command } from "../flags/command.ts";

/** Prints what hull can do. */
export const command: Command = {
  synopsis: "",
  description:
    "Prints as JSON what this hull can do on this kernel: the features structure of the OCI\n" +
    "runtime-spec.",
  flags: [],
  arity: [0, 0],
  onlyLooks: true,
  run({ output }) {
    output.printJson(features());
    return 0;
  },
};
