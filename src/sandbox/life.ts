/**
 * The life of a sandbox: how it is made, found again, prolonged and ended.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import type { Container } from "../container.ts";
import type { InnerCreateOptions } from "../create/prepare_container.ts";
import { ContainerError } from "../errors.ts";
import { Factory } from "../factory.ts";
import { undone } from "../failures/undo.ts";
import { Process } from "../process.ts";
import { identify, openIdentified, type ProcessIdentity } from "../state/process_identity.ts";
import { allowedNetwork } from "./allowed_network.ts";
import { newId, removeIfThere, sweepSandboxes } from "./listing.ts";
import {
  type CheckedOptions,
  checkOptions,
  type SandboxOptions,
} from "./options/sandbox_options.ts";
import { isOver, lockRecord, readRecord, type SandboxRecord, writeRecord } from "./record.ts";
import { HOME } from "./options/environment.ts";
import { FIRST_PROGRAM, wishesOf } from "./wishes.ts";
import { endWatchdog, startWatchdog } from "../life/watchdog.ts";

/** What a sandbox is, as this program knows it. */
export interface Life {
  readonly container: Container;
  readonly factory: Factory;
  readonly first: ProcessIdentity;
  readonly record: SandboxRecord;
  /** Whether this program made it. */
  readonly isMaker: boolean;
}

/**
 * Makes a sandbox's container with its first process, and what ends it in time.
 *
 * @throws {ContainerError} see `Sandbox.create`
 */
export async function makeLife(options: SandboxOptions): Promise<LifeHandle> {
  const checked = checkOptions(options);
  const { factory = new Factory(), signal } = options;
  const id = options.id ?? newId();
  await sweepSandboxes(factory);
  const allowed = await allowedNetwork(checked.allowNet, { signal });
  const wishes = wishesOf(checked, allowed);
  // Of the resolver it could not reach it would wait for an answer.
  const names = allowed === undefined ? undefined : { hosts: allowed.hosts };
  const how: InnerCreateOptions = { wishes, signal, names };
  const container = await factory.create(id, undefined, how);
  try {
    // The record comes first: who is killed now leaves a session that is over.
    const me = identify(Deno.pid);
    const session = { ...recordOf(checked), session: me };
    writeRecord(container.folder, session);
    const process = new Process({
      args: [FIRST_PROGRAM],
      cwd: HOME, // which is made
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    await container.run(process, { signal });
    const first = firstOf(process.pid);
    const { timeoutMs } = checked;
    const watchdog = watch(id, first, timeoutMs === undefined ? me : undefined, timeoutMs);
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    const record: SandboxRecord = {
      ...recordOf(checked),
      first,
      watchdog,
      ...(deadline === undefined ? { session: me } : { deadline }),
    };
    writeRecord(container.folder, record);
    return new LifeHandle({ container, factory, first, record, isMaker: true });
  } catch (error) {
    throw await undone(error, () => container[Symbol.asyncDispose]());
  }
}

/**
 * Finds a sandbox again.
 *
 * @throws {ContainerError} `ContainerNotExists`
 */
export async function reviveLife(factory: Factory, id: string): Promise<LifeHandle> {
  const container = factory.load(id);
  const record = readRecord(container.folder);
  const first = record?.first;
  if (record === undefined || first === undefined) {
    throw new ContainerError("ContainerNotExists", `container ${id} is no sandbox`, {
      path: container.folder,
      hint: "connect finds what Sandbox.create has made: see Sandbox.list",
    });
  }
  if (isOver(record)) {
    await removeIfThere(factory, id);
    throw new ContainerError("ContainerNotExists", `the sandbox ${id} has ended`, {
      path: container.folder,
    });
  }
  return new LifeHandle({ container, factory, first, record, isMaker: false });
}

/** A sandbox's life in the hands of this program. */
export class LifeHandle {
  readonly id: string;
  readonly container: Container;
  readonly first: ProcessIdentity;
  /** The container's cgroups, by controller. */
  readonly cgroups: Readonly<Record<string, string>>;
  readonly #closed: Promise<void>;
  readonly #factory: Factory;
  readonly #isMaker: boolean;
  readonly #close: () => void;
  #record: SandboxRecord;
  #ending: Promise<void> | undefined;

  /** Takes over what was made or found. */
  constructor({ container, factory, first, record, isMaker }: Life) {
    this.id = container.id;
    this.container = container;
    this.first = first;
    this.cgroups = container.state().cgroupPaths;
    this.#factory = factory;
    this.#isMaker = isMaker;
    this.#record = record;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#close = resolve;
    // A sandbox that has ended by itself, at its deadline say, is taken away.
    if (isMaker) container.wait().then(() => this.destroy()).catch(() => {});
  }

  /** Once this program has let go of it, or it has ended. */
  get closed(): Promise<void> {
    // Who made it sees its end anyhow; another program need not, unless it asks.
    if (!this.#isMaker) this.container.wait().then(() => this.#close(), () => this.#close());
    return this.#closed;
  }

  /** What is kept of it. */
  get record(): SandboxRecord {
    return this.#record;
  }

  /** Changes what is kept. Another program may have changed it meanwhile, so it is read again. */
  async change(next: (record: SandboxRecord) => SandboxRecord): Promise<void> {
    using _lock = await this.#lock();
    this.#keep(next(this.#kept()));
  }

  /** Puts its deadline off; the new watchdog is there before the old one goes. */
  async extend(ms: number): Promise<Date> {
    using _lock = await this.#lock();
    const record = this.#kept();
    if (record.deadline === undefined) {
      throw new ContainerError("ConfigInvalid", "a session has no deadline to be put off", {
        hint: 'make the sandbox with a timeout, such as "5m"',
      });
    }
    const deadline = Math.max(record.deadline, Date.now()) + ms;
    const watchdog = watch(this.id, this.first, undefined, deadline - Date.now());
    this.#keep({ ...record, deadline, watchdog });
    if (record.watchdog !== undefined) endWatchdog(record.watchdog);
    return new Date(deadline);
  }

  async #lock(): Promise<Fd> {
    try {
      return await lockRecord(this.container.folder);
    } catch (error) {
      throw failedWith(error, "ENOENT") ? ended(this.id) : error;
    }
  }

  #kept(): SandboxRecord {
    const record = readRecord(this.container.folder);
    if (record === undefined) throw ended(this.id);
    return record;
  }

  #keep(record: SandboxRecord): void {
    writeRecord(this.container.folder, record);
    this.#record = record;
  }

  /** Ends a session of this program's; lets go of any other. */
  async close(): Promise<void> {
    if (this.#isMaker && this.#record.deadline === undefined) return await this.destroy();
    this.#close();
  }

  /** Ends it. */
  destroy(): Promise<void> {
    return this.#ending ??= this.#destroy();
  }

  async #destroy(): Promise<void> {
    try {
      if (this.#isMaker) await this.container[Symbol.asyncDispose]();
      else await removeIfThere(this.#factory, this.id);
    } finally {
      this.#close();
    }
  }
}

function watch(
  id: string,
  first: ProcessIdentity,
  session: ProcessIdentity | undefined,
  afterMs: number | undefined,
): ProcessIdentity {
  using pidfd = openIdentified(first);
  if (pidfd === undefined) throw ended(id);
  using maker = session && openIdentified(session);
  const watchdog = startWatchdog({ id, first: pidfd, session: maker, afterMs });
  if (watchdog === undefined) throw ended(id);
  return watchdog;
}

function firstOf(pid: number): ProcessIdentity {
  const first = identify(pid);
  if (first !== undefined) return first;
  throw ended(String(pid));
}

function ended(id: string): ContainerError {
  return new ContainerError("ContainerNotRunning", `the sandbox ${id} has ended`);
}

function recordOf({ labels, env }: CheckedOptions): SandboxRecord {
  return { format: 1, labels, env, umask: 0o022, created: Date.now() };
}
