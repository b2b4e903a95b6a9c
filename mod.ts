/**
 * hull: libcontainer for TypeScript. As a module it is the library; run as a program it is the OCI
 * runtime of the same name.
 *
 * @example Run a command in a container of its own
 * ```ts
 * import { assert } from "@std/assert";
 * import { Factory, Process } from "./mod.ts";
 *
 * const factory = new Factory();
 * await using container = await factory.create("example-web");
 * const process = new Process({ args: ["sh", "-c", "echo $$; hostname; exit 7"], stdout: "piped" });
 * await container.run(process);
 * assert(await new Response(process.stdout).text() === "1\nexample-web\n");
 * assert((await process.wait()).code === 7);
 * ```
 *
 * @module
 */

import "./src/own/permissions.ts"; // before any other, which may already need them
export { type AbortOptions, Container, type DestroyOptions } from "./src/container.ts";
export type { ContainerEvent, ContainerStats, EventOptions } from "./src/events.ts";
export type { RdtUpdate } from "./src/resctrl/container_resctrl.ts";
export type { InitKind, StartWay } from "./src/config/start_way.ts";
export type { StartOptions } from "./src/wishes/start_options.ts";
export type { OciState, State, Status } from "./src/state/oci_state.ts";
export {
  type ContainerInfo,
  DEFAULT_ROOT,
  Factory,
  type FactoryOptions,
  type PlanOptions,
} from "./src/factory.ts";
export { ExecDriver } from "./src/driver/exec_driver.ts";
export type {
  Command,
  CutShort,
  ExecDriverOptions,
  ProgramOptions,
  RestoredContainer,
  RunOptions,
  RunStatus,
  StartCallback,
  TerminateOptions,
} from "./src/driver/driver_command.ts";
export type { InputPipe, OutputPipe, PipeEnd, PipeFile, Pipes } from "./src/driver/pipes.ts";
export { type ExitStatus, Process, type ProcessOptions, type Stdio } from "./src/process.ts";
export {
  ContainerError,
  type ContainerErrorCode,
  type ContainerErrorDetails,
  type ContainerErrorJson,
  type Fault,
} from "./src/errors.ts";
export { type Features, features } from "./src/features.ts";
export { Trace, type TraceEvent, type TraceJson } from "./src/trace/trace.ts";
export type { ContainerPlan } from "./src/birth/plan_container.ts";
export type { CreateOptions } from "./src/create/prepare_container.ts";
export type { Config } from "./src/config/types/config.ts";
export type { NamedNetwork, Network, Route } from "./src/config/types/network.ts";
export type { BridgeNetwork, NetworkMode, PublishedPort } from "./src/config/types/network_mode.ts";
export type { InterfaceStats } from "./src/network/interface_stats.ts";

if (import.meta.main) await (await import("./src/cli/hull.ts")).start();
