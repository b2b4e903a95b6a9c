/** `hull wait`. @module */

import type { Command } from "../flags/command.ts";
import { ContainerError } from "../../errors.ts";

/** The exit code for an end that nobody recorded. */
const NOT_KNOWN = 2;

/** Waits for a container's end. */
export const command: Command = {
  synopsis: "<id>",
  description:
    "Waits until a container's program has ended, and prints its exit code, 128+n after signal n.\n" +
    "Any number of callers may wait, after the end too, until the container is deleted. The code is\n" +
    "known of a container that was made with --supervise, or by a run in the foreground; of another\n" +
    "one hull wait tells the end alone, by its own exit code 2.",
  flags: [],
  arity: [1, 1],
  async run({ args, factory, output, caller }) {
    const container = (await factory()).load(args[0] as string);
    const status = await container.wait({ signal: caller.gone });
    if (status !== undefined) {
      output.print(`${status.code}\n`);
      return 0;
    }
    output.fail(
      new ContainerError(
        "ContainerNotRunning",
        `container ${container.id} has ended, its exit code is not known`,
        { hint: "make it with --supervise, and the code is kept" },
      ),
    );
    return NOT_KNOWN;
  },
};
