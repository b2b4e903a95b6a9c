/**
 * No cgroups: for hosts where none can be made. The container's processes stay in the caller's
 * cgroup.
 *
 * @module
 */

import type { Resources } from "../../config/types/config.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import type { ApplyOptions, CgroupEntry, CgroupManager, FreezerState } from "../manager.ts";
import type { Stats } from "../stats.ts";

const HINT =
  "it was made without (cgroup driver disabled, or a user to whom none are delegated): make it " +
  "as root, or by systemd-run --user --scope";

/** The manager that manages nothing. */
export class DisabledManager implements CgroupManager {
  readonly version: 1 | 2;
  readonly paths: Readonly<Record<string, string>> = {};

  constructor(version: 1 | 2) {
    this.version = version;
  }

  claim(): readonly string[] {
    return [];
  }

  create(): readonly string[] {
    return [];
  }

  exists(): boolean {
    return false;
  }

  processes(): number[] {
    return [];
  }

  /**
   * Device rules are not enforced, as every config has some; a limit that would not hold is an
   * error.
   */
  apply(resources: Resources, _options?: ApplyOptions): Promise<void> {
    for (const [name, value] of Object.entries(resources)) {
      if (name === "devices" || value === undefined || Object.keys(value).length === 0) continue;
      return Promise.reject(this.#none(`${name} can't be limited`, `/linux/resources/${name}`));
    }
    return Promise.resolve();
  }

  entries(): readonly CgroupEntry[] {
    return [];
  }

  freeze(): Promise<void> {
    return Promise.reject(this.#none("nothing to freeze"));
  }

  thaw(): Promise<void> {
    return Promise.reject(this.#none("nothing to thaw"));
  }

  freezerState(): FreezerState {
    return "absent";
  }

  kill(_signal: number): void {
    throw this.#none("its processes are not known");
  }

  #none(what: string, pointer?: string): Error {
    return unsupportedResource(`the container has no cgroups: ${what}`, pointer, HINT);
  }

  letDie(): void {}

  mayHoldKilled(): boolean {
    return false;
  }

  stats(): Stats {
    return {
      cpu: undefined,
      cpuset: undefined,
      memory: undefined,
      pids: undefined,
      blkio: undefined,
      hugetlb: {},
      rdma: undefined,
    };
  }

  removeIfEmpty(): Promise<boolean> {
    return Promise.resolve(true);
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}
