/**
 * `--supervise`: hull starts a supervisor, and below it itself once more.
 *
 * @module
 */

import { ownModule, runModule } from "../own_modules.ts";
import { type Invocation, isOn } from "./command.ts";
import { inheritedCount } from "./inherited_fds.ts";

/**
 * Has a supervisor do this very call, if it is to be supervised and isn't yet.
 *
 * @returns the exit code of the supervised call; undefined where this program does the work
 */
export async function callSupervised(
  { flags, args, trace }: Invocation,
): Promise<number | undefined> {
  if (!isOn(flags, "supervise")) return undefined;
  const { runSupervised, SUPERVISED_VARIABLE } = await import("../supervisor.ts");
  if (Deno.env.has(SUPERVISED_VARIABLE)) return undefined;
  trace?.leave(); // to the hull that makes the container
  const { code } = await runSupervised({
    id: args[0] as string,
    command: ownCommand(),
    env: Deno.env.toObject(),
    preserveFds: inheritedCount(flags),
  });
  return code;
}

/** How this program is started again with the same arguments. */
function ownCommand(): [string, ...string[]] {
  const path = Deno.execPath();
  if (Deno.build.standalone) return [path, ...Deno.args];
  const module = ownModule("src/cli/hull");
  const config = module.href.endsWith(".ts") && module.protocol === "file:"
    ? ["--config", decodeURIComponent(new URL("../../deno.json", module).pathname)]
    : ["--no-config"];
  return [path, ...runModule("src/cli/hull", config), ...Deno.args];
}
