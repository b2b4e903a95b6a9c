/**
 * Runs a program in a container of its own, in one call.
 *
 * @module
 */

import type { Config, Resources } from "./config/types/config.ts";
import type { NetworkMode } from "./config/types/network_mode.ts";
import type { InnerOutputOptions, Output, OutputOptions } from "./container/output.ts";
import type { DefaultWishes } from "./create/default_wishes.ts";
import { ContainerError } from "./errors.ts";
import { Factory } from "./factory.ts";
import { undone } from "./failures/undo.ts";

/** What a container's processes may use together. */
export interface Limits {
  /** Bytes of memory and swap together, with the files that it keeps in memory, as those in /tmp. */
  readonly memoryBytes?: number | undefined;
  /** How many processes and threads there may be at once. */
  readonly pids?: number | undefined;
  /** How many CPUs' time it gets; also a part of one, from 0.01 on. */
  readonly cpus?: number | undefined;
}

/** How a program is run in a container of its own. */
export interface RunProgramOptions extends OutputOptions {
  /** The most that it may use. */
  readonly limits?: Limits | undefined;
  /** How it is connected; by default it has its own loopback interface only. */
  readonly network?: NetworkMode | undefined;
  /** The container's id; by default one that nobody else has. */
  readonly id?: string | undefined;
  /** The container's config; the built-in default without one. */
  readonly config?: Config | undefined;
  /** The folder that relative paths of the config start from; default the current one. */
  readonly bundle?: string | undefined;
  /** What is wished of the container's config: mounts, files, the root, the first process. */
  readonly wishes?: DefaultWishes | undefined;
  /** Further limits, as config.json has them. */
  readonly resources?: Resources | undefined;
  /**
   * What makes the container; by default a new one of the default root folder. A program that makes
   * many runs should give them the same, which remembers what it has found out about the host.
   */
  readonly factory?: Factory | undefined;
}

/**
 * Runs a program in a container of its own to its end, and gives what it wrote and used. Nothing of
 * the container is left then, however it ends: it goes with its first program. Only if this program
 * itself is killed meanwhile, what runs there goes on, without its deadline, until somebody ends it
 * with `hull delete --force ID`. What must end with this program runs in a `Sandbox`.
 *
 * @param args the program and its arguments
 * @param options its input, its limits, and when it is ended early
 * @throws {ContainerError} what `Factory.create` and `Container.run` throw; `ConfigInvalid` for
 *   options that can't be
 * @throws the signal's reason, or what the stream of its input failed with
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { run } from "@hull/hull";
 *
 * const limits = { memoryBytes: 64 * 2 ** 20, pids: 32, cpus: 0.5 };
 * const { code, stdout, timedOut } = await run(["sh", "-c", "cat; exit 3"], {
 *   stdin: "hello",
 *   limits,
 *   deadlineMs: 10_000,
 * });
 * assertEquals([code, stdout, timedOut], [3, "hello", false]);
 * ```
 */
export async function run(
  args: readonly string[],
  options: RunProgramOptions = {},
): Promise<Output> {
  const { id = `run-${crypto.randomUUID()}`, config, bundle, network, ...others } = options;
  const { limits, resources, wishes, factory = new Factory(), ...output } = others;
  const { signal } = options;
  const container = await factory.create(id, config, {
    bundle,
    network,
    wishes,
    resources: withLimits(limits, resources),
    signal,
  });
  const remove = () => container[Symbol.asyncDispose]();
  const inner: InnerOutputOptions = { ...output, whenEnded: remove };
  try {
    return await container.output(args, inner);
  } catch (error) {
    throw await undone(error, remove);
  }
}

const CPU_PERIOD = 100_000;
const LEAST_CPUS = 0.01;

/** Limits as config.json has them. */
function withLimits(limits: Limits | undefined, resources?: Resources): Resources | undefined {
  if (limits === undefined) return resources;
  const { memoryBytes: memory, pids, cpus } = limits;
  for (const [name, limit] of Object.entries(limits)) requireLimit(name, limit);
  return {
    ...resources,
    ...(memory === undefined
      ? {}
      : { memory: { ...resources?.memory, limit: memory, swap: memory } }),
    ...(pids === undefined ? {} : { pids: { ...resources?.pids, limit: pids } }),
    ...(cpus === undefined ? {} : {
      cpu: { ...resources?.cpu, period: CPU_PERIOD, quota: Math.round(cpus * CPU_PERIOD) },
    }),
  };
}

function requireLimit(name: string, limit: number | undefined): void {
  const least = name === "cpus" ? LEAST_CPUS : 1;
  const isWhole = name === "cpus" || Number.isInteger(limit);
  if (limit === undefined || (limit >= least && isWhole && Number.isFinite(limit))) return;
  throw new ContainerError("ConfigInvalid", `limits.${name} can't be ${limit}`, {
    hint: `give a ${name === "cpus" ? "" : "whole "}number from ${least} on`,
  });
}
