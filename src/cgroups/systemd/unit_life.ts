/**
 * The life of a container's unit: it is started with its limits, changed and stopped.
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
import { SystemdBus, UNIT_EXISTS } from "./systemd_bus.ts";

/** The first systemd with units that run only when nothing else does. */
const IDLE_SINCE = 252;

/**
 * Starts the unit with a process that holds it, and makes the cgroups that systemd does not make.
 *
 * @param files the manager of its cgroups' files
 * @returns what holds it: to be disposed of once the first process is in
 * @throws {ContainerError} `IdInUse`, `ConfigInvalid`, `SystemError`
 */
export async function startUnit(
  unit: StoredUnit,
  host: CgroupHost,
  { resources = {}, annotations, id }: UnitWishes,
  files: CgroupManager,
): Promise<Disposable> {
  const own = annotatedProperties(annotations);
  using bus = await SystemdBus.open(unit);
  const limits = await limitsOf(resources, {}, host, bus);
  const holder = new Placeholder();
  try {
    const fixed = fixedProperties(unit, id, holder.pid, host.version);
    await start(bus, unit, [...fixed, ...limits, ...own]);
    await makeOthers(bus, unit, files);
    return holder;
  } catch (error) {
    holder[Symbol.dispose]();
    throw error;
  }
}

async function makeOthers(bus: SystemdBus, { name }: StoredUnit, files: CgroupManager) {
  try {
    await files.create(undefined, { isHeld: true });
  } catch (error) {
    throw await undone(error, async () => {
      await bus.stop(name);
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
    if (limits.length > 0) await bus.setProperties(unit.name, limits);
    await files.apply(resources, options);
  } finally {
    if (stands) await files.thaw();
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
  );
}

/**
 * Stops the unit and makes systemd forget it; one that is not there has stopped.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function stopUnit(unit: StoredUnit): Promise<void> {
  using bus = await SystemdBus.open(unit);
  if (await bus.stop(unit.name)) await bus.resetFailed(unit.name);
}

/** What every unit of a container has: runc's. */
function fixedProperties(
  { name, slice }: StoredUnit,
  id: string,
  pid: number,
  version: 1 | 2,
): Property[] {
  const place: Property[] = name.endsWith(".slice")
    ? [words("Wants", [slice])]
    : [text("Slice", slice), flag("Delegate", true), ["PIDs", { signature: "au", value: [pid] }]];
  return [
    text("Description", `hull container ${id}`),
    ...place,
    flag("MemoryAccounting", true),
    flag("CPUAccounting", true),
    flag(version === 1 ? "BlockIOAccounting" : "IOAccounting", true),
    flag("TasksAccounting", true),
    flag("DefaultDependencies", false),
  ];
}

/** A unit of that name that has failed is forgotten first; one that runs is another's. */
async function start(
  bus: SystemdBus,
  { name }: StoredUnit,
  properties: readonly Property[],
): Promise<void> {
  try {
    await bus.startTransient(name, properties);
  } catch (error) {
    if (!answeredWith(error, UNIT_EXISTS)) throw error;
    await bus.resetFailed(name);
    await bus.startTransient(name, properties).catch((again) => {
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
