/** `hull update`. @module */

import { Fd, readAll } from "../../../ffi/files/file.ts";
import type { Resources } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import { type Command, type Flag, type GivenFlags, isOn, pathOf, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import type { Output } from "../output/output.ts";
import { parseBytes, parseInteger } from "../flags/quantities.ts";
import { reason } from "../../failures/reason.ts";
import { late } from "../../own/late.ts";

const requireKnownKeys = late(() => import("../flags/resource_keys.ts"), "requireKnownKeys");

const KERNEL_FLAGS = ["kernel-memory", "kernel-memory-tcp"] as const;

const BYTES = "BYTES";
const FLAGS: readonly Flag[] = [
  { name: "resources", letter: "r", value: "FILE", summary: "JSON of resources; - is stdin" },
  { name: "blkio-weight", value: "N", summary: "share of block I/O, 10 to 1000" },
  { name: "cpu-period", value: "US", summary: "period of the CPU quota, in microseconds" },
  { name: "cpu-quota", value: "US", summary: "CPU time in each period; -1 for no limit" },
  { name: "cpu-burst", value: "US", summary: "unused CPU time that may be used later" },
  { name: "cpu-share", value: "N", summary: "share of CPU time, 2 to 262144" },
  { name: "cpu-rt-period", value: "US", summary: "realtime period (cgroup v1)" },
  { name: "cpu-rt-runtime", value: "US", summary: "realtime in each period (cgroup v1)" },
  { name: "cpu-idle", value: "N", summary: "1 to run only where nobody else would" },
  { name: "cpuset-cpus", value: "LIST", summary: "CPUs to use, such as 0-3,7" },
  { name: "cpuset-mems", value: "LIST", summary: "memory nodes to use" },
  { name: "memory", value: BYTES, summary: "limit of memory, such as 256M; -1 for none" },
  { name: "memory-reservation", value: BYTES, summary: "soft limit of memory" },
  { name: "memory-swap", value: BYTES, summary: "limit of memory and swap; -1 for none" },
  { name: "check-before-update", summary: "refuse a memory limit below what is used now" },
  { name: "kernel-memory", value: BYTES, summary: "obsolete, ignored" },
  { name: "kernel-memory-tcp", value: BYTES, summary: "obsolete, ignored" },
  { name: "pids-limit", value: "N", summary: "most tasks; -1 for no limit" },
  { name: "l3-cache-schema", value: "SCHEMA", summary: "Intel RDT's L3 cache schema" },
  { name: "mem-bw-schema", value: "SCHEMA", summary: "Intel RDT's memory bandwidth schema" },
];

/** Changes a container's limits. */
export const command: Command = {
  synopsis: "<id>",
  description:
    "Changes the limits of a container; what no flag names stays. With --resources the flags for\n" +
    "single limits don't count. The new limits are kept with the container.",
  flags: FLAGS,
  arity: [1, 1],
  async run({ flags, args, factory, output, caller }) {
    for (const name of KERNEL_FLAGS) {
      if (text(flags, name) !== undefined) output.warn(`--${name} is obsolete and ignored`);
    }
    const named = text(flags, "resources");
    if (named === "-" && caller.isOther) throw new NotHere("resources on stdin");
    const file = named === "-" ? named : pathOf({ flags, caller }, "resources");
    const resources = file === undefined ? fromFlags(flags) : await readResources(file, caller);
    if (file !== undefined) warnOfUnread(flags, output);
    else requireChange(flags, resources);
    await (await factory()).load(args[0] as string).set(resources, {
      l3CacheSchema: text(flags, "l3-cache-schema"),
      memBwSchema: text(flags, "mem-bw-schema"),
    });
    return 0;
  },
};

/** Warns of flags that are accepted but have no effect. */
function warnOfUnread(flags: GivenFlags, output: Output): void {
  const unread = Object.keys(fromFlags(flags)).length > 0;
  if (unread) output.warn("the flags for single limits are ignored beside --resources");
}

/** Refuses an update that changes nothing, which can't have been meant. */
function requireChange(flags: GivenFlags, resources: Resources): void {
  const given = Object.keys(flags).filter((name) => name !== "check-before-update");
  const isZero = text(flags, "blkio-weight") !== undefined && Object.keys(resources).length === 0;
  if (given.length > 0 && !(isZero && given.length === 1)) return;
  throw usageError("there is nothing to update", "name a limit, such as --memory 256M");
}

/** The limits that the flags name. */
export function fromFlags(flags: GivenFlags): Resources {
  const number = (name: string, least?: number) => {
    const written = text(flags, name);
    return written === undefined ? undefined : parseInteger(name, written, least);
  };
  const bytes = (name: string) => {
    const written = text(flags, name);
    return written === undefined ? undefined : parseBytes(name, written);
  };
  return section({
    blockIO: section({ weight: number("blkio-weight", 0) || undefined }),
    cpu: section({
      period: number("cpu-period", 0),
      quota: number("cpu-quota"),
      burst: number("cpu-burst", 0),
      shares: number("cpu-share", 0),
      realtimePeriod: number("cpu-rt-period", 0),
      realtimeRuntime: number("cpu-rt-runtime"),
      idle: number("cpu-idle"),
      cpus: text(flags, "cpuset-cpus"),
      mems: text(flags, "cpuset-mems"),
    }),
    memory: section({
      limit: bytes("memory"),
      reservation: bytes("memory-reservation"),
      swap: bytes("memory-swap"),
      checkBeforeUpdate: isOn(flags, "check-before-update") ? true : undefined,
    }),
    pids: section({ limit: number("pids-limit") }),
  }) ?? {};
}

/** What is set of a section; undefined if nothing is. */
function section<Section extends object>(all: Section): Section | undefined {
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set) as Section;
}

/** The resources of a file. Their content is checked when they are set. */
async function readResources(file: string, caller: Caller): Promise<Resources> {
  const where = file === "-" ? "stdin" : file;
  let json: string;
  try {
    json = file === "-" ? new TextDecoder().decode(readAll(new Fd(0))) : caller.readText(file);
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    throw new ContainerError(
      "ConfigInvalid",
      `cannot read the resources ${where}: ${reason(cause)}`,
      {
        path: file,
        cause,
      },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ContainerError("ConfigInvalid", `${where} is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) throw new ContainerError("ConfigInvalid", `${where} must hold an object`);
  if (Object.keys(value as object).length === 0) {
    throw usageError(
      `there is nothing to update in ${where}`,
      'such as {"memory": {"limit": 1e9}}',
    );
  }
  await requireKnownKeys(value, where);
  return value as Resources;
}
