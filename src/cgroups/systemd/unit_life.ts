/**
 * The life of a container's unit: it is begun with its limits, changed and stopped.
 *
 * @module
 */

import type { Resources } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { undone } from "../../failures/undo.ts";
import { answeredWith } from "../../systemd/bus_errors.ts";
import { invalidResource } from "../cgroup_errors.ts";
import type { CgroupHost } from "../detect.ts";
import type { ApplyOptions, CgroupManager, StoredUnit, UnitWishes } from "../manager.ts";
import { annotatedProperties } from "./annotations.ts";
import { deviceProperties } from "./device_properties.ts";
import { Placeholder } from "./placeholder.ts";
import { propertiesV1 } from "./properties_v1.ts";
import { propertiesV2 } from "./properties_v2.ts";
import { flag, type Property, text, words } from "./property.ts";
import { pointed } from "./refusals.ts";
import { type IsOwn, SystemdBus, UNIT_EXISTS } from "./systemd_bus.ts";
import { unitFolder } from "./unit_folder.ts";

/** The first systemd with units that run only when nothing else does. */
const IDLE_SINCE = 252;

/** A unit that systemd was asked for. Disposing of it ends the process that holds it. */
export class BegunUnit implements Disposable {
  /** Until the unit has started, and its cgroups are there. */
  readonly made: Promise<void>;
  readonly #holder: Placeholder;
  readonly #folder: string;

  /**
   * Takes over the process that holds it.
   *
   * @param folder the unit's cgroup
   */
  constructor(holder: Placeholder, folder: string, made: Promise<void>) {
    this.#holder = holder;
    this.#folder = folder;
    this.made = made;
    made.catch(() => {}); // told to whoever waits for it
  }

  /**
   * Whether a unit of that name is the container's: waits until that is known. After a failure, such
   * as a limit of time, it is if what is to hold it is in it.
   */
  async isOwn(): Promise<boolean> {
    return await this.made.then(() => true, () => this.#holder.isIn(this.#folder));
  }

  /** Whether the process that holds it was killed. */
  get lostHolder(): boolean {
    return this.#holder.wasKilled;
  }

  [Symbol.dispose](): void {
    this.#holder[Symbol.dispose]();
  }
}

/**
 * Asks for the unit, with a process that holds it. Once it has started, the cgroups are made that
 * systemd does not make. This takes systemd some time, most of it the move of that process into the
 * cgroups, in which the caller can do something else.
 *
 * @param files the manager of its cgroups' files
 * @returns what holds it: to be disposed of once the first process is in
 * @throws {ContainerError} `ConfigInvalid`, `SystemError`; `made` rejects with `IdInUse`, too
 */
export async function beginUnit(
  unit: StoredUnit,
  host: CgroupHost,
  { resources = {}, annotations, id }: UnitWishes,
  files: CgroupManager,
): Promise<BegunUnit> {
  const own = annotatedProperties(annotations);
  const opening = SystemdBus.open(unit);
  const folder = unitFolder(files);
  using begun = new DisposableStack();
  let holder: Placeholder;
  try {
    holder = begun.use(new Placeholder()); // while systemd looks who asks
  } finally {
    begun.use(await opening);
  }
  const bus = await opening;
  await bus.hearJobs();
  const limits = await limitsOf(resources, {}, host, bus);
  const description = `hull container ${id}`;
  const fixed = fixedProperties(unit, description, holder.pid, host.version);
  // Only a scope has processes of its own.
  const isOwn = isSlice(unit)
    ? async () => await bus.description(unit.name) === description
    : () => holder.isIn(folder);
  begun.move();
  const properties = [...fixed, ...limits, ...own];
  const made = make(bus, unit, properties, isOwn, files).catch((error) => {
    throw pointed(error, { resources, annotations });
  });
  return new BegunUnit(holder, folder, made);
}

async function make(
  bus: SystemdBus,
  unit: StoredUnit,
  properties: readonly Property[],
  isOwn: IsOwn,
  files: CgroupManager,
): Promise<void> {
  using own = bus;
  await start(own, unit, properties, isOwn);
  try {
    await files.create(undefined, { isHeld: true });
  } catch (error) {
    throw await undone(error, async () => {
      await own.stop(unit.name);
    });
  }
}

/**
 * Sets the limits of a unit that runs, and those of its files.
 *
 * @param files the manager of its cgroups' files
 * @throws {ContainerError} `ConfigInvalid`, `SystemError`
 */
export async function limitUnit(
  unit: StoredUnit,
  host: CgroupHost,
  resources: Resources,
  options: ApplyOptions,
  files: CgroupManager,
): Promise<void> {
  refuseBelowUsage(resources, files);
  using bus = await SystemdBus.open(unit);
  const limits = await limitsOf(resources, options, host, bus);
  // While systemd sets v1's device rules anew, nothing may find a device closed.
  const stands = host.version === 1 && resources.devices !== undefined &&
    options.update === true && files.freezerState() === "thawed";
  if (stands) await files.freeze();
  try {
    if (limits.length > 0) await setLimits(bus, unit, limits, resources);
    await files.apply(resources, options);
  } finally {
    if (stands) await files.thaw();
  }
}

async function setLimits(
  bus: SystemdBus,
  { name }: StoredUnit,
  limits: readonly Property[],
  resources: Resources,
): Promise<void> {
  try {
    await bus.setProperties(name, limits);
  } catch (error) {
    throw pointed(error, { resources });
  }
}

/**
 * The check that the files' manager makes, too: it must come before systemd has set the limit, which
 * would end the container.
 */
function refuseBelowUsage({ memory = {} }: Resources, files: CgroupManager): void {
  const { limit = 0, checkBeforeUpdate = false } = memory;
  if (!checkBeforeUpdate || limit <= 0) return;
  const usage = files.stats().memory?.usage.usage ?? 0;
  if (limit >= usage) return;
  throw invalidResource(
    `a memory limit of ${limit} is below the usage (now ${usage})`,
    "/linux/resources/memory/limit",
    "choose a higher one, or end some of its processes first",
  );
}

/**
 * Stops the unit, and systemd forgets it; one that is not there has stopped.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function stopUnit(unit: StoredUnit): Promise<void> {
  using bus = await SystemdBus.open(unit);
  await bus.stop(unit.name);
}

function isSlice({ name }: StoredUnit): boolean {
  return name.endsWith(".slice");
}

/** What every unit of a container has: runc's. */
function fixedProperties(
  unit: StoredUnit,
  description: string,
  pid: number,
  version: 1 | 2,
): Property[] {
  const { slice } = unit;
  const place: Property[] = isSlice(unit)
    ? [words("Wants", [slice])]
    : [text("Slice", slice), flag("Delegate", true), ["PIDs", { signature: "au", value: [pid] }]];
  return [
    text("Description", description),
    ...place,
    flag("MemoryAccounting", true),
    flag("CPUAccounting", true),
    flag(version === 1 ? "BlockIOAccounting" : "IOAccounting", true),
    flag("TasksAccounting", true),
    flag("DefaultDependencies", false),
    text("CollectMode", "inactive-or-failed"), // forgotten at its end, whatever that was
  ];
}

/** A unit of that name that has failed is forgotten first; one that runs is another's. */
async function start(
  bus: SystemdBus,
  { name }: StoredUnit,
  properties: readonly Property[],
  isOwn: IsOwn,
): Promise<void> {
  try {
    await bus.startTransient(name, properties, isOwn);
  } catch (error) {
    if (!answeredWith(error, UNIT_EXISTS)) throw error;
    await bus.resetFailed(name);
    await bus.startTransient(name, properties, isOwn).catch((again) => {
      throw answeredWith(again, UNIT_EXISTS) ? inUse(name, again) : again;
    });
  }
}

function inUse(unit: string, cause: unknown): ContainerError {
  return new ContainerError("IdInUse", `the unit ${unit} is another's`, {
    step: "cgroups",
    pointer: "/linux/cgroupsPath",
    hint: "choose another linux.cgroupsPath or id",
    cause,
  });
}

/** The limits as properties. In a user namespace no device rules can be set. */
async function limitsOf(
  resources: Resources,
  { update = false }: ApplyOptions,
  { version, inUserNamespace }: CgroupHost,
  bus: SystemdBus,
): Promise<Property[]> {
  const { devices, cpu, unified } = resources;
  const setsDevices = !inUserNamespace && !(update && devices === undefined);
  const rules = setsDevices ? deviceProperties(devices ?? [], version) : [];
  if (version === 1) return [...rules, ...propertiesV1(resources)];
  const asksIdle = cpu?.idle !== undefined || unified?.["cpu.idle"] !== undefined;
  const knowsIdle = !asksIdle || await bus.version() >= IDLE_SINCE;
  return [...rules, ...propertiesV2(resources, knowsIdle)];
}
