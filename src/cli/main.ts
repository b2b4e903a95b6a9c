/**
 * The entry of the CLI: from the words of the command line to the command's run, or to the error
 * that is reported.
 *
 * @module
 */

import type { InnerFactoryOptions } from "../container/workshop.ts";
import type { Factory } from "../factory.ts";
import { COMMANDS, findCommand, noCommand } from "./command_table.ts";
import { type GivenFlags, isOn, text } from "./flags/command.ts";
import { type Caller, LEFT_FLAG, NotHere } from "./caller/caller.ts";
import { checkArity, parseCommand, parseFlags } from "./flags/options.ts";
import { driver, GLOBAL_FLAGS, logFormat, logLevel, requireRootless } from "./global_flags.ts";
import { openLog, Output } from "./output/output.ts";
import type { Trace } from "../trace/trace.ts";
import { traced } from "../trace/traced.ts";
import type { TraceFile } from "./output/trace_file.ts";
import { OWN_CALLER } from "./process/own_caller.ts";
import { late } from "../own/late.ts";

const commandHelp = late(() => import("./help.ts"), "commandHelp");
const globalHelp = late(() => import("./help.ts"), "globalHelp");
const versionText = late(() => import("./commands/version.ts"), "versionText");

/**
 * Runs a command line.
 *
 * @param caller who called; in a resident hull another process
 * @returns the exit code
 */
export async function main(
  args: readonly string[],
  caller: Caller = OWN_CALLER,
): Promise<number> {
  let output = new Output({ format: "text", debug: false, caller });
  try {
    const { flags, args: rest } = parseFlags(args, GLOBAL_FLAGS, "hull", true);
    const level = logLevel(text(flags, "log-level"));
    const log = text(flags, "log");
    output = new Output({
      log: log === undefined ? undefined : openLog(caller.path(log), caller),
      format: logFormat(text(flags, "log-format")),
      debug: isOn(flags, "debug") || level === "debug",
      quiet: level === "error",
      caller,
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
    const left = text(flags, LEFT_FLAG);
    if (left !== undefined) {
      const [stage, ...others] = left.split(" ");
      caller = { ...caller, left: stage === "runs" ? stage : "begun", others };
    }
    if (trace === undefined) return await dispatch(name, following, flags, { output, caller });
    return await dispatchTraced(trace, name, following, flags, { output, caller });
  } catch (error) {
    if (error instanceof NotHere || caller.leaves?.(error) === true) throw error;
    await output.failed(error);
    return 1;
  } finally {
    if (caller.isOther) output.close(); // this program goes on
  }
}

/** What a command has of its caller. */
interface Surroundings {
  readonly output: Output;
  readonly caller: Caller;
  readonly trace?: TraceFile | undefined;
}

/** The same with a trace, which is written even if the command fails. */
async function dispatchTraced(
  path: string,
  name: string,
  args: readonly string[],
  global: GivenFlags,
  { output, caller }: Surroundings,
): Promise<number> {
  const { TraceFile } = await import("./output/trace_file.ts");
  const file = new TraceFile(path, name);
  try {
    return await file.trace.main.span(
      `hull ${name}`,
      () => dispatch(name, args, global, { output, caller, trace: file }),
    );
  } finally {
    await file.write(output);
  }
}

async function dispatch(
  name: string,
  args: readonly string[],
  global: GivenFlags,
  { output, caller, trace }: Surroundings,
): Promise<number> {
  const lane = trace?.trace.main;
  const { command } = await traced(lane, "load the command", () => findCommand(name).load());
  const { failureCode = 1 } = command;
  let isParsed = false;
  try {
    const parsed = parseCommand(name, command, args, GLOBAL_FLAGS);
    if (isOn(parsed.flags, "help")) {
      output.print(await commandHelp(name, command));
      return 0;
    }
    checkArity(name, command, parsed);
    isParsed = true;
    output.debug(`${name} ${parsed.args.join(" ")}`.trimEnd());
    const root = text(global, "root");
    const reached = root === undefined ? undefined : caller.path(root);
    const factory = () => makeFactory({ ...global, root: reached }, output, caller, trace?.trace);
    const program = { commands: COMMANDS, flags: GLOBAL_FLAGS };
    const surroundings = { factory, output, caller, trace, main, program };
    if (command.onlyLooks !== true && command.beginsLate !== true) await caller.begin?.();
    return await command.run({ ...parsed, root: reached, ...surroundings });
  } catch (error) {
    if (error instanceof NotHere || caller.leaves?.(error) === true) throw error;
    await output.failed(error);
    if (typeof failureCode === "function") return await failureCode(error, args, caller);
    return isParsed ? failureCode : 1;
  }
}

async function help(name: string | undefined, output: Output): Promise<number> {
  if (name === undefined) {
    output.print(await globalHelp({ commands: COMMANDS, flags: GLOBAL_FLAGS }));
  } else {
    const { command } = await findCommand(name).load();
    output.print(await commandHelp(name, command));
  }
  return 0;
}

async function makeFactory(
  global: GivenFlags,
  output: Output,
  caller: Caller,
  trace: Trace | undefined,
): Promise<Factory> {
  const { Factory } = await traced(
    trace?.main,
    "load the library",
    () => import("../factory.ts"),
  );
  const options: InnerFactoryOptions = {
    root: text(global, "root"),
    cgroupDriver: driver(global),
    eventLoop: caller.isOther ? "shared" : "own",
    bearer: caller.bearer,
    poller: caller.poller,
    states: caller.states,
    trace,
    onWarning: ({ message, pointer }) => output.warn(message, pointer),
  };
  return new Factory(options);
}
