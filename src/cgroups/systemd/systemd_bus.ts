/**
 * What is asked of systemd: units that are started, changed and stopped.
 *
 * Source: org.freedesktop.systemd1(5).
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { Bus, type MethodCall, type Variant } from "../../systemd/bus.ts";
import { answeredWith } from "../../systemd/bus_errors.ts";
import { type Address, addressesOf, type Whose } from "./addresses.ts";
import type { Property } from "./property.ts";

/** How long one answer may take, in milliseconds. */
const ANSWER_MS = 30_000;
/** How long a unit's start or stop may take, which waits in a queue. */
const JOB_MS = 60_000;

const SYSTEMD = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
};
const JOB_RULE = "type='signal',sender='org.freedesktop.systemd1'," +
  "interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
/** The errors of a unit that is there or not. */
export const UNIT_EXISTS = "org.freedesktop.systemd1.UnitExists";
const NO_UNIT = [
  "org.freedesktop.systemd1.NoSuchUnit",
  "org.freedesktop.systemd1.UnitNotLoaded",
] as const;

/** Where systemd is, and how long is waited for it; only tests need more than `whose`. */
export interface SystemdBusOptions {
  readonly whose: Whose;
  readonly addresses?: readonly Address[] | undefined;
  readonly answerMs?: number | undefined;
  readonly jobMs?: number | undefined;
}

/** A conversation with one systemd. */
export class SystemdBus implements Disposable {
  readonly #bus: Bus;
  readonly #isPeer: boolean;
  readonly #jobMs: number;
  #hearsJobs = false;

  private constructor(bus: Bus, isPeer: boolean, jobMs: number) {
    this.#bus = bus;
    this.#isPeer = isPeer;
    this.#jobMs = jobMs;
  }

  /**
   * Begins one.
   *
   * @throws {ContainerError} `SystemError` where there is no systemd, or it does not answer
   */
  static async open(options: SystemdBusOptions): Promise<SystemdBus> {
    const { whose, answerMs: timeout = ANSWER_MS, jobMs = JOB_MS } = options;
    const addresses = options.addresses ??
      addressesOf(whose, (name) => Deno.env.get(name), Deno.uid() ?? 0);
    let failure: unknown;
    for (const { path, isBus } of addresses) {
      try {
        const isPeer = !isBus;
        return new SystemdBus(await Bus.connect(path, { isPeer, timeout }), isPeer, jobMs);
      } catch (error) {
        if (!isNotThere(error)) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  /**
   * The cgroup that systemd is in, below which all its units are: "" for the root.
   *
   * @throws {ContainerError} `SystemError`
   */
  async ownCgroup(): Promise<string> {
    return (await this.#property("ControlGroup")).replace(/\/+$/, "");
  }

  /**
   * The number of its version, such as 257.
   *
   * @throws {ContainerError} `SystemError`
   */
  async version(): Promise<number> {
    return Number(/^\D*(\d+)/.exec(await this.#property("Version"))?.[1] ?? 0);
  }

  /**
   * Has systemd tell when jobs end, before one begins.
   *
   * @throws {ContainerError} `SystemError`
   */
  async hearJobs(): Promise<void> {
    if (this.#hearsJobs) return;
    // To a peer systemd tells all; on a bus only while somebody has subscribed.
    const subscribed = this.#isPeer ? undefined : this.#ask("Subscribe", "", []);
    await Promise.all([this.#bus.addMatch(JOB_RULE), subscribed]);
    this.#hearsJobs = true;
  }

  /**
   * Starts a transient unit, and waits until it has started. After {@linkcode hearJobs} systemd has
   * been asked when this returns its promise.
   *
   * @throws {ContainerError} `SystemError`; answered with {@linkcode UNIT_EXISTS} if it is there
   */
  async startTransient(unit: string, properties: readonly Property[]): Promise<void> {
    const units = [unit, "replace", properties, []];
    const result = await this.#job("StartTransientUnit", "ssa(sv)a(sa(sv))", units);
    if (result !== "done") throw jobFailed(unit, result);
  }

  /**
   * Stops a unit, and waits until it has stopped.
   *
   * @returns whether it was there
   * @throws {ContainerError} `SystemError`
   */
  stop(unit: string): Promise<boolean> {
    return isThere(async () => {
      await this.#job("StopUnit", "ss", [unit, "replace"]);
    });
  }

  /**
   * Forgets a unit that has failed, so that its name is free.
   *
   * @returns whether it was there
   * @throws {ContainerError} `SystemError`
   */
  resetFailed(unit: string): Promise<boolean> {
    return isThere(() => this.#ask("ResetFailedUnit", "s", [unit]));
  }

  /**
   * Changes properties of a unit that runs, until the next boot.
   *
   * @throws {ContainerError} `SystemError`
   */
  async setProperties(unit: string, properties: readonly Property[]): Promise<void> {
    await this.#ask("SetUnitProperties", "sba(sv)", [unit, true, properties]);
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]();
  }

  async #ask(
    member: string,
    signature: string,
    body: readonly unknown[],
  ): Promise<readonly unknown[]> {
    return await this.#bus.call({ ...SYSTEMD, member, signature, body });
  }

  /** Begins a job, and waits for its end: how it ended, such as `done`. */
  async #job(member: string, signature: string, body: readonly unknown[]): Promise<string> {
    if (!this.#hearsJobs) await this.hearJobs();
    const [job] = await this.#ask(member, signature, body);
    const [, , , result] = await this.#bus.signal({
      interface: SYSTEMD.interface,
      member: "JobRemoved",
      fits: ([, path]) => path === job,
      timeout: this.#jobMs,
    });
    return String(result);
  }

  async #property(name: string): Promise<string> {
    const wanted: MethodCall = {
      ...SYSTEMD,
      interface: "org.freedesktop.DBus.Properties",
      member: "Get",
      signature: "ss",
      body: [SYSTEMD.interface, name],
    };
    const [value] = await this.#bus.call(wanted);
    return String((value as Variant).value);
  }
}

async function isThere(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (answeredWith(error, ...NO_UNIT)) return false;
    throw error;
  }
}

/** Whether a socket is not there, or not for this user, so that the next one may be it. */
function isNotThere(error: unknown): boolean {
  return error instanceof ContainerError &&
    /^(?:ENOENT|ECONNREFUSED|EACCES|EPERM|ENOTDIR)$/.test(error.errno ?? "");
}

function jobFailed(unit: string, result: string): ContainerError {
  return new ContainerError(
    "SystemError",
    `systemd could not start ${unit}: its job ended as ${JSON.stringify(result)}`,
    { step: "cgroups", hint: `see what \`systemctl status ${unit}\` and the journal say` },
  );
}
