/**
 * A container's events in the JSON of `runc events`, which engines and exporters read: fields that
 * are 0 or empty are left out where runc leaves them out.
 *
 * @module
 */

import { CgroupFolder } from "../../cgroups/folder.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpusetStats,
  CpuStats,
  Limit,
  MemoryEntry,
  MemoryStats,
} from "../../cgroups/stats.ts";
import { parseCpuList } from "../../config/cpu_list.ts";
import type { ContainerEvent, ContainerStats } from "../../events.ts";
import type { InterfaceStats } from "../../network/interface_stats.ts";

/** What the kernel or runc writes for "no limit": more digits than a JavaScript number holds. */
const UNLIMITED = { 1: "9223372036854771712", 2: "18446744073709551615" } as const;
const UNLIMITED_FROM = 2 ** 62;
const MARK = "#unlimited";

/** cpuset(7)'s flags, which cgroup v2 doesn't have. */
const CPUSET_FLAGS = [
  "cpu_exclusive",
  "mem_hardwall",
  "mem_exclusive",
  "memory_migrate",
  "memory_spread_page",
  "memory_spread_slab",
  "memory_pressure",
  "sched_load_balance",
  "sched_relax_domain_level",
] as const;

/**
 * An event as a line of JSON.
 *
 * @param version the host's cgroup version, whose way to write "no limit" is kept
 * @param cpuset the folder of the container's v1 cpuset
 */
export function eventLine(
  event: ContainerEvent,
  version: 1 | 2,
  cpuset: string | undefined,
): string {
  const json = event.type === "oom"
    ? { type: event.type, id: event.id }
    : { type: event.type, id: event.id, data: statsData(event.data, cpuset) };
  return JSON.stringify(json).replaceAll(`"${MARK}"`, UNLIMITED[version]) + "\n";
}

function statsData(stats: ContainerStats, cpuset: string | undefined): object {
  const { cpu, memory, pids, blkio, hugetlb } = stats;
  return {
    cpu: cpu === undefined ? { usage: { kernel: 0, user: 0 }, throttling: {} } : cpuData(cpu),
    cpuset: cpusetData(stats.cpuset, cpuset),
    memory: memory === undefined ? {} : memoryData(memory),
    pids: filled({ current: pids?.current, limit: pids?.limit === "max" ? 0 : pids?.limit }),
    blkio: blkio === undefined ? {} : blkioData(blkio),
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb).sort().map(([size, { usage, max, failcnt }]) => [
        size,
        { ...filled({ usage, max }), failcnt },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: interfacesData(stats.networkInterfaces),
  };
}

/** runc's Go type has no JSON names, so these are the names of its fields. */
function interfacesData(interfaces: readonly InterfaceStats[]): object[] | null {
  if (interfaces.length === 0) return null;
  return interfaces.map((each) =>
    Object.fromEntries(
      Object.entries(each).map((
        [key, value],
      ) => [key.replace(/^./, (c) => c.toUpperCase()), value]),
    )
  );
}

function cpuData({ usage, throttling, psi }: CpuStats): object {
  const { total, percpu, percpuKernel, percpuUser, kernel, user } = usage;
  return {
    usage: {
      ...filled({ total, percpu, percpu_kernel: percpuKernel, percpu_user: percpuUser }),
      kernel,
      user,
    },
    throttling: filled({ ...throttling }),
    ...filled({ psi }),
  };
}

function cpusetData(stats: CpusetStats | undefined, path: string | undefined): object {
  const flags: Record<string, number> = {};
  using folder = path === undefined ? undefined : new CgroupFolder(path);
  for (const name of CPUSET_FLAGS) flags[name] = folder?.number(`cpuset.${name}`, 0) ?? 0;
  const { cpu_exclusive, ...rest } = flags;
  return {
    ...filled({ cpus: parseCpuList(stats?.cpus ?? "") }),
    cpu_exclusive,
    ...filled({ mems: parseCpuList(stats?.mems ?? "") }),
    ...rest,
  };
}

function memoryData({ cache, usage, swap, kernel, kernelTCP, raw, psi }: MemoryStats): object {
  return {
    ...filled({ cache }),
    usage: memoryEntry(usage),
    swap: memoryEntry(swap),
    kernel: memoryEntry(kernel),
    kernelTCP: memoryEntry(kernelTCP),
    raw: Object.fromEntries(
      Object.entries(raw).map(([name, value]) => [name, exact(value)]).sort(),
    ),
    ...filled({ psi }),
  };
}

function memoryEntry({ limit, usage, max, failcnt }: MemoryEntry): object {
  return { limit: exact(limit), ...filled({ usage, max }), failcnt };
}

function blkioData({ psi, ...counters }: BlkioStats): object {
  const lists = Object.entries(counters).map(([name, entries]) => [
    name,
    (entries as readonly BlkioEntry[]).map((entry) => filled({ ...entry })),
  ]);
  return filled({ ...Object.fromEntries(lists), psi });
}

function exact(value: Limit): number | string {
  return value === "max" || value >= UNLIMITED_FROM ? MARK : value;
}

/** What is neither undefined, 0, "" nor an empty list. */
function filled(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) =>
      value !== undefined && value !== 0 && value !== "" &&
      !(Array.isArray(value) && value.length === 0)
    ),
  );
}
