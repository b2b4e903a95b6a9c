/**
 * The plan of a container's start without the start: the same steps from the same facts, with
 * made-up numbers for the fds, which are not opened.
 *
 * @module
 */

import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import { HostFacts } from "../../init/operations/host_facts.ts";
import type { PlanItem } from "../../init/operations/operation.ts";
import { mountedAt } from "../../init/plan_mounts.ts";
import { planInit } from "../../init/plan.ts";
import { delegateWork } from "../../init/work/parents_work.ts";
import { joinedPath, joinsInhabited } from "../../init/steps/process/namespaces.ts";
import type { TimeNamespace } from "../../init/steps/process/time.ts";
import { planLaunch } from "../../init/launch/launch.ts";
import type { LaunchOptions } from "../../init/launch/launch_steps.ts";
import { needsUsher, PAGE_ADDRESS, planLaunchUsher } from "../../init/launch/launch_usher.ts";
import { type CgroupDoor, planBirth } from "./birth.ts";
import {
  attendedWork,
  chooseWay,
  directArguments,
  knownWay,
  waitForParentsWork,
} from "./direct_start.ts";
import type { InitKind, StartWay } from "../../init/start_way.ts";
import { isIdMapped } from "../config/mount_options.ts";
import type { Config, Mount } from "../config/types/config.ts";
import {
  hasOwnMappings,
  idmappedMounts,
  planHolder,
  planIdmappedMount,
} from "./idmapped_mounts.ts";
import { initCommand } from "./init_command.ts";
import {
  birthNamespaces,
  hasParentsWork,
  type InitSubject,
  layOutFds,
  makeInitConfig,
} from "./init_layout.ts";

export type {
  CopyUp,
  MakePlace,
  PlanItem,
  PlannedOperation,
  Reason,
  StepName,
  Work,
} from "../../init/operations/operation.ts";
export type {
  Argument,
  Crash,
  FieldOf,
  HeldIn,
  Onward,
  Operation,
  PlaceOf,
  ResultOf,
  Self,
  Space,
  Words,
} from "../../ffi/program/operation.ts";
export type { SYSCALL_NUMBERS, SyscallName } from "../../ffi/c/syscalls.ts";

/** The plan of a start. */
export interface ContainerPlan {
  /** Which way the start goes. */
  readonly way: StartWay;
  /** From the clone to init, on the host's side, in the order in which it is done. */
  readonly birth: readonly PlanItem[];
  /** Inside, from init to the user's program, in the order in which it is done. */
  readonly init: readonly PlanItem[];
}

/** What is planned: what init is told of, and how it is started. */
export interface PlanSubject extends InitSubject {
  /** The Factory's init command. */
  readonly command: readonly string[] | undefined;
  /** Which init is asked for. */
  readonly kind: InitKind;
  /** Whether interfaces or routes are made for it. */
  readonly hasInterfaces: boolean;
  /** Where the rootfs, or what it will be like, can be looked at. */
  readonly look: string;
}

/** Plans a start. Nothing is made, and nothing of the host is changed. */
export function rehearse(subject: PlanSubject): ContainerPlan {
  const { config, cgroups, look } = subject;
  const list = config.linux?.namespaces ?? [];
  const launches = joinsInhabited(list);
  const namespaces = birthNamespaces(list, subject.host);
  const leaves = (namespaces & NAMESPACE_FLAGS.cgroup) !== 0;
  const entries = cgroups.entries();
  const count = entries.filter(({ late }) => late).length;
  const numbers = counter(8 + count);
  const doors: CgroupDoor[] = entries.map(({ controller, late, isBirthplace }) => ({
    controller,
    late,
    isBirthplace,
    inside: numbers(),
    outside: late && leaves ? numbers() : undefined,
  }));
  const has = {
    terminal: config.process?.terminal === true,
    work: hasParentsWork(config, subject.onTmpfs),
  };
  const layout = layOutFds({}, has, doors, idmappedMounts(config));
  const places = [layout.status, layout.control, layout.start, ...layout.late.map(({ fd }) => fd)];
  places.push(...layout.idmapped.map(({ fd }) => fd));
  if (layout.console !== undefined) places.push(layout.console.socket, layout.console.master);
  if (layout.work !== undefined) places.push(layout.work.from, layout.work.to);
  const init = makeInitConfig(subject, layout);
  const told = { reader: numbers(), writer: numbers() };
  const facts = new HostFacts(look, mountedAt(config), undefined, init.rootFiles);
  const plan = planInit(init, facts);
  const way = knownWay(subject.kind, config.linux ?? {}) ??
    chooseWay(subject.kind, plan, init.fds);
  const isDirect = way.kind === "direct";
  const isMapped = (namespaces & NAMESPACE_FLAGS.user) !== 0;
  const attended = attendedWork(config, subject.hasInterfaces);
  return {
    way,
    birth: [
      ...planIdmapped(config, numbers),
      ...planBirth({
        namespaces,
        init: isDirect
          ? { fd: numbers(), args: directArguments(subject.id) }
          : initCommand(subject.command, layout),
        cgroups: doors,
        fds: places.map((as) => ({ fd: numbers(), as })),
        mapped: isMapped && !isDirect ? numbers() : undefined,
        time: planTime(config, namespaces, numbers),
      }),
    ],
    init: launches
      ? planLauncher(
        {
          namespaces: list,
          cgroups: init.cgroups,
          told,
          control: layout.control,
          proc: numbers(),
          timeOffsets: config.linux?.timeOffsets,
        },
        plan,
        numbers,
      )
      : isDirect
      ? [...waitForParentsWork(init.fds, attended), ...delegateWork(plan, init.fds)]
      : plan,
  };
}

/** A launcher's plan, or that of its usher. */
function planLauncher(
  options: LaunchOptions,
  plan: readonly PlanItem[],
  numbers: () => number,
): PlanItem[] {
  if (!needsUsher(options.namespaces)) return planLaunch(options, plan);
  const made = { reader: numbers(), writer: numbers() };
  const page = { fd: numbers(), address: PAGE_ADDRESS };
  return planLaunchUsher({ ...options, made, page }, plan);
}

/** The id-mapped mounts, each with the child that holds its user namespace. */
function planIdmapped(config: Config, numbers: () => number): PlanItem[] {
  return idmappedMounts(config).flatMap((index) => [
    ...(isMapped(config, index) && hasOwnMappings(config, index)
      ? planHolder(`/mounts/${index}`)
      : []),
    ...planIdmappedMount(config, index, isMapped(config, index) ? numbers() : undefined),
  ]);
}

function isMapped({ mounts = [] }: Config, index: number): boolean {
  return isIdMapped(mounts[index] as Mount);
}

function planTime(
  { linux: { namespaces = [], timeOffsets = {} } = {} }: Config,
  made: number,
  numbers: () => number,
): TimeNamespace | undefined {
  if (joinedPath(namespaces, "time") !== undefined) return { joined: numbers() };
  if ((made & NAMESPACE_FLAGS.time) === 0) return undefined;
  return { proc: numbers(), offsets: timeOffsets };
}

function counter(first: number): () => number {
  let next = first;
  return () => next++;
}
