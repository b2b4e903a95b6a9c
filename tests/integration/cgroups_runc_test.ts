/**
 * runc and hull, given the same resources, side by side. Needs root and runc.
 */

import { assert, assertEquals } from "@std/assert";
import { newCgroupManager } from "../../src/cgroups/choice/make_manager.ts";
import type { Resources } from "../../src/config/types/config.ts";
import { host, isV1, MIB } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";

const V1_FILES = [
  ["cpu", ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.rt_runtime_us"]],
  ["cpuset", ["cpuset.cpus", "cpuset.mems"]],
  ["memory", [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.swappiness",
  ]],
  ["pids", ["pids.max"]],
  ["devices", ["devices.list"]],
  ["blkio", ["blkio.throttle.read_bps_device", "blkio.throttle.write_iops_device"]],
] as const;

const V2_FILES = [
  ["", [
    "cgroup.controllers",
    "cpu.max",
    "cpuset.cpus",
    "cpuset.mems",
    "io.max",
    "memory.low",
    "memory.max",
    "memory.swap.max",
    "pids.max",
  ]],
] as const;

/** The limits in a container's cgroups, by file. */
function limitsIn(paths: Readonly<Record<string, string>>): Record<string, string> {
  const limits: Record<string, string> = {};
  for (const [controller, files] of isV1 ? V1_FILES : V2_FILES) {
    for (const file of files) {
      try {
        limits[file] = Deno.readTextFileSync(`${paths[controller]}/${file}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  return limits;
}

/** Without pipes: a created container would keep them open. */
async function runc(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("runc", {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn().status;
  assert(success, `runc ${args.join(" ")}`);
}

/** What runc makes of the same resources: its paths, and what stands in the files. */
async function runcLimits(bundle: string, id: string, resources: Resources, cgroupsPath?: string) {
  const config = JSON.parse(Deno.readTextFileSync(`${bundle}/spec.json`));
  config.linux.resources = resources;
  if (cgroupsPath !== undefined) config.linux.cgroupsPath = cgroupsPath;
  Deno.writeTextFileSync(`${bundle}/config.json`, JSON.stringify(config));
  await runc("--root", `${bundle}/state`, "create", "--bundle", bundle, id);
  try {
    const state = JSON.parse(Deno.readTextFileSync(`${bundle}/state/${id}/state.json`));
    const paths = state.cgroup_paths as Record<string, string>;
    return { paths, limits: limitsIn(paths) };
  } finally {
    await runc("--root", `${bundle}/state`, "delete", "--force", id);
  }
}

/** A bundle whose spec is runc's own, without what could hold a terminal or a cgroup mount. */
async function makeBundle(): Promise<string> {
  const bundle = Deno.makeTempDirSync();
  Deno.mkdirSync(`${bundle}/rootfs/bin`, { recursive: true });
  for (const folder of ["proc", "dev", "sys"]) Deno.mkdirSync(`${bundle}/rootfs/${folder}`);
  await Deno.copyFile("/bin/busybox", `${bundle}/rootfs/bin/sh`);
  await runc("spec", "--bundle", bundle);
  const spec = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  spec.process.terminal = false;
  spec.mounts = spec.mounts.filter((mount: { type: string }) => mount.type !== "cgroup");
  Deno.writeTextFileSync(`${bundle}/spec.json`, JSON.stringify(spec));
  return bundle;
}

async function hasRunc(): Promise<boolean> {
  try {
    await Deno.stat("/bin/busybox");
    return (await new Deno.Command("runc", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

testWhere(
  await hasRunc() ? undefined : "runc",
  "runc and hull put the same container into the same folders with the same limits",
  async (t) => {
    const bundle = await makeBundle();
    const cases: readonly [string, Resources, string | undefined][] = [
      ["nothing set", {}, undefined],
      ["memory, cpu, pids", {
        devices: [{ allow: false, access: "rwm" }],
        memory: { limit: 64 * MIB, swap: 96 * MIB, reservation: 16 * MIB },
        cpu: { quota: 20_000, period: 50_000, cpus: "0-1", mems: "0" },
        pids: { limit: 33 },
      }, undefined],
      ["lifted", { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } }, undefined],
      ["device lists", {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, access: "rw" },
          { allow: true, type: "b", major: 8, minor: 0, access: "r" },
          { allow: true, type: "b", major: 8, minor: 0, access: "w" },
          { allow: true, type: "c", major: 4, minor: 1, access: "rwm" },
          { allow: false, type: "c", major: 4, minor: 1, access: "w" },
        ],
      }, undefined],
      ["all devices", { devices: [{ allow: true, access: "rwm" }] }, undefined],
      ["a relative path", {}, `hull-test-${crypto.randomUUID()}/../../hull-test-$ID`],
      ["an absolute path", {}, "/../hull-test-$ID"],
    ];
    try {
      for (const [name, resources, path] of cases) {
        await t.step(name, async () => {
          const id = `hull-test-${crypto.randomUUID().slice(0, 8)}`;
          const cgroupsPath = path?.replace("$ID", id);
          const theirs = await runcLimits(bundle, id, resources, cgroupsPath);
          const manager = newCgroupManager({ host, cgroupsPath, id, driver: "cgroupfs" });
          try {
            manager.create();
            await manager.apply(resources);
            assertEquals(sorted(manager.paths), sorted(theirs.paths));
            assertEquals(limitsIn(manager.paths), theirs.limits);
          } finally {
            await manager.destroy();
          }
        });
      }
    } finally {
      Deno.removeSync(bundle, { recursive: true });
    }
  },
);

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => a < b ? -1 : 1);
}
