/** `hull kill`. @module */

import { type Command, isOn } from "../flags/command.ts";
import { forEachId, REGEX_FLAG } from "../flags/ids.ts";

/** Sends a signal. */
export const command: Command = {
  synopsis: "<id> [signal]",
  description: "Sends a signal, TERM unless another is named, to a container's first process.",
  flags: [
    { name: "all", letter: "a", summary: "send it to every process of the container" },
    REGEX_FLAG,
  ],
  arity: [1, 2],
  async run({ flags, args, factory, output }) {
    const [id = "", signal = "TERM"] = args;
    const makes = await factory();
    const send = (each: string) =>
      makes.load(each)
        .signal(/^\d+$/.test(signal) ? Number(signal) : signal, { all: isOn(flags, "all") });
    if (!isOn(flags, "regex")) send(id);
    else return await forEachId(id, makes, output, send);
    return 0;
  },
};
