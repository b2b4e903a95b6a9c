/**
 * `--supervise`: hull starts a supervisor, and below it itself once more.
 *
 * @module
 */

import { type Invocation, isOn } from "./command.ts";
import { inheritedCount } from "./inherited_fds.ts";

/**
 * Has a supervisor do this very call, if it is to be supervised and isn't yet.
 *
 * @returns the exit code of the supervised call; undefined where this program does the work
 */
export async function callSupervised({ flags, args }: Invocation): Promise<number | undefined> {
  if (!isOn(flags, "supervise")) return undefined;
  const { runSupervised, SUPERVISED_VARIABLE } = await import("../supervisor.ts");
  if (Deno.env.has(SUPERVISED_VARIABLE)) return undefined;
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
  const module = new URL("./hull.ts", import.meta.url);
  const isFile = module.protocol === "file:";
  const place = (url: URL) => isFile ? decodeURIComponent(url.pathname) : url.href;
  const config = isFile ? ["--config", place(new URL("../../deno.json", module))] : [];
  const flags = ["run", "--quiet", "--allow-all", "--no-lock", "--cached-only", ...config];
  return [path, ...flags, place(module), ...Deno.args];
}
