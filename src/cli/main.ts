/**
 * The entry of the CLI: it reads hull's own flags and the command's name, and reports errors. Each
 * command is a module of its own, loaded when it is called.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import type { Factory } from "../factory.ts";
import { type Command, type Flag, type GivenFlags, isOn, text } from "./flags/command.ts";
import { commandHelp, globalHelp } from "./help.ts";
import { checkArity, parseCommand, parseFlags, usageError } from "./flags/options.ts";
import { type LogFormat, openLog, Output } from "./output/output.ts";
import { nearest } from "./flags/suggest.ts";
import type { Trace } from "../trace/trace.ts";
import { traced } from "../trace/traced.ts";
import type { TraceFile } from "./output/trace_file.ts";
import { versionText } from "./commands/version.ts";

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  create: {
    summary: "make a container; its process waits for start",
    load: () => import("./commands/create.ts"),
  },
  delete: {
    summary: "remove a container with all it has on the host",
    load: () => import("./commands/delete.ts"),
  },
  events: {
    summary: "print what a container uses and its OOMs",
    load: () => import("./commands/events.ts"),
  },
  exec: {
    summary: "run a further process in a running container",
    load: () => import("./commands/exec.ts"),
  },
  features: {
    summary: "print what this hull can do",
    load: () => import("./commands/features.ts"),
  },
  kill: { summary: "send a container a signal", load: () => import("./commands/kill.ts") },
  list: { summary: "list the containers", load: () => import("./commands/list.ts") },
  pause: {
    summary: "stop a container's processes where they are",
    load: () => import("./commands/pause.ts"),
  },
  plan: { summary: "show the system calls of a start", load: () => import("./commands/plan.ts") },
  ps: { summary: "list a container's processes", load: () => import("./commands/ps.ts") },
  resume: { summary: "let a paused container go on", load: () => import("./commands/resume.ts") },
  run: { summary: "create and start a container", load: () => import("./commands/run.ts") },
  spec: { summary: "write a config.json to start from", load: () => import("./commands/spec.ts") },
  start: {
    summary: "start a created container's process",
    load: () => import("./commands/start.ts"),
  },
  state: { summary: "print a container's state", load: () => import("./commands/state.ts") },
  update: { summary: "change a container's limits", load: () => import("./commands/update.ts") },
  wait: {
    summary: "wait for a container's end; print its exit code",
    load: () => import("./commands/wait.ts"),
  },
};

const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "root", value: "DIR", summary: "where the containers' state is kept" },
  { name: "log", value: "FILE", summary: "append errors, warnings and debug lines to FILE" },
  { name: "log-format", value: "FORMAT", summary: "text (default) or json" },
  { name: "debug", summary: "say what is being done" },
  { name: "log-level", value: "LEVEL", summary: "error, warning (default) or debug" },
  { name: "cgroup-manager", value: "NAME", summary: "cgroupfs (default) or disabled" },
  { name: "systemd-cgroup", summary: "make cgroups through systemd (not yet)" },
  { name: "rootless", value: "WHEN", summary: "accepted for runc's sake: true, false or auto" },
  { name: "criu", value: "PATH", summary: "accepted for runc's sake, and ignored" },
  { name: "trace", value: "FILE", summary: "write what is done when to FILE, for Perfetto" },
  { name: "version", letter: "v", summary: "print the version" },
];

/**
 * Runs a command line.
 *
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  let output = new Output();
  try {
    const { flags, args: rest } = parseFlags(args, GLOBAL_FLAGS, "hull", true);
    const level = logLevel(text(flags, "log-level"));
    const log = text(flags, "log");
    output = new Output({
      log: log === undefined ? undefined : openLog(log),
      format: logFormat(text(flags, "log-format")),
      debug: isOn(flags, "debug") || level === "debug",
      quiet: level === "error",
    });
    requireRootless(text(flags, "rootless"));
    if (isOn(flags, "version")) {
      output.print(versionText());
      return 0;
    }
    const [name, ...following] = rest;
    if (name === undefined && args.length > 0 && !isOn(flags, "help")) throw noCommand(flags);
    if (name === undefined || isOn(flags, "help") || name === "help") {
      return await help(name === "help" ? following[0] : undefined, output);
    }
    const trace = text(flags, "trace");
    if (trace === undefined) return await dispatch(name, following, flags, output, undefined);
    return await dispatchTraced(trace, name, following, flags, output);
  } catch (error) {
    await output.failed(error);
    return 1;
  }
}

/** The same with a trace, which is written even if the command fails. */
async function dispatchTraced(
  path: string,
  name: string,
  args: readonly string[],
  global: GivenFlags,
  output: Output,
): Promise<number> {
  const { TraceFile } = await import("./output/trace_file.ts");
  const file = new TraceFile(path, name);
  try {
    return await file.trace.main.span(
      `hull ${name}`,
      () => dispatch(name, args, global, output, file),
    );
  } finally {
    await file.write(output);
  }
}

async function dispatch(
  name: string,
  args: readonly string[],
  global: GivenFlags,
  output: Output,
  trace: TraceFile | undefined,
): Promise<number> {
  const lane = trace?.trace.main;
  const { command } = await traced(lane, "load the command", () => findCommand(name).load());
  const parsed = parseCommand(name, command, args, GLOBAL_FLAGS);
  if (isOn(parsed.flags, "help")) {
    output.print(commandHelp(name, command));
    return 0;
  }
  checkArity(name, command, parsed);
  output.debug(`${name} ${parsed.args.join(" ")}`.trimEnd());
  try {
    const factory = () => makeFactory(global, output, trace?.trace);
    return await command.run({ ...parsed, root: text(global, "root"), factory, output, trace });
  } catch (error) {
    await output.failed(error);
    return command.failureCode ?? 1;
  }
}

/** Commands of other runtimes that have another name here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["inspect", "state"],
  ["ls", "list"],
  ["rm", "delete"],
  ["stop", "kill"],
  ["top", "ps"],
  ["unpause", "resume"],
]);

function findCommand(name: string): Entry {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry !== undefined) return entry;
  const isFlag = GLOBAL_FLAGS.some((flag) => flag.name === name);
  const near = isFlag ? `--${name}` : ELSEWHERE.get(name) ?? nearest(name, Object.keys(COMMANDS));
  throw usageError(
    `unknown command ${JSON.stringify(name)}`,
    near === undefined ? "see hull --help" : `did you mean hull ${near}?`,
  );
}

/**
 * The error for a missing command. A flag without its value may have taken the command as the
 * value.
 */
function noCommand(flags: GivenFlags): ContainerError {
  const taker = GLOBAL_FLAGS.find((flag) => Object.hasOwn(COMMANDS, text(flags, flag.name) ?? ""));
  if (taker === undefined) return usageError("there is no command", "see hull --help");
  const taken = text(flags, taker.name);
  return usageError(
    `there is no command: --${taker.name} has taken ${taken} for its ${taker.value}`,
    `write hull --${taker.name} ${taker.value} ${taken}`,
  );
}

async function help(name: string | undefined, output: Output): Promise<number> {
  if (name === undefined) {
    const rows = Object.entries(COMMANDS).map(([key, { summary }]) => [key, summary] as const);
    output.print(globalHelp(rows, GLOBAL_FLAGS));
  } else {
    const { command } = await findCommand(name).load();
    output.print(commandHelp(name, command));
  }
  return 0;
}

async function makeFactory(
  global: GivenFlags,
  output: Output,
  trace: Trace | undefined,
): Promise<Factory> {
  const { Factory } = await traced(
    trace?.main,
    "load the library",
    () => import("../factory.ts"),
  );
  return new Factory({
    root: text(global, "root") ?? userRoot(),
    cgroupDriver: driver(global),
    eventLoop: "own",
    trace,
    onWarning: ({ message, pointer }) => output.warn(message, pointer),
  });
}

/** Where a user without root's rights keeps state. */
function userRoot(): string | undefined {
  const folder = Deno.env.get("XDG_RUNTIME_DIR");
  return Deno.uid() === 0 || folder === undefined || folder === "" ? undefined : `${folder}/hull`;
}

function driver(global: GivenFlags): "cgroupfs" | "systemd" | "disabled" {
  const name = isOn(global, "systemd-cgroup") ? "systemd" : text(global, "cgroup-manager");
  switch (name) {
    case undefined:
    case "cgroupfs":
      return "cgroupfs";
    case "disabled":
      return "disabled";
    case "systemd":
      throw new ContainerError("Unsupported", "cgroups through systemd can't be made yet", {
        hint: "leave out --systemd-cgroup, or use --cgroup-manager cgroupfs",
      });
    default:
      throw usageError(`unknown cgroup manager ${name}`, "use cgroupfs or disabled");
  }
}

function logFormat(format: string | undefined): LogFormat {
  if (format === undefined || format === "text") return "text";
  if (format === "json") return "json";
  throw usageError(`unknown log format ${JSON.stringify(format)}`, "use text or json");
}

/** The log levels are crun's; other common names are mapped to the nearest one. */
function logLevel(level: string | undefined): "error" | "warning" | "debug" {
  switch (level) {
    case undefined:
    case "warning":
    case "warn":
    case "info":
      return "warning";
    case "error":
    case "fatal":
    case "panic":
      return "error";
    case "debug":
    case "trace":
      return "debug";
    default:
      throw usageError(`unknown log level ${JSON.stringify(level)}`, "use error, warning or debug");
  }
}

/**
 * Checks `--rootless`. hull finds out by itself what it may do; the flag is accepted because
 * callers of runc pass it.
 */
function requireRootless(when: string | undefined): void {
  if (when === undefined || /^(true|false|auto)$/.test(when)) return;
  throw usageError(`--rootless ${when} means nothing`, "use true, false or auto");
}
