/**
 * What a round of `hull top` finds of each container.
 *
 * @module
 */

import type { Limit } from "../../cgroups/folder.ts";
import type { Gauges } from "../../cgroups/gauges.ts";
import type { Container } from "../../container.ts";
import type { ContainerInfo } from "../../factory.ts";
import type { Series } from "./series.ts";

/** Bytes that went through the interfaces of a container, as it sees them. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** What was counted of a container, and when. */
export interface Counted {
  /** As `performance.now()` has it. */
  readonly at: number;
  readonly gauges: Gauges;
  /** Undefined without an interface that has an end on the host. */
  readonly traffic: Traffic | undefined;
}

/**
 * What a container uses now. What is not known is undefined: a rate in the first round, say, or a
 * pressure on a kernel that does not tell.
 */
export interface Usage {
  /** Of one CPU, in per cent: two busy CPUs are 200. */
  readonly cpu: number | undefined;
  /** In bytes. */
  readonly memory: number | undefined;
  readonly memoryLimit: Limit | undefined;
  readonly pids: number | undefined;
  readonly pidsLimit: Limit | undefined;
  /** Bytes in a second, from block devices. */
  readonly read: number | undefined;
  /** Bytes in a second, to block devices. */
  readonly written: number | undefined;
  /** Bytes in a second. */
  readonly received: number | undefined;
  /** Bytes in a second. */
  readonly sent: number | undefined;
  /** For how much of the time some task waited for a CPU, in per cent. */
  readonly cpuWait: number | undefined;
  /** The same for memory. */
  readonly memoryWait: number | undefined;
  /** The same for I/O. */
  readonly ioWait: number | undefined;
}

/** What was measured in the last minute. */
export interface History {
  readonly cpu: Series;
  readonly memory: Series;
  readonly io: Series;
  readonly network: Series;
}

/** One container. */
export interface Row {
  readonly id: string;
  readonly status: ContainerInfo["status"];
  /** The words of its first process, as the image or the user wrote them. */
  readonly command: readonly string[];
  readonly usage: Usage;
  readonly counted: Counted | undefined;
  readonly history: History;
  /** What asks it to end, as its image says. */
  readonly stopSignal: string;
  /** Undefined for a broken one. */
  readonly container: Pick<Container, "signal"> | undefined;
}

/** All containers at one time. */
export interface Round {
  /** As `performance.now()` has it. */
  readonly at: number;
  readonly rows: readonly Row[];
}

/** How much a counter has grown in a second; undefined if it was not known both times. */
function rate(now?: number, before?: number, milliseconds?: number): number | undefined {
  if (now === undefined || before === undefined || milliseconds === undefined) return undefined;
  return milliseconds <= 0 ? undefined : Math.max(0, now - before) * 1000 / milliseconds;
}

/** What a container uses, from what was counted of it now and before. */
export function usageOf(now: Counted | undefined, before: Counted | undefined): Usage {
  const [gauges, old] = [now?.gauges, before?.gauges];
  const time = now === undefined || before === undefined ? undefined : now.at - before.at;
  const perSecond = (name: "readBytes" | "writtenBytes") => rate(gauges?.[name], old?.[name], time);
  /** Of microseconds in a second. */
  const waiting = (name: "cpuWait" | "memoryWait" | "ioWait") => {
    const share = rate(gauges?.[name], old?.[name], time);
    return share === undefined ? undefined : Math.min(100, share / 1e4);
  };
  const cpu = rate(gauges?.cpuTime, old?.cpuTime, time);
  return {
    cpu: cpu === undefined ? undefined : cpu / 1e7,
    memory: gauges?.memory,
    memoryLimit: gauges?.memoryLimit,
    pids: gauges?.pids,
    pidsLimit: gauges?.pidsLimit,
    read: perSecond("readBytes"),
    written: perSecond("writtenBytes"),
    received: rate(now?.traffic?.received, before?.traffic?.received, time),
    sent: rate(now?.traffic?.sent, before?.traffic?.sent, time),
    cpuWait: waiting("cpuWait"),
    memoryWait: waiting("memoryWait"),
    ioWait: waiting("ioWait"),
  };
}

/** Two values that may be unknown, together. */
export function together(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}
