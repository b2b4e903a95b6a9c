/** `hull delete`. @module */

import { Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import { late } from "../../own/late.ts";
import { type Command, isOn } from "../flags/command.ts";
import { forEachId, REGEX_FLAG } from "../flags/ids.ts";

const awaitLeftHooks = late(() => import("../process/left_child.ts"), "awaitLeftHooks");

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
    REGEX_FLAG,
  ],
  arity: [1, 1],
  async run({ flags, args: [id = ""], factory, output, caller }) {
    const force = isOn(flags, "force");
    const makes = await factory();
    if (caller.left !== undefined) await awaitLeftHooks(caller, new Poller());
    const remove = async (each: string) => {
      try {
        await caller.tellStage("begun");
        await makes.remove(each, { force });
      } catch (error) {
        if (!((force || caller.left !== undefined) && isMissing(error))) throw error;
      }
    };
    if (!isOn(flags, "regex")) await remove(id);
    else return await forEachId(id, makes, output, remove, force);
    return 0;
  },
};

/**
 * Whether a container is missing. If something is there that is not hull's, that is an error even
 * with --force, since it stays.
 */
function isMissing(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "ContainerNotExists" &&
    error.errno === "ENOENT";
}
