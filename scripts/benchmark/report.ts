/** What was measured, as scripts/bench writes it with --json. @module */

import type { BundleKind } from "./bundles.ts";
import type { CaseName } from "./options.ts";

/** One runtime in one case. Times are those of one container. */
export interface Timing {
  readonly runtime: string;
  /** Medians, in milliseconds. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The ends of the middle half of the wall times. */
  readonly middleHalfMs: readonly [number, number];
  /** Medians of paired rounds: how many times that of runc and of crun. */
  readonly ratio: { readonly [other: string]: { readonly wall: number; readonly cpu: number } };
}

/** One case on one bundle. */
export interface TimedCase {
  readonly name: CaseName;
  readonly bundle: BundleKind;
  readonly rounds: number;
  /** How many containers one measurement starts. */
  readonly containers: number;
  readonly timings: readonly Timing[];
}

/** Starts from one program, one after another. */
export interface Latency {
  readonly what: string;
  readonly heapMib: number;
  readonly starts: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The longest time in which the program's event loop stood, and without any start. */
  readonly longestBlockMs: number;
  readonly longestIdleBlockMs: number;
  /** 99 of 100 starts blocked it for less. */
  readonly blockP99Ms: number;
}

/** A process of a start, by the most memory that it had resident. */
export interface ProcessPeak {
  readonly command: string;
  readonly peakKib: number;
}

/** What a runtime needs of memory. */
export interface MemoryUse {
  readonly runtime: string;
  /** The processes of a `run`, the largest first. */
  readonly peaks: readonly ProcessPeak[];
  /** What stays with a detached container beside its program, in KiB of PSS. */
  readonly createdKib: number;
  readonly runningKib: number;
  /** How many processes of the runtime stay with a running one. */
  readonly processesLeft: number;
}

/** The smallest memory limit with which `run` of /bin/true succeeds. */
export interface SmallestLimit {
  readonly runtime: string;
  readonly kib: number | undefined;
}

/** All of it. */
export interface Report {
  /** RFC 3339, UTC. */
  readonly date: string;
  readonly machine: {
    readonly kernel: string;
    readonly processor: string;
    readonly cpus: number;
    readonly memoryMib: number;
    /** Before the first case, over one minute. */
    readonly load: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly leftOut: readonly string[];
  readonly cases: readonly TimedCase[];
  readonly latency: readonly Latency[];
  readonly memory: readonly MemoryUse[];
  readonly limits: readonly SmallestLimit[];
}
