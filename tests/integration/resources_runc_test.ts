/**
 * Every field of `linux.resources`, side by side: the same config under runc and under hull, and
 * then every file of the container's cgroups that can be set. Needs root and runc; on a pure v2
 * host it compares v2's files.
 *
 * The rule: what runc takes hull takes, with the same values in all files; what runc refuses hull
 * refuses, with the field's pointer, and leaves nothing. Where hull differs on purpose, the case
 * says why.
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Container, ContainerError, Factory, Process } from "../../mod.ts";
import type { Config, Resources } from "../../src/config/types/config.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { CGROUP_DRIVER, cgroupsPathOf, DRIVER } from "../fixtures/cgroup_driver.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import type { BlockDevice, ResourceCase, Values } from "../fixtures/resource_case.ts";
import { resourceCases } from "../fixtures/resource_cases.ts";
import { missingRunc } from "../fixtures/runc.ts";
import { RuncContainer, RuncRefused } from "../fixtures/runc_container.ts";
import { host } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** Files that say what happens, or start something, rather than what is allowed. */
const NO_SETTING =
  /usage|failcnt|pressure|event_control|reset_stats|force_empty|reclaim|slabinfo|\.peak$|\.kill$|^cgroup\.(procs|threads)$|^tasks$|^notify_on_release$|^devices\.(allow|deny)$/;

/** What came of a start: the values in the files, or the error. */
type Outcome = Values | Error;

const { version } = host;
const device = blockDevice();

/** A block device that the host has. */
function blockDevice(): BlockDevice | undefined {
  const names = [...Deno.readDirSync("/sys/block")].map(({ name }) => name).sort();
  // A disk before a loop device.
  const name = names.find((one) => /^(vd|sd|nvme)/.test(one)) ?? names[0];
  if (name === undefined) return undefined;
  const [major, minor] = Deno.readTextFileSync(`/sys/block/${name}/dev`).trim().split(":");
  return { major: Number(major), minor: Number(minor) };
}

/** Every setting in a container's cgroups. */
function settings(paths: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const folder of new Set(Object.values(paths))) {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || NO_SETTING.test(name)) continue;
      const path = `${folder}/${name}`;
      const { mode } = Deno.statSync(path);
      const isReadable = ((mode ?? 0) & 0o444) !== 0;
      const isSetting = ((mode ?? 0) & 0o222) !== 0 || name === "devices.list";
      if (isReadable && isSetting) found[name] = inOrder(name, Deno.readTextFileSync(path).trim());
    }
  }
  return found;
}

/** The devices that are allowed stand in the order in which they came to be allowed. */
function inOrder(file: string, text: string): string {
  return file === "devices.list" ? text.split("\n").sort().join("\n") : text;
}

/** A config beside whose cgroup there is no other. */
function configFor(config: Config, id: string, resources: Resources): Config {
  const { mounts = [], linux = {} } = config;
  return {
    ...config,
    mounts: mounts.filter(({ type }) => type !== "cgroup"),
    linux: { ...linux, resources, cgroupsPath: cgroupsPathOf(id) },
  };
}

async function underHull(
  factory: Factory,
  folder: string,
  config: Config,
  id: string,
  { update, running }: ResourceCase,
): Promise<Outcome> {
  let container: Container | undefined;
  try {
    container = await factory.create(id, config, { bundle: folder });
    await container.start(new Process({ stdin: "null" }));
    if (running === true) await container.release();
    if (update !== undefined) await container.set(update);
    return settings(container.state().cgroupPaths);
  } catch (error) {
    if (error instanceof ContainerError) return error;
    throw error;
  } finally {
    await container?.destroy({ force: true });
  }
}

async function underRunc(
  folder: string,
  config: Config,
  id: string,
  { update, running }: ResourceCase,
): Promise<Outcome> {
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify(config));
  try {
    await using container = await RuncContainer.create(folder, id);
    if (running === true) await container.start();
    if (update !== undefined) await container.update(update);
    return settings(container.cgroupPaths);
  } catch (error) {
    if (error instanceof RuncRefused) return error;
    throw error;
  }
}

/** Compares what came of both. */
function compare(one: ResourceCase, hull: Outcome, runc: Outcome): void {
  const better = (CGROUP_DRIVER === "systemd" ? one.withSystemd : undefined) ??
    one.better?.[version];
  const refuses = better?.hull === "refuses" ||
    (runc instanceof Error && better?.hull !== "takes" && typeof better?.hull !== "object");
  if (refuses) return assertRefused(one, hull);
  assert(!(hull instanceof Error), `runc takes it, hull says: ${hull}`);
  const differs = typeof better?.hull === "object" ? better.hull : {};
  assertValues(hull, { ...one.values?.[version], ...differs });
  if (runc instanceof Error) return assert(better !== undefined, `runc says: ${runc.message}`);
  const rest = (all: Values) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => differs[name] === undefined));
  assertEquals(rest(hull), rest(runc));
}

function assertValues(seen: Values, wanted: Values): void {
  for (const [file, value] of Object.entries(wanted)) {
    if (value !== "*") assertEquals({ [file]: seen[file] }, { [file]: value });
  }
}

/** The error names the field and, where the kernel refused, the file and the errno. */
function assertRefused({ field, errno }: ResourceCase, outcome: Outcome): void {
  assertInstanceOf(
    outcome,
    ContainerError,
    `runc refuses it, hull gives ${JSON.stringify(outcome)}`,
  );
  const pointers = [outcome.pointer, ...(outcome.faults ?? []).map(({ pointer }) => pointer)];
  const wanted = `/linux/resources/${field}`;
  assert(pointers.some((pointer) => pointer?.startsWith(wanted)), `no ${wanted}: ${outcome}`);
  if (errno?.[version] === undefined) return;
  assertEquals([outcome.errno, outcome.step], [errno[version], "cgroups"]);
  assert(outcome.path?.startsWith("/sys/fs/cgroup/"), `${outcome.path}`);
}

for (const one of resourceCases(device ?? { major: 7, minor: 0 })) {
  const missing = missingRunc() ??
    (one.needs === "device" && device === undefined ? "a block device" : undefined);
  testWhere(missing, `resources ${one.field}: ${one.name}`, async () => {
    const id = `hull-res-${crypto.randomUUID().slice(0, 8)}`;
    await leavesNothing(id, async () => {
      using root = scratchFolder();
      using bundle = makeBundle("exec sleep 600");
      const { folder, config } = bundle;
      const factory = new Factory({ root: root.path, ...DRIVER });
      const config1 = configFor(config, `${id}-h`, one.resources);
      const hull = await underHull(factory, folder, config1, `${id}-h`, one);
      const config2 = configFor(config, `${id}-r`, one.resources);
      const runc = await underRunc(folder, config2, `${id}-r`, one);
      compare(one, hull, runc);
    });
  });
}
