/**
 * What is decided of a further process before it gets fds: its rights, where its program is looked
 * for, its last steps. The next process with the same wishes in the same container has the same.
 *
 * @module
 */

import { withHome } from "../../init/steps/process/program_environment.ts";
import { HostFacts } from "../../init/operations/host_facts.ts";
import type { PlanItem, WholePlan } from "../../init/operations/operation.ts";
import { execute, findProgram } from "../../init/steps/process/execute.ts";
import { outliveParent } from "../../init/steps/process/final.ts";
import type { ProcessConfig, User } from "../config/types/config.ts";
import type { ProcessOptions } from "../process.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { CgroupDoors } from "./exec_cgroups.ts";
import { planRights, type Rights } from "./rights.ts";
import { UsherMemory } from "./usher.ts";

/** What is found out anew for each process. */
export interface Found {
  /** The home folder of its user. */
  readonly home: string | undefined;
  /** The standard fds that become the user's. */
  readonly owned: readonly number[];
  /** The container's filter. */
  readonly filter: LoadableFilter | undefined;
  /** The process whose child it is, if not this program's. */
  readonly parent: number | undefined;
}

/** What was decided. */
export class Decided implements Disposable {
  readonly process: ProcessConfig;
  readonly rights: Rights;
  /** The look for its program. */
  readonly search: readonly PlanItem[];
  /** What it does before it waits for this program; most need not wait. */
  readonly beforeWait: readonly PlanItem[] | undefined;
  readonly execute: WholePlan;
  /** What is kept of the usher that makes it. */
  readonly usher = new UsherMemory();
  /** The ways into the container's cgroups, where they were opened before. */
  doors: CgroupDoors | undefined;
  readonly #found: Found;

  /**
   * Decides.
   *
   * @param rootPath a path by which the container's root can be looked at
   */
  constructor(container: StoredState, process: ProcessConfig, rootPath: string, found: Found) {
    const { config: { linux = {} }, keyring, resctrl } = container;
    const { oomScoreAdj } = process;
    const { home, owned, filter, parent } = found;
    this.process = process;
    this.#found = found;
    const facts = new HostFacts(rootPath, []);
    const rights = planRights(process, linux, rootPath, filter, {
      ownedFds: owned,
      affinity: process.execCPUAffinity,
      hasAgent: true,
      keyring,
      parent,
    });
    this.rights = rights;
    const { waiting, scheduler, notifies } = rights;
    const isSet = oomScoreAdj !== undefined || scheduler !== undefined;
    this.beforeWait = notifies || resctrl !== undefined || isSet
      ? [...(waiting.length > 0 ? outliveParent() : []), ...waiting]
      : undefined;
    const isFiltered = this.beforeWait !== undefined && waiting.length > 0;
    const env = withHome(process.env ?? [], home);
    const args = process.args ?? [];
    this.search = findProgram(args[0] ?? "", env, process.cwd, (path) => facts.walked(path));
    this.execute = [
      ...(isFiltered ? [] : [...outliveParent(), ...rights.last]),
      execute(args, env),
    ];
  }

  /** Whether it can be that of another process: it waits for nothing that this program does. */
  get mayFit(): boolean {
    const { process: { rlimits = [] }, beforeWait } = this;
    // a limit of processes is set with regard to the parent's
    return beforeWait === undefined && !rlimits.some(({ type }) => type === "RLIMIT_NPROC");
  }

  /** Whether the same would be decided again. */
  fits({ home, owned, filter }: Found): boolean {
    const known = this.#found;
    return this.mayFit && known.home === home && known.filter === filter &&
      `${known.owned}` === `${owned}`;
  }

  /** Closes what is kept. */
  [Symbol.dispose](): void {
    this.usher[Symbol.dispose]();
  }
}

/**
 * All that a further process is asked to be, but for its fds, as a text.
 *
 * @param user its user, as ids
 * @returns undefined for what is not decided the same way again
 */
export function wishOf(options: ProcessOptions, user: User | undefined): string | undefined {
  const { stdin: _in, stdout: _out, stderr: _err, extraFiles: _files, ...rest } = options;
  const isPlain = options.terminal !== true && options.config?.terminal !== true;
  return isPlain ? JSON.stringify([rest, user]) : undefined;
}
