/** What can be measured of a runtime. @module */

import type { Bundle } from "../../tests/fixtures/bundle.ts";

/** A runtime, as a command or as a library. Everything throws unless the exit code is 0. */
export interface Runtime {
  readonly name: string;
  /** Whether it works inside this program, whose processor time counts then. */
  readonly isInside: boolean;
  /** A container from its making to its removal. */
  run(bundle: Bundle, id: string): Promise<void>;
  /** The same in steps: create, start, wait for its end, delete. */
  live(bundle: Bundle, id: string): Promise<void>;
  /** Makes a container that stays. */
  create(bundle: Bundle, id: string): Promise<void>;
  /** Lets it run. */
  start(id: string): Promise<void>;
  /** Runs /bin/true in it. */
  exec(id: string): Promise<void>;
  /** Kills and removes it. */
  remove(id: string): Promise<void>;
  /** The number of its first process. */
  pid(id: string): Promise<number>;
}
