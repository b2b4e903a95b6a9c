/**
 * The tasks that were taken away a moment ago. If this program is killed before containerd has its
 * answer, the next one is asked for the same again, and must know how they ended.
 *
 * @module
 */

import type { Records, TaskRecord } from "../task/record.ts";
import type { Deleted } from "../task/task.ts";

/** How long they are remembered: whoever asked has its answer by then. */
const REMEMBERED_MS = 10_000;

/** Those of a namespace. */
export class TakenAway {
  readonly #records: Records;
  readonly #namespace: string;
  /** Those of a program before this one. */
  readonly #known = new Map<string, Deleted>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** Knows of none yet. */
  constructor(records: Records, namespace: string) {
    this.#records = records;
    this.#namespace = namespace;
  }

  /** What is known of one that a program before this one has taken away. */
  get(id: string): Deleted | undefined {
    return this.#known.get(id);
  }

  /** Keeps of a task that it was taken away. */
  add(id: string): void {
    this.#records.bury(this.#namespace, id);
    this.#forgetLater(id);
  }

  /** Remembers one that a program before this one has taken away, and perhaps not told of. */
  remember({ id, pid, exit }: TaskRecord): void {
    this.#known.set(id, { pid, exit });
    this.#forgetLater(id);
  }

  /** Its name is another's. */
  forget(id: string): void {
    if (!this.#timers.has(id)) return;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#known.delete(id);
    this.#records.forget(this.#namespace, id);
  }

  #forgetLater(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(() => this.forget(id), REMEMBERED_MS));
  }
}
