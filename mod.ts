/**
 * hull: libcontainer for TypeScript. As a module it is the library; run as a program it is the OCI
 * runtime of the same name.
 *
 * @example Run a program in a container of its own
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { run } from "./mod.ts";
 *
 * const { code, stdout } = await run(["sh", "-c", "echo $$; cat; exit 7"], { stdin: "hello" });
 * assertEquals([code, stdout], [7, "1\nhello"]);
 * ```
 *
 * @module
 */

import "./src/own/permissions.ts"; // before any other, which may already need them
export { type AbortOptions, Container, type DestroyOptions } from "./src/container.ts";
export type { Output, OutputOptions } from "./src/container/output.ts";
export type { Usage } from "./src/container/usage.ts";
export type { Input } from "./src/streams/input.ts";
export { type Limits, run, type RunProgramOptions } from "./src/run.ts";
export type { ContainerEvent, ContainerStats, EventOptions } from "./src/events.ts";
export type {
  BlkioEntry,
  BlkioStats,
  CpusetStats,
  CpuStats,
  HugetlbStats,
  Limit,
  MemoryEntry,
  MemoryStats,
  PidsStats,
  Pressure,
  PressureLine,
  RdmaEntry,
  RdmaStats,
  Stats,
} from "./src/cgroups/stats.ts";
export type {
  InspectedCgroups,
  InspectedMount,
  InspectedNamespace,
  InspectedNetwork,
  InspectedProcess,
  Inspection,
} from "./src/container/inspection.ts";
export type { RdtUpdate } from "./src/resctrl/container_resctrl.ts";
export type { StartOptions } from "./src/wishes/start_options.ts";
export type { ProcessIdentity } from "./src/state/process_identity.ts";
export type { OutputFiles } from "./src/state/stored_state.ts";
export type { OciState, State, Status } from "./src/state/oci_state.ts";
export {
  type ContainerInfo,
  DEFAULT_ROOT,
  Factory,
  type FactoryOptions,
  type InitKind,
  type PlanOptions,
  type StartWay,
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
export type { Bytes, InputPipe, OutputPipe, PipeEnd, PipeFile, Pipes } from "./src/driver/pipes.ts";
export { type ConnectOptions, Sandbox } from "./src/sandbox/sandbox.ts";
export { SandboxPool, type SandboxPoolOptions } from "./src/sandbox/sandbox_pool.ts";
export type { DownloadOptions } from "./src/sandbox/fs/transfer.ts";
export type { Duration, Memory, SandboxOptions } from "./src/sandbox/options/sandbox_options.ts";
export type { SandboxListOptions, SandboxMetadata } from "./src/sandbox/listing.ts";
export type { SandboxEnv } from "./src/sandbox/options/environment.ts";
export type { SandboxFs } from "./src/sandbox/fs/sandbox_fs.ts";
export { type FsFile, SeekMode } from "./src/sandbox/fs/fs_file.ts";
export type {
  DirEntry,
  FileInfo,
  MakeTempOptions,
  MkdirOptions,
  OpenOptions,
  ReadFileOptions,
  RemoveOptions,
  WalkEntry,
  WalkOptions,
  WriteFileOptions,
} from "./src/sandbox/fs/file_types.ts";
export type {
  ChildProcess,
  ChildProcessOutput,
  ChildProcessStatus,
  OutputKind,
  Signal,
} from "./src/sandbox/processes/child_process.ts";
export type {
  CodeExtension,
  DenoReplOptions,
  DenoRunOptions,
  SandboxDeno,
} from "./src/sandbox/deno/sandbox_deno.ts";
export type { DenoProcess, DenoRepl } from "./src/sandbox/deno/deno_process.ts";
export type { RequestOptions } from "./src/sandbox/http/inner_http.ts";
export type { SpawnOptions } from "./src/sandbox/processes/spawn_options.ts";
export {
  type SandboxCommandBuilder,
  SandboxCommandError,
  type SandboxCommandResult,
} from "./src/sandbox/processes/command_builder.ts";
export {
  KillController,
  KillSignal,
  type KillSignalListener,
} from "./src/sandbox/processes/kill_signal.ts";
export { type ExitStatus, Process, type ProcessOptions, type Stdio } from "./src/process.ts";
export {
  ContainerError,
  type ContainerErrorCode,
  type ContainerErrorDetails,
  type ContainerErrorJson,
  type Fault,
} from "./src/errors.ts";
export { diagnose } from "./src/doctor/diagnose.ts";
export type { Finding, FindingArea, FindingLevel } from "./src/doctor/finding.ts";
export { type Enabled, type Features, features, type LinuxFeatures } from "./src/features.ts";
export { Trace, type TraceEvent, type TraceJson } from "./src/trace/trace.ts";
export type {
  Argument,
  ContainerPlan,
  CopyUp,
  Crash,
  FieldOf,
  HeldIn,
  MakePlace,
  Onward,
  Operation,
  PlaceOf,
  PlanItem,
  PlannedOperation,
  Reason,
  ResultOf,
  Self,
  Space,
  StepName,
  SYSCALL_NUMBERS,
  SyscallName,
  Words,
  Work,
} from "./src/birth/rehearsal.ts";
export { unpackImage } from "./src/images/unpack_image.ts";
export type { ImageProgress, UnpackedImage, UnpackOptions } from "./src/images/unpack_options.ts";
export type { ImageConfig } from "./src/images/formats/image_config.ts";
export type { DevicePolicy } from "./src/images/layers/devices.ts";
export type { ImageLimits } from "./src/images/layers/limits.ts";
export type { IdMaps } from "./src/images/layers/owners.ts";
export type { CreateOptions } from "./src/create/prepare_container.ts";
export { defaultConfig } from "./src/create/default_config.ts";
export type {
  DefaultWishes,
  HostMount,
  TmpfsMount,
  WishedFile,
} from "./src/create/default_wishes.ts";
export type {
  Capabilities,
  Config,
  ConsoleSize,
  CpuAffinity,
  Hook,
  Hooks,
  IoPriority,
  Mount,
  ProcessConfig,
  Rlimit,
  Root,
  Scheduler,
  User,
} from "./src/config/types/config.ts";
export type {
  Device,
  IdMapping,
  IntelRdt,
  Linux,
  MemoryPolicy,
  Namespace,
  NetDevice,
  Personality,
  TimeOffset,
  TimeOffsets,
} from "./src/config/types/linux.ts";
export type {
  DeviceRuleType,
  DeviceType,
  IoPriorityClass,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  NamespaceType,
  PersonalityDomain,
  RlimitType,
  RootfsPropagation,
  SchedulerFlag,
  SchedulerPolicy,
  SeccompAction,
  SeccompArchitecture,
  SeccompFlag,
  SeccompOperator,
} from "./src/config/types/names.ts";
// The words of the types above, which are derived from these lists. As types alone, so that the
// documentation shows the words and no program depends on the lists.
export type {
  DEVICE_RULE_TYPES,
  DEVICE_TYPES,
  IO_PRIORITY_CLASSES,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  NAMESPACE_TYPES,
  PERSONALITY_DOMAINS,
  RLIMIT_TYPES,
  ROOTFS_PROPAGATIONS,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "./src/config/types/names.ts";
export type { IPVLAN_MODES, MACVLAN_MODES, NETWORK_TYPES } from "./src/config/types/network.ts";
export type {
  BlockIoResources,
  CpuResources,
  DeviceRule,
  HugepageLimit,
  InterfacePriority,
  MemoryResources,
  NetworkResources,
  PidsResources,
  RdmaLimit,
  Resources,
  ThrottleDevice,
  WeightDevice,
} from "./src/config/types/resources.ts";
export type { Seccomp, SeccompArg, SeccompSyscall } from "./src/config/types/seccomp.ts";
export type {
  IpvlanMode,
  MacvlanMode,
  NamedNetwork,
  Network,
  NetworkType,
  Route,
} from "./src/config/types/network.ts";
export type {
  BridgeNetwork,
  NetworkMode,
  PublishedPort,
  UserNetwork,
} from "./src/config/types/network_mode.ts";
export type { InterfaceStats } from "./src/network/interface_stats.ts";

if (import.meta.main) await (await import("./src/cli/hull.ts")).start();
