/**
 * A container's cgroups as a unit of systemd's: that makes and removes them, and knows the limits;
 * everything else is as without it. What talks to systemd is only loaded for that.
 *
 * @module
 */

import type { Aside } from "../../../ffi/waiting/aside.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { Resources } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import type { CgroupHost } from "../detect.ts";
import type {
  ApplyOptions,
  CgroupEntry,
  CgroupManager,
  CreateOptions,
  FreezerState,
  StoredUnit,
} from "../manager.ts";
import type { Stats } from "../stats.ts";
import { folderExists } from "../tree.ts";
import type { OomNotice } from "./oom_notice.ts";
import { unitFolder } from "./unit_folder.ts";
import type { BegunUnit } from "./unit_life.ts";

const loadLife = () => import("./unit_life.ts");
const loadNotice = () => import("./oom_notice.ts");

/** The manager of one unit's cgroups. */
export class SystemdManager implements CgroupManager {
  readonly unit: StoredUnit;
  readonly #inner: CgroupManager;
  readonly #host: CgroupHost;
  #begun: BegunUnit | undefined;
  /** The limits that the unit was started with. */
  #given: Resources | undefined;

  /** Wraps the manager of the same cgroups. */
  constructor(inner: CgroupManager, host: CgroupHost, unit: StoredUnit) {
    this.unit = unit;
    this.#inner = inner;
    this.#host = host;
  }

  get version(): 1 | 2 {
    return this.#inner.version;
  }

  get paths(): Readonly<Record<string, string>> {
    return this.#inner.paths;
  }

  /** The unit is the container's own in any case: systemd starts none that is there. */
  claim(): readonly string[] {
    this.#inner.claim();
    return this.#folders;
  }

  async create(
    _claimed?: readonly string[],
    { unit = { id: this.unit.name } }: CreateOptions = {},
  ): Promise<readonly string[]> {
    const { beginUnit } = await loadLife();
    this.#begun = await beginUnit(this.unit, this.#host, unit, this.#inner);
    this.#given = unit.resources;
    return this.#folders;
  }

  async made(): Promise<void> {
    await this.#begun?.made;
  }

  settle(): void {
    this.#begun?.[Symbol.dispose]();
    this.#begun = undefined;
  }

  get isHeld(): boolean {
    return this.#begun !== undefined;
  }

  get lostHolder(): boolean {
    return this.#hasMemoryLimit && this.#begun?.lostHolder === true;
  }

  async apply(resources: Resources, options: ApplyOptions = {}): Promise<void> {
    const isGiven = resources === this.#given && options.update !== true;
    if (isGiven) return await this.#inner.apply(resources, options);
    const { limitUnit } = await loadLife();
    await limitUnit(this.unit, this.#host, resources, options, this.#inner);
  }

  async noticeOom(poller: Poller): Promise<OomNotice | undefined> {
    const folder = this.paths[this.version === 1 ? "memory" : ""];
    if (folder === undefined || !this.#hasMemoryLimit) return undefined;
    const { OomNotice } = await loadNotice();
    try {
      return new OomNotice(folder, this.version, poller);
    } catch (error) {
      if (error instanceof ContainerError || error instanceof SyscallError) return undefined;
      throw error;
    }
  }

  exists(): boolean {
    return this.#inner.exists();
  }

  processes(options?: { readonly all?: boolean | undefined }): number[] {
    return this.#inner.processes(options);
  }

  entries(): readonly CgroupEntry[] {
    return this.#inner.entries();
  }

  freeze(signal?: AbortSignal): Promise<void> {
    return this.#inner.freeze(signal);
  }

  thaw(): Promise<void> {
    return this.#inner.thaw();
  }

  freezerState(): FreezerState {
    return this.#inner.freezerState();
  }

  kill(signal: number): void {
    this.#inner.kill(signal);
  }

  letDie(): void {
    this.#inner.letDie();
  }

  mayHoldKilled(): boolean {
    return this.#inner.mayHoldKilled();
  }

  stats(parts?: readonly (keyof Stats)[]): Stats {
    return this.#inner.stats(parts);
  }

  /** Only systemd can tell. */
  removeIfEmpty(_how: Aside, own?: readonly string[]): Promise<boolean> {
    return Promise.resolve(own?.length === 0);
  }

  async destroy(own?: readonly string[]): Promise<void> {
    const begun = this.#begun;
    const isOthers = begun !== undefined && !(await begun.isOwn()); // asks for what holds it
    this.settle();
    if (isOthers || own?.length === 0) return;
    if (!this.#hasEnded) {
      const { stopUnit } = await loadLife();
      await stopUnit(this.unit);
    }
    await this.#inner.destroy(own);
  }

  /** Whether systemd has removed its cgroup, as it does once nothing is left in it. */
  get #hasEnded(): boolean {
    const folder = unitFolder(this);
    return folder !== "" && !folderExists(folder);
  }

  get #hasMemoryLimit(): boolean {
    const { memory, unified } = this.#given ?? {};
    return (memory?.limit ?? 0) > 0 || unified?.["memory.max"] !== undefined;
  }

  get #folders(): readonly string[] {
    return [...new Set(Object.values(this.paths))];
  }
}
