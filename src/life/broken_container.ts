/**
 * Removes a container whose state can't be read. Its parts are looked for by what remains of the
 * state, and by the names that hull gives.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import { keeperOf, loadCgroupManager, newCgroupManager } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import { hasMark } from "../cgroups/mark.ts";
import { comesTrue } from "../cgroups/waiting.ts";
import { ContainerError } from "../errors.ts";
import { giveLeaseBack, newUnitManager, removeNetwork } from "./late.ts";
import { hasRecords } from "../network/hull_bridge/folder.ts";
import { openIdentified, type ProcessIdentity } from "../state/process_identity.ts";
import { type Remains, remainsOf } from "../state/state_shape.ts";
import type { StateStore } from "../state/state_store.ts";

/** Which container, and where. */
export interface BrokenContainer {
  readonly id: string;
  readonly store: StateStore;
  readonly poller: Poller;
  readonly host: CgroupHost;
  readonly driver: "cgroupfs" | "systemd" | "disabled";
}

const END_MS = 10_000;
/** What hull writes into a state folder. */
const OWN_FILES =
  /^(?:state\.json(?:\.[0-9a-f-]+)?|exec\.fifo|status\.fifo|exit|joins|hook|rootfs|notify)$/;

/**
 * Kills the processes that can be found of a container, and removes it.
 *
 * @throws {ContainerError} `SystemError`, `ContainerNotExists`; `StateInvalid` if the folder holds
 *   what hull does not write
 */
export async function removeBroken(broken: BrokenContainer): Promise<void> {
  const { id, store, poller } = broken;
  using lock = await store.lock(id);
  const folder = store.folder(id);
  const foreign = [...Deno.readDirSync(folder)].find(({ name }) => !OWN_FILES.test(name));
  if (foreign !== undefined) {
    throw store.broken(
      id,
      `is broken, and ${JSON.stringify(foreign.name)} beside it is not hull's`,
    );
  }
  const remains = remainsOf(store.textOf(lock, id), id);
  for (const process of [remains.init, remains.supervisor]) {
    if (process !== undefined) await endProcess(process, poller);
  }
  const cgroups = await namedCgroups(broken, remains) ?? await usualCgroups(broken);
  if (cgroups !== undefined) await endCgroups(cgroups, remains.ownCgroups);
  if (remains.network !== undefined) {
    await removeNetwork({ network: remains.network, joined: undefined, isNamed: false });
  }
  await store.remove(id, poller);
  if (hasRecords(store.root)) {
    await giveLeaseBack(store, remains.network?.owner);
  }
}

async function endProcess(process: ProcessIdentity, poller: Poller): Promise<void> {
  using pidfd = openIdentified(process);
  if (pidfd === undefined) return;
  signalPidfd(pidfd, SIGKILL);
  await poller.wait(pidfd);
}

/** The cgroups that the state named. */
async function namedCgroups(
  { host }: BrokenContainer,
  { cgroupPaths, systemdUnit, ownCgroups }: Remains,
): Promise<CgroupManager | undefined> {
  if (cgroupPaths === undefined || ownCgroups === undefined) return undefined;
  try {
    return await keeperOf(loadCgroupManager(host, cgroupPaths, systemdUnit), host);
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    return undefined;
  }
}

/**
 * The cgroups that a container of this id gets, by whichever driver: who removes it need not know
 * which. They must carry hull's mark, since a container of another program may have the same name.
 */
async function usualCgroups(broken: BrokenContainer): Promise<CgroupManager | undefined> {
  const { id, store, host, driver } = broken;
  if (driver === "disabled") return undefined;
  const isMarked = ({ paths }: CgroupManager) => hasMark(Object.values(paths), store.root);
  if (!UNIT.test(id)) {
    const made = newCgroupManager({ host, cgroupsPath: undefined, id, driver: "cgroupfs" });
    if (isMarked(made)) return made;
  }
  try {
    const unit = await newUnitManager({ host, cgroupsPath: undefined, id }, {});
    return isMarked(unit) ? unit : undefined;
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    return undefined; // there is no systemd
  }
}

/** systemd's. */
const UNIT = /\.(?:slice|scope|service)$/;

async function endCgroups(cgroups: CgroupManager, own?: readonly string[]): Promise<void> {
  const isOwn = own === undefined ||
    Object.values(cgroups.paths).every((path) => own.includes(path));
  const isEmpty = () => {
    cgroups.kill(SIGKILL);
    return cgroups.processes({ all: true }).length === 0;
  };
  if (isOwn && Object.keys(cgroups.paths).length > 0) await comesTrue(isEmpty, END_MS);
  await cgroups.destroy(own);
}
