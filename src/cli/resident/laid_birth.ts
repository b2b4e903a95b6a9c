/**
 * A birth as it was laid out for a client, kept for the next client for whom all is the same but the
 * numbers of this program's fds, which the client does not see.
 *
 * @module
 */

import type { SyscallProgram } from "../../../ffi/program/program.ts";
import type { BirthMemory } from "../../process/bearer.ts";
import type { ClientBirth } from "./client_birth.ts";

/** A birth that was planned and laid out. */
interface Made {
  readonly plan: ClientBirth;
  readonly program: SyscallProgram;
}

/** The same, with the fds of this program that are to be sent. */
export interface BirthToDo extends Made {
  readonly passed: readonly number[];
}

/**
 * Lays a birth out as the last time, if all is the same.
 *
 * @param memory what is kept of it; without one nothing is
 * @param circumstances all that it depends on beside the shape in the memory
 * @param make lays it out anew
 */
export function layOutBirth(
  memory: BirthMemory | undefined,
  circumstances: readonly unknown[],
  make: () => Made,
): BirthToDo {
  if (memory === undefined) return withPassed(make());
  const key = [memory.shape, ...circumstances].join("|");
  const { laid } = memory;
  if (laid instanceof LaidBirth && laid.key === key) return laid.again(memory);
  const made = make();
  memory.laid = new LaidBirth(key, made, memory);
  return withPassed(made);
}

function withPassed(made: Made): BirthToDo {
  return { ...made, passed: made.plan.passed };
}

class LaidBirth {
  readonly key: string;
  readonly #made: Made;
  readonly #fresh: Uint8Array<ArrayBuffer>;
  /** The places of the passed fds among all of the birth. */
  readonly #places: readonly number[];

  /** Takes what was laid out, before it has results. */
  constructor(key: string, made: Made, memory: BirthMemory) {
    const all = memory.fds();
    this.key = key;
    this.#made = made;
    this.#fresh = made.program.memory.slice();
    this.#places = made.plan.passed.map((fd) => all.indexOf(fd));
  }

  again(memory: BirthMemory): BirthToDo {
    const { plan, program } = this.#made;
    program.memory.set(this.#fresh);
    memory.know(plan.operations);
    const all = memory.fds();
    return { plan, program, passed: this.#places.map((place) => all[place] as number) };
  }
}
