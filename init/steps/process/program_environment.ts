/**
 * The environment of a container's program.
 *
 * @module
 */

/**
 * Each variable once, with its last value. With two of a name getenv(3) would find the first, and a
 * shell the last.
 *
 * @param env each `NAME=value`
 */
export function lastWins(env: readonly string[]): readonly string[] {
  return [...byName(env).values()];
}

/**
 * The same. Where the environment has no HOME, or an empty one, it gets `home`.
 *
 * @param home as the container's passwd(5) has it; if that has none, HOME is `/`
 */
export function withHome(env: readonly string[], home: string | undefined): readonly string[] {
  const named = byName(env);
  if ((named.get("HOME=") ?? "HOME=") !== "HOME=") return [...named.values()];
  return [...named.set("HOME=", `HOME=${home ?? "/"}`).values()];
}

function byName(env: readonly string[]): Map<string, string> {
  return new Map(env.map((entry) => [nameOf(entry), entry]));
}

/** A variable's name with its `=`; what is no variable, which hooks may be given, has none but itself. */
function nameOf(entry: string): string {
  const at = entry.indexOf("=");
  return at > 0 ? entry.slice(0, at + 1) : entry;
}
