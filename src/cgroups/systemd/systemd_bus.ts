/**
 * What is asked of systemd: units that are started, changed and stopped.
 *
 * Source: org.freedesktop.systemd1(5).
 *
 * @module
 */

import { isThere as pathIsThere } from "../../../ffi/files/file_status.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import { ContainerError } from "../../errors.ts";
import { Bus, type MethodCall, type Variant } from "../../systemd/bus.ts";
import { answeredWith } from "../../systemd/bus_errors.ts";
import { EndOfStream } from "../../systemd/connection.ts";
import { type Address, addressesOf, type Whose } from "./addresses.ts";
import type { Property } from "./property.ts";

/** How long one answer may take, in milliseconds. */
const ANSWER_MS = 30_000;
/** How long a unit's start or stop may take, which waits in a queue. */
const JOB_MS = 60_000;
/** After so long without a word systemd is asked for a job: its end may have been told to nobody. */
const LOOK_MS = 1000;
/** How often it is asked where nothing else tells. */
const PAUSE_MS = 50;
/** How often one operation may lose its connection. */
const MOST_LOSSES = 5;
/** How long a systemd that executes itself anew may have no socket. */
const ABSENT_MS = 3000;

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

/** Where systemd is, and how long is waited for it; only tests need more than `whose`. */
export interface SystemdBusOptions {
  readonly whose: Whose;
  readonly addresses?: readonly Address[] | undefined;
  readonly answerMs?: number | undefined;
  readonly jobMs?: number | undefined;
  readonly lookMs?: number | undefined;
}

/** A conversation with one systemd. */
export class SystemdBus implements Disposable {
  readonly #options: SystemdBusOptions;
  #bus: Bus;
  readonly #isPeer: boolean;
  #hearsJobs = false;

  private constructor(bus: Bus, isPeer: boolean, options: SystemdBusOptions) {
    this.#bus = bus;
    this.#isPeer = isPeer;
    this.#options = options;
  }

  /**
   * Begins one.
   *
   * @throws {ContainerError} `SystemError` where there is no systemd, or it does not answer
   */
  static async open(options: SystemdBusOptions): Promise<SystemdBus> {
    const { whose, answerMs: timeout = ANSWER_MS } = options;
    const addresses = options.addresses ??
      addressesOf(whose, (name) => Deno.env.get(name), Deno.uid() ?? 0);
    const until = performance.now() + (options.addresses === undefined ? ABSENT_MS : 0);
    for (;;) {
      let failure: unknown;
      for (const { path, isBus } of addresses) {
        try {
          const isPeer = !isBus;
          return new SystemdBus(await Bus.connect(path, { isPeer, timeout }), isPeer, options);
        } catch (error) {
          if (!isNotThere(error)) throw error;
          failure ??= error;
        }
      }
      if (!isExecutingAnew(whose, addresses) || performance.now() > until) throw failure;
      await pause(PAUSE_MS);
    }
  }

  /**
   * The cgroup that systemd is in, below which all its units are: "" for the root.
   *
   * @throws {ContainerError} `SystemError`
   */
  async ownCgroup(): Promise<string> {
    return String(await this.#property("ControlGroup")).replace(/\/+$/, "");
  }

  /**
   * The number of its version, such as 257.
   *
   * @throws {ContainerError} `SystemError`
   */
  async version(): Promise<number> {
    return Number(/^\D*(\d+)/.exec(String(await this.#property("Version")))?.[1] ?? 0);
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
    const body = [unit, "replace", properties, []] as const;
    const result = await this.#job("StartTransientUnit", "ssa(sv)a(sa(sv))", body, true);
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
      await this.#job("StopUnit", "ss", [unit, "replace"], false);
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

  /**
   * Begins a unit's job, and waits for its end: how it ended, such as `done`. A systemd that executes
   * itself anew goes on with the job, but its sockets are others, and on the bus it is another. What
   * it had not heard yet is asked for once more.
   *
   * @param isStart whether the unit is active then
   */
  async #job(
    member: string,
    signature: string,
    body: readonly [unit: string, ...unknown[]],
    isStart: boolean,
  ): Promise<string> {
    const [unit] = body;
    for (let losses = 0;; losses++) {
      if (losses > 0) await this.#connectAgain();
      try {
        if (losses > 0 && await this.#isActiveAtEnd(unit) === isStart) return "done";
        if (!this.#hearsJobs) await this.hearJobs();
        const [job] = await this.#ask(member, signature, body);
        return await this.#endOf(unit, job, isStart);
      } catch (error) {
        if (this.#bus.isOpen || losses === MOST_LOSSES) throw error;
      }
    }
  }

  async #endOf(unit: string, job: unknown, isStart: boolean): Promise<string> {
    const { jobMs = JOB_MS, lookMs = LOOK_MS } = this.#options;
    const begin = performance.now();
    for (;;) {
      const left = jobMs - (performance.now() - begin);
      try {
        const [, , , result] = await this.#bus.signal({
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

  async #connectAgain(): Promise<void> {
    const again = await SystemdBus.open(this.#options);
    this.#bus = again.#bus;
    this.#hearsJobs = false;
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
      const [path] = await this.#ask("GetUnit", "s", [unit]);
      const of = { ...SYSTEMD, path: String(path) };
      const job = await this.#property("Job", UNIT, of) as readonly [number, string];
      const active = await this.#property("ActiveState", UNIT, of);
      return { hasJob: job[0] !== 0, isActive: active === "active" };
    } catch (error) {
      if (answeredWith(error, ...NO_UNIT)) return { hasJob: false, isActive: false };
      throw error;
    }
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
    const [value] = await this.#bus.call(wanted);
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

/**
 * Whether nobody is at a socket, or nobody for this user, so that the next one may be it. A systemd
 * that executes itself anew ends what has just begun.
 */
function isNotThere(error: unknown): boolean {
  if (!(error instanceof ContainerError)) return false;
  return error.cause instanceof EndOfStream ||
    /^(?:ENOENT|ECONNREFUSED|ECONNRESET|EPIPE|EACCES|EPERM|ENOTDIR)$/.test(error.errno ?? "");
}

/** Whether a host that systemd runs has none of its sockets for a moment. */
function isExecutingAnew(whose: Whose, [own]: readonly Address[]): boolean {
  if (whose === "system") return pathIsThere("/run/systemd/system");
  return own !== undefined && pathIsThere(own.path);
}

function jobFailed(unit: string, result: string): ContainerError {
  return new ContainerError(
    "SystemError",
    `systemd could not start ${unit}: its job ended as ${JSON.stringify(result)}`,
    { step: "cgroups", hint: `see what \`systemctl status ${unit}\` and the journal say` },
  );
}
