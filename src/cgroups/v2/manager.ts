/**
 * A container's cgroup in the one tree of cgroup v2.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
 *
 * @module
 */

import type { Aside } from "../../../ffi/waiting/aside.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { entryFile } from "../../../ffi/files/cgroup_entry.ts";
import type { Resources } from "../../config/types/config.ts";
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
import type { PidsStats, Stats } from "../stats.ts";
import {
  folderExists,
  makeCgroup,
  processesBelow,
  processesIn,
  removeCgroup,
  removeIfEmpty,
  undoCgroups,
} from "../tree.ts";
import { enableControllers, leaveInvalidMode } from "./controllers.ts";
import { cpuStats } from "./cpu.ts";
import { cpusetStats } from "./cpuset.ts";
import { freezerV2, freezeV2, isFrozenV2, thawV2 } from "./freezer.ts";
import { hugetlbStats } from "./hugetlb.ts";
import { ioStats } from "./io.ts";
import { memoryStats } from "./memory.ts";

/** A container that is there is only looked after: its limits stand. */
const applyResources = late(() => import("./apply.ts"), "applyResources");

/** The manager of one container's v2 cgroup. */
export class ManagerV2 implements CgroupManager {
  readonly version = 2;
  readonly paths: Readonly<Record<string, string>>;
  readonly unit: StoredUnit | undefined;
  readonly #host: CgroupHost;
  readonly #path: string;

  constructor(host: CgroupHost, paths: Readonly<Record<string, string>>, unit?: StoredUnit) {
    this.#host = host;
    this.paths = paths;
    this.unit = unit;
    this.#path = paths[""] as string;
  }

  claim(): readonly string[] {
    return claimCgroups([this.#path], () => this.freezerState());
  }

  create(claimed?: readonly string[], { isHeld = false }: CreateOptions = {}): readonly string[] {
    const made: string[] = [];
    try {
      const top = this.#host.hierarchies[0]?.mountPoint ?? "/sys/fs/cgroup";
      makeCgroup(top, this.#path, made, (folder, parent, isNew) => {
        if (folder === this.#path && !isNew && !isHeld) requireShared(folder, claimed);
        enableControllers(parent);
        leaveInvalidMode(folder);
      });
      return made.filter((folder) => folder === this.#path);
    } catch (error) {
      undoCgroups(made);
      throw error;
    }
  }

  exists(): boolean {
    return folderExists(this.#path);
  }

  processes(options: { readonly all?: boolean | undefined } = {}): number[] {
    return options.all === true ? processesBelow(this.#path) : processesIn(this.#path);
  }

  async apply(resources: Resources, options: ApplyOptions = {}): Promise<void> {
    await applyResources(this.#path, resources, options, this.#host.inUserNamespace);
  }

  entries(): readonly CgroupEntry[] {
    const folder = this.#path;
    const path = `${folder}/${entryFile("")}`;
    return [{ controller: "", folder, path, late: true, isBirthplace: false }];
  }

  freeze(signal?: AbortSignal): Promise<void> {
    return freezeV2(this.#path, signal);
  }

  thaw(): Promise<void> {
    return Promise.try(() => thawV2(this.#path));
  }

  freezerState(): FreezerState {
    if (!this.exists()) return "absent";
    const frozen = isFrozenV2(this.#path);
    if (frozen === undefined) return "absent";
    return frozen ? "frozen" : "thawed";
  }

  kill(signal: number): void {
    if (!this.exists()) return;
    if (signal === SIGKILL && this.#killAtOnce()) return;
    const freezer = this.freezerState() === "absent" ? undefined : freezerV2(this.#path);
    signalAll(() => this.processes({ all: true }), freezer, signal);
  }

  /** cgroup.kill (Linux 5.14) kills the whole tree, forks in progress and frozen tasks included. */
  #killAtOnce(): boolean {
    using folder = new CgroupFolder(this.#path);
    return folder.tryWrite("cgroup.kill", "1") === undefined;
  }

  letDie(): void {}

  mayHoldKilled(): boolean {
    return false;
  }

  stats(parts?: readonly (keyof Stats)[]): Stats {
    using folder = new CgroupFolder(this.#path);
    const asked = <T>(part: keyof Stats, read: (folder: CgroupFolder) => T) =>
      parts?.includes(part) ?? true ? read(folder) : undefined;
    return {
      cpu: asked("cpu", cpuStats),
      cpuset: asked("cpuset", cpusetStats),
      memory: asked("memory", memoryStats),
      pids: asked("pids", (folder) => this.#pidsStats(folder)),
      blkio: asked("blkio", ioStats),
      hugetlb: asked("hugetlb", hugetlbStats) ?? {},
      rdma: asked("rdma", rdmaStats),
    };
  }

  /** Without the controller, which counts threads, the processes are counted. */
  #pidsStats(folder: CgroupFolder): PidsStats {
    if (folder.has("pids.current")) return pidsStats(folder);
    return { current: this.processes().length, limit: "max" };
  }

  async removeIfEmpty(aside: Aside, own?: readonly string[]): Promise<boolean> {
    return !(own?.includes(this.#path) ?? true) || await removeIfEmpty([this.#path], aside);
  }

  async destroy(own?: readonly string[]): Promise<void> {
    if (own?.includes(this.#path) ?? true) await removeCgroup(this.#path);
  }
}
