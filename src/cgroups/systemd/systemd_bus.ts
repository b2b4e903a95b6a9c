/**
 * What is asked of systemd: units that are started, changed and stopped.
 *
 * Source: org.freedesktop.systemd1(5).
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { ContainerError } from "../../errors.ts";
import type { MethodCall, Variant } from "../../systemd/bus.ts";
import { answeredWith } from "../../systemd/bus_errors.ts";
import {
  type Connected,
  type ConnectOptions,
  connectSystemd,
  isLost,
  PAUSE_MS,
} from "./connect.ts";
import type { Property } from "./property.ts";

/** How long a unit's start or stop may take, which waits in a queue. */
const JOB_MS = 60_000;
/** After so long without a word systemd is asked for a job: its end may have been told to nobody. */
const LOOK_MS = 1000;
/** How long one operation goes on over new connections, since the first was lost. */
const LOSSES_MS = 10_000;

const SYSTEMD = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
};
const UNIT = "org.freedesktop.systemd1.Unit";
const JOB_RULE = "type='signal',sender='org.freedesktop.systemd1'," +
  "interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
/** The errors of a unit that is there or not. */
export const UNIT_EXISTS = "org.freedesktop.systemd1.UnitExists";
const NO_UNIT = [
  "org.freedesktop.systemd1.NoSuchUnit",
  "org.freedesktop.systemd1.UnitNotLoaded",
] as const;

/** With whom it is, and how long is waited; only tests need more than `whose`. */
export interface SystemdBusOptions extends ConnectOptions {
  readonly jobMs?: number | undefined;
  readonly lookMs?: number | undefined;
  readonly lossesMs?: number | undefined;
}

/** Whether the unit that runs by a name is the one that was asked for. */
export type IsOwn = () => boolean | Promise<boolean>;

/**
 * A conversation with one systemd. Where its connection is lost, each call goes on over a new one:
 * what was not answered is asked once more.
 */
export class SystemdBus implements Disposable {
  readonly #options: SystemdBusOptions;
  #connected: Connected;
  #hearsJobs = false;

  private constructor(connected: Connected, options: SystemdBusOptions) {
    this.#connected = connected;
    this.#options = options;
  }

  /**
   * Begins one.
   *
   * @throws {ContainerError} `SystemError` where there is no systemd, or it does not answer
   */
  static async open(options: SystemdBusOptions): Promise<SystemdBus> {
    return new SystemdBus(await connectSystemd(options), options);
  }

  /**
   * The cgroup that systemd is in, below which all its units are: "" for the root.
   *
   * @throws {ContainerError} `SystemError`
   */
  async ownCgroup(): Promise<string> {
    const path = await this.#lasting(() => this.#property("ControlGroup"));
    return String(path).replace(/\/+$/, "");
  }

  /**
   * The number of its version, such as 257.
   *
   * @throws {ContainerError} `SystemError`
   */
  async version(): Promise<number> {
    const text = await this.#lasting(() => this.#property("Version"));
    return Number(/^\D*(\d+)/.exec(String(text))?.[1] ?? 0);
  }

  /**
   * Has systemd tell when jobs end, before one begins.
   *
   * @throws {ContainerError} `SystemError`
   */
  async hearJobs(): Promise<void> {
    await this.#lasting(() => this.#hear());
  }

  /**
   * Starts a transient unit, and waits until it has started. After {@linkcode hearJobs} systemd has
   * been asked when this returns its promise.
   *
   * @param isOwn asked of a unit that runs after a lost connection, by which systemd may have been
   *   asked for it or not; without it nobody else has the name
   * @throws {ContainerError} `SystemError`; answered with {@linkcode UNIT_EXISTS} if it is there
   */
  async startTransient(
    unit: string,
    properties: readonly Property[],
    isOwn: IsOwn = () => true,
  ): Promise<void> {
    const body = [unit, "replace", properties, []] as const;
    const result = await this.#job("StartTransientUnit", "ssa(sv)a(sa(sv))", body, isOwn);
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
    return isThere(() => this.#lasting(() => this.#ask("ResetFailedUnit", "s", [unit])));
  }

  /**
   * Changes properties of a unit that runs, until the next boot.
   *
   * @throws {ContainerError} `SystemError`
   */
  async setProperties(unit: string, properties: readonly Property[]): Promise<void> {
    const body = [unit, true, properties];
    await this.#lasting(() => this.#ask("SetUnitProperties", "sba(sv)", body));
  }

  /**
   * What a unit says that it is: its property `Description`.
   *
   * @throws {ContainerError} `SystemError`
   */
  async description(unit: string): Promise<string> {
    return String(
      await this.#lasting(async () => this.#property("Description", UNIT, await this.#find(unit))),
    );
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#connected.bus[Symbol.dispose]();
  }

  /** Asks, and once more wherever the connection was lost before the answer. */
  async #lasting<Result>(ask: (isAgain: boolean) => Promise<Result>): Promise<Result> {
    let until: number | undefined;
    for (;;) {
      try {
        if (until !== undefined) await this.#connectAgain();
        return await ask(until !== undefined);
      } catch (error) {
        if (!isLost(error)) throw error;
        if (until === undefined) until = performance.now() + (this.#options.lossesMs ?? LOSSES_MS);
        else if (performance.now() > until) throw error;
        else await pause(PAUSE_MS);
      }
    }
  }

  async #connectAgain(): Promise<void> {
    this.#connected.bus[Symbol.dispose](); // on a bus it may stand, but systemd's new name is another
    this.#hearsJobs = false;
    this.#connected = await connectSystemd(this.#options);
  }

  async #hear(): Promise<void> {
    if (this.#hearsJobs) return;
    const { bus, isPeer } = this.#connected;
    // To a peer systemd tells all; on a bus only while somebody has subscribed.
    const subscribed = isPeer ? undefined : this.#ask("Subscribe", "", []);
    await Promise.all([bus.addMatch(JOB_RULE), subscribed]);
    this.#hearsJobs = true;
  }

  async #ask(
    member: string,
    signature: string,
    body: readonly unknown[],
  ): Promise<readonly unknown[]> {
    return await this.#connected.bus.call({ ...SYSTEMD, member, signature, body });
  }

  /**
   * Begins a unit's job, and waits for its end: how it ended, such as `done`.
   *
   * @param isOwn whether the unit that runs is the one to start; undefined to stop it
   */
  async #job(
    member: string,
    signature: string,
    body: readonly [unit: string, ...unknown[]],
    isOwn?: IsOwn,
  ): Promise<string> {
    const [unit] = body;
    const isStart = isOwn !== undefined;
    return await this.#lasting(async (isAgain) => {
      if (isAgain) { // systemd may have heard it
        const isActive = await this.#isActiveAtEnd(unit);
        if (isStart ? isActive && await isOwn() : !isActive) return "done";
      }
      if (!this.#hearsJobs) await this.#hear();
      const [job] = await this.#ask(member, signature, body);
      return await this.#endOf(unit, job, isStart);
    });
  }

  async #endOf(unit: string, job: unknown, isStart: boolean): Promise<string> {
    const { jobMs = JOB_MS, lookMs = LOOK_MS } = this.#options;
    const begin = performance.now();
    for (;;) {
      const left = jobMs - (performance.now() - begin);
      try {
        const [, , , result] = await this.#connected.bus.signal({
          interface: SYSTEMD.interface,
          member: "JobRemoved",
          fits: ([, path]) => path === job,
          timeout: Math.min(lookMs, left),
        });
        return String(result);
      } catch (error) {
        const isLate = error instanceof ContainerError && error.errno === "ETIMEDOUT";
        if (!isLate || left <= lookMs) throw error;
        const { hasJob, isActive } = await this.#state(unit);
        if (!hasJob) return isActive === isStart ? "done" : "failed";
      }
    }
  }

  /** Waits until nothing is to be done with a unit: whether it runs then. */
  async #isActiveAtEnd(unit: string): Promise<boolean> {
    const until = performance.now() + (this.#options.jobMs ?? JOB_MS);
    for (;;) {
      const { hasJob, isActive } = await this.#state(unit);
      if (!hasJob || performance.now() > until) return isActive;
      await pause(PAUSE_MS);
    }
  }

  /** Whether something is to be done with a unit, and whether it runs. */
  async #state(unit: string): Promise<{ readonly hasJob: boolean; readonly isActive: boolean }> {
    try {
      const of = await this.#find(unit);
      const job = await this.#property("Job", UNIT, of) as readonly [number, string];
      const active = await this.#property("ActiveState", UNIT, of);
      return { hasJob: job[0] !== 0, isActive: active === "active" };
    } catch (error) {
      if (answeredWith(error, ...NO_UNIT)) return { hasJob: false, isActive: false };
      throw error;
    }
  }

  async #find(unit: string): Promise<typeof SYSTEMD> {
    const [path] = await this.#ask("GetUnit", "s", [unit]);
    return { ...SYSTEMD, path: String(path) };
  }

  async #property(
    name: string,
    of: string = SYSTEMD.interface,
    at: typeof SYSTEMD = SYSTEMD,
  ): Promise<unknown> {
    const wanted: MethodCall = {
      ...at,
      interface: "org.freedesktop.DBus.Properties",
      member: "Get",
      signature: "ss",
      body: [of, name],
    };
    const [value] = await this.#connected.bus.call(wanted);
    return (value as Variant).value;
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

function jobFailed(unit: string, result: string): ContainerError {
  return new ContainerError(
    "SystemError",
    `systemd could not start ${unit}: its job ended as ${JSON.stringify(result)}`,
    { step: "cgroups", hint: `see what \`systemctl status ${unit}\` and the journal say` },
  );
}
