/**
 * What Deno must permit. hull needs `--allow-all`, since Deno requires it for paths in /proc and
 * /sys. A start that is refused halfway would leave things behind, so the permissions are checked
 * when the library is loaded, before anything is made.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";

const NAMES = ["env", "ffi", "read", "run", "sys", "write"] as const;

/** A path that only `--allow-all` opens. */
const FOR_ALL = "/sys/fs/cgroup";

/**
 * Checks that everything is permitted.
 *
 * @throws {ContainerError} `Unsupported`, with the names of what is missing
 */
export function requirePermissions(): void {
  const isMissing = (name: typeof NAMES[number]) =>
    Deno.permissions.querySync({ name }).state !== "granted";
  const missing = NAMES.filter(isMissing).map((name) => `--allow-${name}`);
  if (missing.length === 0 && hasAll()) return;
  const which = missing.length === 0 ? "" : `, and was started without ${missing.join(", ")}`;
  throw new ContainerError(
    "Unsupported",
    `hull needs Deno's --allow-all, since it works on /proc and /sys${which}`,
    { hint: "start it with deno run -A" },
  );
}

function hasAll(): boolean {
  try {
    Deno.lstatSync(FOR_ALL);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotCapable);
  }
}

/** Whether hull's own mod.ts is the program. */
function isProgram(): boolean {
  try {
    return Deno.mainModule === new URL("../../mod.ts", import.meta.url).href;
  } catch {
    return false;
  }
}

try {
  requirePermissions();
} catch (error) {
  if (!isProgram()) throw error;
  console.error((error as Error).message);
  Deno.exit(1);
}
