/**
 * Sandboxes that are made before they are needed.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import { Factory } from "../factory.ts";
import { undone } from "../failures/undo.ts";
import type { SandboxOptions } from "./options/sandbox_options.ts";
import { Sandbox } from "./sandbox.ts";

/** What a pool's sandboxes are made with, and how many wait. */
export interface SandboxPoolOptions extends Omit<SandboxOptions, "id" | "signal" | "timeout"> {
  /** How many are kept ready; default 4. */
  readonly warm?: number | undefined;
}

/**
 * Sandboxes that wait, so that one is there at once. Each is given away once, and nothing of its
 * user's is left for the next: it ends with its user. Those that wait end with the pool, and with
 * the program.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SandboxPool } from "@hull/hull";
 *
 * await using pool = new SandboxPool({ warm: 2, memory: "64MiB" });
 * await using sandbox = await pool.take();
 * assertEquals(await sandbox.sh`echo hello`.text(), "hello\n");
 * ```
 */
export class SandboxPool implements AsyncDisposable {
  readonly #options: SandboxOptions;
  readonly #ready: Promise<Sandbox>[] = [];
  readonly #warm: number;
  #isClosed = false;

  /**
   * Begins to make them.
   *
   * @throws {ContainerError} `ConfigInvalid` for a number of them that can't be
   */
  constructor({ warm = 4, ...options }: SandboxPoolOptions = {}) {
    if (!Number.isInteger(warm) || warm < 1 || warm > MOST) {
      throw new ContainerError("ConfigInvalid", `${warm} sandboxes can't be kept ready`, {
        hint: `give a whole number from 1 to ${MOST}`,
      });
    }
    this.#options = { factory: new Factory(), ...options };
    this.#warm = warm;
    this.#fill();
  }

  /**
   * A sandbox, a session of this program's: the one that has waited longest, or the next that is
   * made. Another is made in its place.
   *
   * @throws {ContainerError} what `Sandbox.create` throws; `NoProcessOps` once the pool is closed
   */
  async take(): Promise<Sandbox> {
    if (this.#isClosed) throw new ContainerError("NoProcessOps", "the pool is closed");
    for (;;) {
      const next = this.#ready.shift() ?? Sandbox.create(this.#options);
      this.#fill();
      const sandbox = await next;
      if (isRunning(sandbox)) return sandbox;
      await sandbox.kill(); // somebody has ended it while it waited
    }
  }

  /** Ends those that wait; those that were taken are their users'. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = await Promise.allSettled(this.#ready.splice(0));
    const closes = waiting.flatMap((each) =>
      each.status === "fulfilled" ? [() => each.value.close()] : []
    );
    const failure = await undone(undefined, ...closes);
    if (failure !== undefined) throw failure;
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fill(): void {
    while (!this.#isClosed && this.#ready.length < this.#warm) {
      const next = Sandbox.create(this.#options);
      next.catch(() => {}); // who takes it gets the error
      this.#ready.push(next);
    }
  }
}

const MOST = 1024;

function isRunning({ container }: Sandbox): boolean {
  try {
    return container.status() === "running";
  } catch (error) {
    if (error instanceof ContainerError && error.code === "ContainerNotExists") return false;
    throw error;
  }
}
