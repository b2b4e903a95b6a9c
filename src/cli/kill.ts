/** `hull kill`. @module */

import { type Command, isOn } from "./command.ts";

/** Sends a signal. */
export const command: Command = {
  synopsis: "<id> [signal]",
  description: "Sends a signal, TERM unless another is named, to a container's first process.",
  flags: [{ name: "all", letter: "a", summary: "send it to every process of the container" }],
  arity: [1, 2],
  async run({ flags, args, factory }) {
    const [id, signal = "TERM"] = args;
    const container = (await factory()).load(id as string);
    container.signal(/^\d+$/.test(signal) ? Number(signal) : signal, { all: isOn(flags, "all") });
    return 0;
  },
};
