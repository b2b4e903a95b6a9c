/**
 * The environment of a container's program.
 *
 * @module
 */

/** HOME as the container's passwd(5) has it, where the config names none. */
export function withHome(env: readonly string[], home: string | undefined): readonly string[] {
  return env.some((entry) => entry.startsWith("HOME=") && entry !== "HOME=")
    ? env
    : [...env.filter((entry) => entry !== "HOME="), `HOME=${home ?? "/"}`];
}
