/**
 * The entry of the CLI: from the words of the command line to the command's run, or to the error
 * that is reported.
 *
 * @module
 */

import type { Factory } from "../factory.ts";
import { COMMANDS, findCommand, noCommand } from "./command_table.ts";
import { type GivenFlags, isOn, text } from "./flags/command.ts";
import { checkArity, parseCommand, parseFlags } from "./flags/options.ts";
import { driver, GLOBAL_FLAGS, logFormat, logLevel, requireRootless } from "./global_flags.ts";
import { openLog, Output } from "./output/output.ts";
import type { Trace } from "../trace/trace.ts";
import { traced } from "../trace/traced.ts";
import type { TraceFile } from "./output/trace_file.ts";
import { late } from "../own/late.ts";

const commandHelp = late(() => import("./help.ts"), "commandHelp");
const globalHelp = late(() => import("./help.ts"), "globalHelp");
const versionText = late(() => import("./commands/version.ts"), "versionText");

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
      output.print(await versionText());
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
    output.print(await commandHelp(name, command));
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

async function help(name: string | undefined, output: Output): Promise<number> {
  if (name === undefined) {
    const rows = Object.entries(COMMANDS).map(([key, { summary }]) => [key, summary] as const);
    output.print(await globalHelp(rows, GLOBAL_FLAGS));
  } else {
    const { command } = await findCommand(name).load();
    output.print(await commandHelp(name, command));
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
    root: text(global, "root"),
    cgroupDriver: driver(global),
    eventLoop: "own",
    trace,
    onWarning: ({ message, pointer }) => output.warn(message, pointer),
  });
}
