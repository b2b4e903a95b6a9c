/** `hull ps`. @module */

import type { Caller } from "../caller/caller.ts";
import { ContainerError } from "../../errors.ts";
import { commandEnvironment } from "../../own/own_environment.ts";
import { type Command, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";

/** Lists a container's processes as the host sees them. */
export const command: Command = {
  synopsis: "<id> [ps options]",
  description:
    "Shows a container's processes: what the host's ps prints of them, with the options that follow\n" +
    "the id (default -ef), or their numbers as JSON.",
  flags: [{
    name: "format",
    letter: "f",
    value: "FORMAT",
    choices: ["table", "json"],
    summary: "table (default) or json",
  }],
  arity: [1, Infinity],
  onlyLooks: true,
  stopsEarly: true,
  async run({ flags, args, factory, output, caller }) {
    const format = text(flags, "format") ?? "table";
    if (format !== "table" && format !== "json") {
      throw usageError(`unknown format ${JSON.stringify(format)}`, "use table or json");
    }
    const [id, ...options] = args;
    const container = (await factory()).load(id as string);
    const inside = container.processes();
    // Without cgroups, and a pid namespace of its own, only the first process is known; its pid is 0 if there is none.
    const first = [container.ociState().pid].filter((pid) => pid > 0);
    const pids = inside.length > 0 ? inside : first;
    if (format === "json") output.print(JSON.stringify(pids) + "\n");
    else output.print(rowsOf(await hostPs(options.length > 0 ? options : ["-ef"], caller), pids));
    return 0;
  },
};

async function hostPs(options: readonly string[], caller: Caller): Promise<string> {
  const decoder = new TextDecoder();
  try {
    const ps = new Deno.Command("ps", {
      args: [...options],
      stdin: "null",
      ...commandEnvironment(caller.environment),
    });
    const { success, code, stdout, stderr } = await ps.output();
    if (success) return decoder.decode(stdout);
    const said = (decoder.decode(stderr).trim() || decoder.decode(stdout).trim()).split("\n")[0];
    throw usageError(`ps ended with exit code ${code}: ${said}`, "see ps(1) for its options");
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ContainerError("Unsupported", "the host has no ps", {
      hint: "install it (procps), or use --format json",
      cause,
    });
  }
}

/**
 * The header and the rows of some processes, from what ps printed.
 *
 * @throws {ContainerError} `ConfigInvalid` if there is no column PID
 */
export function rowsOf(listing: string, pids: readonly number[]): string {
  const [header = "", ...rows] = listing.split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column < 0) {
    throw usageError("couldn't find PID field in ps output", "name pid among the columns");
  }
  const wanted = new Set(pids);
  const kept = rows.filter((row) => wanted.has(Number(row.trim().split(/\s+/)[column] ?? "")));
  return [header, ...kept, ""].join("\n");
}
