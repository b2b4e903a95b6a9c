/**
 * A container's cgroups where each v1 controller has a tree of its own, "hybrid" hosts included.
 *
 * @module
 */

import type { Aside } from "../../../ffi/waiting/aside.ts";
import { entryFile } from "../../../ffi/files/cgroup_entry.ts";
import type { Resources } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { late } from "../../own/late.ts";
import { claimCgroups, requireShared } from "../claim.ts";
import type { CgroupHost } from "../detect.ts";
import { CgroupFolder } from "../folder.ts";
import { signalAll } from "../kill.ts";
import type {
  ApplyOptions,
  CgroupEntry,
  CgroupManager,
  CreateOptions,
  FreezerState,
  StoredUnit,
} from "../manager.ts";
import { pidsStats } from "../controllers/pids.ts";
import { rdmaStats } from "../controllers/rdma.ts";
import type { CpuStats, Stats } from "../stats.ts";
import {
  folderExists,
  makeCgroup,
  processesBelow,
  processesIn,
  removeCgroups,
  removeIfEmpty,
  undoCgroups,
} from "../tree.ts";
import { blkioStats } from "./blkio.ts";
import { throttlingStats } from "./cpu.ts";
import { cpuUsageStats } from "./cpuacct.ts";
import { cpusetStats, inheritCpuset } from "./cpuset.ts";
import { freezerV1, freezeV1, isFrozenV1, mayHoldKilledV1, thawAllV1, thawV1 } from "./freezer.ts";
import { hugetlbStats } from "./hugetlb.ts";
import { memoryStats } from "./memory.ts";

/** A container that is there is only looked after: its limits stand. */
const applyResources = late(() => import("./apply.ts"), "applyResources");

/** Where to look for the processes: the first of these that there is. */
const ANCHORS = ["freezer", "devices", "pids", "name=systemd"];

/** The controllers that charge or limit what happens inside. */
const LATE = new Set(["memory", "pids", "cpu", "cpuacct", "cpuset", "blkio", "hugetlb"]);

/** The manager of one container's v1 cgroups. */
export class ManagerV1 implements CgroupManager {
  readonly version = 1;
  readonly paths: Readonly<Record<string, string>>;
  readonly unit: StoredUnit | undefined;
  readonly #host: CgroupHost;

  constructor(host: CgroupHost, paths: Readonly<Record<string, string>>, unit?: StoredUnit) {
    this.#host = host;
    this.paths = paths;
    this.unit = unit;
  }

  claim(): readonly string[] {
    return claimCgroups([...this.#folders().keys()], () => this.freezerState());
  }

  create(claimed?: readonly string[], { isHeld = false }: CreateOptions = {}): readonly string[] {
    const made: string[] = [];
    try {
      for (const [folder, controllers] of this.#folders()) {
        const isCpuset = controllers.includes("cpuset");
        makeCgroup(
          this.#mountPoint(controllers[0] as string),
          folder,
          made,
          (path, parent, isNew) => {
            if (path === folder && !isNew && !isHeld) requireShared(path, claimed);
            if (isCpuset) inheritCpuset(path, parent, isNew);
          },
        );
      }
      return [...this.#folders().keys()].filter((folder) => made.includes(folder));
    } catch (error) {
      undoCgroups(made);
      throw error;
    }
  }

  exists(): boolean {
    return Object.values(this.paths).some(folderExists);
  }

  processes(options: { readonly all?: boolean | undefined } = {}): number[] {
    return options.all === true ? processesBelow(this.#anchor()) : processesIn(this.#anchor());
  }

  async apply(resources: Resources, options: ApplyOptions = {}): Promise<void> {
    await applyResources(this.paths, resources, options, this.#host.inUserNamespace);
  }

  entries(): readonly CgroupEntry[] {
    const entries = [...this.#folders()].map(([folder, controllers]) => {
      const controller = controllers.join(",");
      const path = `${folder}/${entryFile(controller)}`;
      const late = controllers.some((name) => LATE.has(name));
      return { controller, folder, path, late, isBirthplace: controller === "" };
    });
    return [...entries.filter((entry) => !entry.late), ...entries.filter((entry) => entry.late)];
  }

  freeze(signal?: AbortSignal): Promise<void> {
    return freezeV1(this.#freezer(), signal);
  }

  thaw(): Promise<void> {
    return Promise.try(() => thawV1(this.#freezer()));
  }

  freezerState(): FreezerState {
    const path = this.paths.freezer;
    if (path === undefined || !folderExists(path)) return "absent";
    return isFrozenV1(path) ? "frozen" : "thawed";
  }

  kill(signal: number): void {
    const path = this.paths.freezer;
    const freezer = path !== undefined && folderExists(path) ? freezerV1(path) : undefined;
    signalAll(() => this.processes({ all: true }), freezer, signal);
  }

  letDie(): void {
    if (this.paths.freezer !== undefined) thawAllV1(this.paths.freezer);
  }

  mayHoldKilled(): boolean {
    const path = this.paths.freezer;
    return path !== undefined && folderExists(path) && mayHoldKilledV1(path);
  }

  stats(parts?: readonly (keyof Stats)[]): Stats {
    const asked = <T>(part: keyof Stats, read: (folder: CgroupFolder) => T) =>
      parts?.includes(part) ?? true ? this.#read(part, read) : undefined;
    return {
      cpu: parts?.includes("cpu") ?? true ? this.#cpuStats() : undefined,
      cpuset: asked("cpuset", cpusetStats),
      memory: asked("memory", memoryStats),
      pids: asked("pids", pidsStats),
      blkio: asked("blkio", blkioStats),
      hugetlb: asked("hugetlb", hugetlbStats) ?? {},
      rdma: asked("rdma", rdmaStats),
    };
  }

  async removeIfEmpty(aside: Aside, own?: readonly string[]): Promise<boolean> {
    const anchor = this.#anchor();
    const others = this.#own(own).filter((folder) => folder !== anchor);
    const folders = own?.includes(anchor) ?? true ? [anchor, ...others] : others;
    return await removeIfEmpty(folders, aside);
  }

  destroy(own?: readonly string[]): Promise<void> {
    return removeCgroups(this.#own(own));
  }

  #own(own?: readonly string[]): string[] {
    return [...this.#folders().keys()].filter((folder) => own?.includes(folder) ?? true);
  }

  /** Folder → its controllers: those of one hierarchy share it. */
  #folders(): Map<string, string[]> {
    const folders = new Map<string, string[]>();
    for (const [controller, folder] of Object.entries(this.paths)) {
      const controllers = folders.get(folder);
      if (controllers === undefined) folders.set(folder, [controller]);
      else controllers.push(controller);
    }
    return folders;
  }

  #mountPoint(controller: string): string {
    const hierarchy = this.#host.hierarchies.find((h) => h.controllers.includes(controller));
    return hierarchy?.mountPoint ?? "/";
  }

  #anchor(): string {
    const name = ANCHORS.find((controller) => controller in this.paths);
    return this.paths[name ?? ""] ?? Object.values(this.paths)[0] as string;
  }

  #freezer(): string {
    const path = this.paths.freezer;
    if (path !== undefined) return path;
    throw new ContainerError("Unsupported", "the freezer is not mounted on this host", {
      step: "cgroups",
    });
  }

  #read<T>(controller: string, stats: (folder: CgroupFolder) => T): T | undefined {
    const path = this.paths[controller];
    if (path === undefined) return undefined;
    using folder = new CgroupFolder(path);
    return stats(folder);
  }

  #cpuStats(): CpuStats | undefined {
    const usage = this.#read("cpuacct", cpuUsageStats);
    const throttling = this.#read("cpu", throttlingStats);
    if (usage === undefined && throttling === undefined) return undefined;
    return {
      usage: usage ??
        { total: 0, kernel: 0, user: 0, percpu: [], percpuKernel: [], percpuUser: [] },
      throttling: throttling ?? { periods: 0, throttledPeriods: 0, throttledTime: 0 },
      psi: undefined,
    };
  }
}
