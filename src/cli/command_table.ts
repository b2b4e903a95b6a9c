/**
 * The commands by name. Each is a module of its own, loaded when it is called.
 *
 * @module
 */

import type { ContainerError } from "../errors.ts";
import { type Entry, type GivenFlags, text } from "./flags/command.ts";
import { usageError } from "./flags/options.ts";
import { nearest } from "./flags/suggest.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";

/** All of them, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  completion: {
    group: "host",
    summary: "print what completes hull's words in a shell",
    load: () => import("./commands/completion.ts"),
  },
  create: {
    group: "run",
    summary: "make a container; its process waits for start",
    load: () => import("./commands/create.ts"),
  },
  delete: {
    group: "change",
    summary: "remove a container with all it has on the host",
    load: () => import("./commands/delete.ts"),
  },
  doctor: {
    group: "host",
    summary: "look whether containers can run here, and what to do if not",
    load: () => import("./commands/doctor.ts"),
  },
  events: {
    group: "look",
    summary: "print what a container uses and its OOMs",
    load: () => import("./commands/events.ts"),
  },
  exec: {
    group: "run",
    summary: "run a further process in a running container",
    load: () => import("./commands/exec.ts"),
  },
  explain: {
    group: "host",
    summary: "explain a word of an error, and what to do about it",
    load: () => import("./commands/explain.ts"),
  },
  features: {
    group: "host",
    summary: "print what this hull can do",
    load: () => import("./commands/features.ts"),
  },
  inspect: {
    group: "look",
    summary: "print all that is known of a container",
    load: () => import("./commands/inspect.ts"),
  },
  kill: {
    group: "change",
    summary: "send a container a signal",
    load: () => import("./commands/kill.ts"),
  },
  list: { group: "look", summary: "list the containers", load: () => import("./commands/list.ts") },
  logs: {
    group: "look",
    summary: "print what a container's program has printed",
    load: () => import("./commands/logs.ts"),
  },
  pause: {
    group: "change",
    summary: "stop a container's processes where they are",
    load: () => import("./commands/pause.ts"),
  },
  plan: {
    group: "host",
    summary: "show the system calls of a start",
    load: () => import("./commands/plan.ts"),
  },
  ps: {
    group: "look",
    summary: "list a container's processes",
    load: () => import("./commands/ps.ts"),
  },
  resident: {
    group: "host",
    summary: "do the commands of other callers, without a start for each",
    load: () => import("./commands/resident.ts"),
  },
  resume: {
    group: "change",
    summary: "let a paused container go on",
    load: () => import("./commands/resume.ts"),
  },
  run: {
    group: "run",
    summary: "create and start a container",
    load: () => import("./commands/run.ts"),
  },
  spec: {
    group: "host",
    summary: "write a config.json to start from",
    load: () => import("./commands/spec.ts"),
  },
  start: {
    group: "run",
    summary: "start a created container's process",
    load: () => import("./commands/start.ts"),
  },
  state: {
    group: "look",
    summary: "print a container's state",
    load: () => import("./commands/state.ts"),
  },
  top: {
    group: "look",
    summary: "show what all containers use, live",
    load: () => import("./commands/top.ts"),
  },
  update: {
    group: "change",
    summary: "change a container's limits",
    load: () => import("./commands/update.ts"),
  },
  wait: {
    group: "run",
    summary: "wait for a container's end; print its exit code",
    load: () => import("./commands/wait.ts"),
  },
};

/** Commands of other runtimes that have another name here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["ls", "list"],
  ["rm", "delete"],
  ["stop", "kill"],
  ["unpause", "resume"],
]);

/**
 * The command of a name.
 *
 * @throws {ContainerError} a usage error that names the nearest one
 */
export function findCommand(name: string): Entry {
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
export function noCommand(flags: GivenFlags): ContainerError {
  const taker = GLOBAL_FLAGS.find((flag) => Object.hasOwn(COMMANDS, text(flags, flag.name) ?? ""));
  if (taker === undefined) return usageError("there is no command", "see hull --help");
  const taken = text(flags, taker.name);
  return usageError(
    `there is no command: --${taker.name} has taken ${taken} for its ${taker.value}`,
    `write hull --${taker.name} ${taker.value} ${taken}`,
  );
}
