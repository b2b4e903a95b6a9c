/**
 * The environment of a sandbox's programs.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { faultOfVariable } from "./sandbox_options.ts";

/** Where a sandbox's programs begin, and their home. */
export const HOME = "/home/app";

/** What every program of a sandbox gets. */
export const BASE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/opt/deno:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME,
  TERM: "xterm",
};

/** What keeps the variables. */
export interface EnvironmentHost {
  variables(): Readonly<Record<string, string>>;
  keep(variables: Readonly<Record<string, string>>): Promise<void>;
}

/**
 * The variables that the sandbox's programs get. A change counts for programs that are started
 * later, and is found again by `Sandbox.connect`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sandbox } from "@hull/hull";
 *
 * await using sandbox = await Sandbox.create({ env: { STAGE: "test" } });
 * await sandbox.env.set("GREETING", "hello");
 * assertEquals(await sandbox.sh`echo $GREETING from $STAGE`.text(), "hello from test\n");
 * ```
 */
export class SandboxEnv {
  readonly #host: EnvironmentHost;

  /** @ignore made by a Sandbox */
  constructor(host: EnvironmentHost) {
    this.#host = host;
  }

  /** The value of a variable. */
  get(name: string): Promise<string | undefined> {
    const all = this.#all();
    return Promise.resolve(Object.hasOwn(all, name) ? all[name] : undefined);
  }

  /**
   * Sets a variable.
   *
   * @throws {ContainerError} `ConfigInvalid` for a name or value that can't be one
   */
  async set(name: string, value: string): Promise<void> {
    const fault = faultOfVariable(name, value);
    if (fault !== undefined) {
      throw new ContainerError("ConfigInvalid", `${JSON.stringify(name)} can't be a variable`, {
        faults: [{ pointer: `/env/${name}`, message: fault }],
      });
    }
    await this.#host.keep({ ...this.#host.variables(), [name]: value });
  }

  /** All variables. */
  toObject(): Promise<Record<string, string>> {
    return Promise.resolve(this.#all());
  }

  /** Takes a variable away; PATH, HOME and TERM get their first values again. */
  async delete(name: string): Promise<void> {
    const rest = Object.entries(this.#host.variables()).filter(([each]) => each !== name);
    await this.#host.keep(Object.fromEntries(rest));
  }

  #all(): Record<string, string> {
    return { ...BASE_ENVIRONMENT, ...this.#host.variables() };
  }
}
