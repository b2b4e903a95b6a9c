/** `hull run`. @module */

import { bear, BIRTH_FLAGS } from "./birth_flags.ts";
import { type Command, isOn } from "./command.ts";
import { follow, SignalForwarder } from "./foreground.ts";

/** Creates and starts a container, and is its program to whoever called. */
export const command: Command = {
  synopsis: "<id> [-- command…]",
  description:
    "Creates a container, runs its program, and removes the container at its end. hull's exit code is\n" +
    "the program's, 128+n after signal n; signals go to the program. Without a bundle and without\n" +
    "a config.json here, the built-in default is used: the host's /usr read-only, all else private.",
  flags: [
    ...BIRTH_FLAGS,
    { name: "detach", letter: "d", summary: "return once the program runs" },
    { name: "keep", summary: "keep the container after its program has ended" },
  ],
  arity: [1, 1],
  takesCommand: true,
  async run(invocation) {
    const { flags } = invocation;
    const isDetached = isOn(flags, "detach");
    const signals = new SignalForwarder();
    if (!isDetached) signals.listen();
    const { container, process } = await bear(invocation, isDetached);
    try {
      await container.exec();
    } catch (error) {
      await container[Symbol.asyncDispose](); // a hook's failure has taken it away already
      throw error;
    }
    if (isDetached) return 0;
    const code = await follow(process, signals, container.config.process?.terminal === true);
    if (!isOn(flags, "keep")) await container.destroy({ force: true });
    return code;
  },
};
