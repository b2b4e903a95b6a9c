/**
 * What is wrong with the flags that name wishes: all at once, each by its flag.
 *
 * @module
 */

import { ContainerError, type Fault } from "../../errors.ts";

/** What was found wrong so far. */
export class FlagFaults {
  readonly #faults: Fault[] = [];

  /** Notes what is wrong with a flag, as it was written. */
  note(flag: string, message: string): void {
    this.#faults.push({ pointer: flag, message });
  }

  /** What a reader gives; a usage error of it is noted, and undefined given. */
  read<Value>(flag: string, read: () => Value): Value | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ConfigInvalid")) throw error;
      const { summary, hint } = error;
      const what = summary.startsWith(`${flag} `) ? summary.slice(flag.length + 1) : summary;
      this.note(flag, hint === undefined ? what : `${what}: ${hint}`);
      return undefined;
    }
  }

  /**
   * Throws what was noted, if anything was.
   *
   * @throws {ContainerError} `ConfigInvalid`
   */
  throw(): void {
    if (this.#faults.length === 0) return;
    throw new ContainerError("ConfigInvalid", "the flags can't be used", {
      faults: this.#faults,
      hint: "see hull run --help",
    });
  }
}

/**
 * An error about wishes that names the flags that they came from.
 *
 * @param origins the flag of each pointer
 */
export function namingFlags(error: unknown, origins: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof ContainerError) || error.faults === undefined) return error;
  const faults = error.faults.map(({ pointer, message }) => {
    const flag = flagOf(pointer, origins);
    return { pointer: flag ?? pointer, message };
  });
  const isFlags = faults.every(({ pointer }) => pointer.startsWith("--"));
  const summary = isFlags ? "the flags can't be used" : error.summary;
  return new ContainerError(error.code, summary, { ...error.toJSON(), faults, cause: error.cause });
}

/** The flag of the longest pointer that a pointer begins with. */
function flagOf(pointer: string, origins: ReadonlyMap<string, string>): string | undefined {
  for (let at = pointer.length; at > 0; at = pointer.lastIndexOf("/", at - 1)) {
    const flag = origins.get(pointer.slice(0, at));
    if (flag !== undefined) return flag;
  }
  return undefined;
}
