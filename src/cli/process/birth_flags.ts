/**
 * What `create` and `run` have in common: their flags, and the way from a bundle to a container
 * whose process waits for the start.
 *
 * @module
 */

import { resolve } from "../../../std/path/posix/resolve.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import type { Config } from "../../config/types/config.ts";
import { validateConfig } from "../../config/validate/validate.ts";
import type { Container } from "../../container.ts";
import type { InitKind } from "../../../init/start_way.ts";
import { joinsInhabited } from "../../../init/steps/process/namespaces.ts";
import { ContainerError } from "../../errors.ts";
import { createExitRecord } from "../../supervisor/exit_record.ts";
import type { NotifySocket } from "./notify_socket.ts";
import type { Process, ProcessOptions } from "../../process.ts";
import { late } from "../../own/late.ts";
import { traced } from "../../trace/traced.ts";
import { undone } from "../../failures/undo.ts";
import { type Bundle, BUNDLE_FLAGS, namingFile, readBundle } from "../flags/bundle.ts";
import {
  choice,
  type Flag,
  type GivenFlags,
  type Invocation,
  isOn,
  pathOf,
  text,
} from "../flags/command.ts";
import { foregroundConsole, isInteractive } from "../foreground/foreground.ts";
import { inheritedCount, listenVariables } from "./inherited_fds.ts";
import { type Named, nameRun } from "../flags/made_id.ts";
import { NETWORK_FLAGS, networkOf } from "../flags/network_flags.ts";
import { usageError } from "../flags/options.ts";
import { WISH_FLAGS } from "../flags/wish_flags.ts";
import { writePidFile } from "./pid_file.ts";
import { connectPidfdSocket, sendPidfd } from "./pidfd_socket.ts";
import { requireNoStartHooks } from "./start_hooks.ts";
import { type Caller, NotHere, whileItBegins } from "../caller/caller.ts";

const loadWishes = () => import("./flag_wishes.ts");
const openOutputFile = late(() => import("../../streams/stream_file.ts"), "openOutputFile");
const imageBundle = late(() => import("./image_bundle.ts"), "imageBundle");
const takeLeftContainer = late(() => import("./left_child.ts"), "takeLeftContainer");

/** The flags of a birth. */
export const BIRTH_FLAGS: readonly Flag[] = [
  ...BUNDLE_FLAGS,
  ...NETWORK_FLAGS,
  { name: "tty", letter: "t", summary: "give it a terminal, or with =false none" },
  {
    name: "console-socket",
    value: "SOCKET",
    summary: "send a detached container's terminal to who listens there",
  },
  {
    name: "log-output",
    value: "FILE",
    summary: "append what the program prints to FILE, for hull logs",
  },
  { name: "pid-file", value: "FILE", summary: "write the process's number on the host to FILE" },
  { name: "no-pivot", summary: "enter the rootfs without pivot_root (for a ramfs)" },
  {
    name: "init",
    value: "KIND",
    choices: ["auto", "direct", "reexec"],
    mayStandAlone: true,
    summary:
      "have a small first process reap and pass on signals; auto, direct, reexec: who walks the plan",
  },
  { name: "no-new-keyring", summary: "keep the caller's session keyring" },
  { name: "preserve-fds", value: "N", summary: "pass on N fds from fd 3 on" },
  { name: "pidfd-socket", value: "PATH", summary: "send the process's pidfd to a unix socket" },
  {
    name: "supervise",
    summary: "keep the exit code for hull wait, in a process that waits for it",
  },
];

/** A container whose first process waits. */
export interface Born {
  readonly container: Container;
  readonly process: Process;
  readonly hasTerminal: boolean;
  /** Whether its id was left out. */
  readonly isIdMade: boolean;
  /**
   * The socket on which the program says that it is ready; only for `run`, if hull's caller wants
   * to know.
   */
  readonly notify: NotifySocket | undefined;
}

/**
 * Makes the container that the flags describe, up to the point where it waits for its start.
 * Nothing of it is left after a failure.
 *
 * @param isDetached whether this program ends before the container's
 * @param isRun whether the program is run next, by this program
 * @param heed takes the signals, once all is read that the caller named: a pipe among it may keep
 *   this program waiting, and until then signals end it
 */
export async function createFromFlags(
  invocation: Invocation,
  isDetached: boolean,
  isRun: boolean,
  heed?: () => Promise<void>,
): Promise<Born> {
  const { flags, trace, caller } = invocation;
  if (text(flags, "image") !== undefined) {
    const named = nameRun(invocation.args, invocation.command, false);
    const bundle = await whileItBegins(
      caller,
      () => traced(trace?.trace.main, "unpack the image", () => imageBundle(invocation, named)),
    );
    // the config has the command and the user already
    const { user: _, ...others } = flags;
    const left = { ...invocation, flags: others };
    const ofImage = { ...named, command: undefined };
    return await createFromBundle(bundle, left, ofImage, isDetached, isRun, heed);
  }
  const bundle = await whileItBegins(
    caller,
    () => traced(trace?.trace.main, "read the config", () => readBundle(flags, caller)),
  );
  try {
    const named = nameRun(invocation.args, invocation.command, bundle !== undefined);
    return await createFromBundle(bundle, invocation, named, isDetached, isRun, heed);
  } catch (error) {
    throw namingFile(error, bundle);
  }
}

async function createFromBundle(
  bundle: Bundle | undefined,
  invocation: Invocation,
  { id, command, isMade: isIdMade }: Named,
  isDetached: boolean,
  isRun: boolean,
  heed?: () => Promise<void>,
): Promise<Born> {
  const { flags, factory, output, caller } = invocation;
  if (isIdMade && caller.isOther) throw new NotHere("a new id");
  const { Process } = await import("../../process.ts");
  if (caller.isOther) {
    if (needsLauncher(bundle?.config)) throw new NotHere("a launcher");
    if (isRun) requireNoStartHooks(bundle?.config, caller);
    const isFollowed = isRun && !isDetached && !isOn(flags, "no-subreaper");
    if (isFollowed && leavesOrphans(bundle?.config)) throw new NotHere("somebody to adopt orphans");
  }
  const flagWishes = hasWishes(flags)
    ? (await loadWishes()).wishesOf(invocation, bundle?.config)
    : undefined;
  const network = await networkOf(flags);
  const over = flagWishes !== undefined && bundle !== undefined
    ? (await loadWishes()).overBundle(bundle.config, flagWishes)
    : undefined;
  const config = over?.config ?? bundle?.config;
  const console = consoleOf(invocation, bundle?.config, isDetached);
  const logFile = logOutputOf(invocation, console.hasTerminal);
  using log = logFile === undefined ? undefined : await openOutputFile(logFile);
  const process = new Process({
    ...(command === undefined || command.length === 0 ? {} : { args: command }),
    ...passedFds(flags, caller),
    ...caller.stdio,
    ...(isIdMade && isDetached ? DETACHED : {}),
    ...(log === undefined ? {} : { stdout: log.number, stderr: log.number }),
    ...flagWishes?.process,
    ...over?.process,
    ...console.options,
  });
  using pidfdSocket = await connectPidfdSocket(pathOf(invocation, "pidfd-socket"));
  output.debug(
    bundle === undefined ? "the config is the built-in default" : `the config is ${bundle.path}`,
  );
  await heed?.();
  const makes = await factory();
  if (caller.left !== undefined) {
    const container = await takeLeftContainer(caller, makes, id, process, new Poller());
    if (container !== undefined) {
      if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, process.pid);
      writePidFile(pathOf(invocation, "pid-file"), process.pid);
      return { container, process, hasTerminal: console.hasTerminal, isIdMade, notify: undefined };
    }
  }
  const notify = bundle === undefined
    ? undefined
    : await notified(config ?? bundle.config, makes.root, id, caller);
  const container = await makes.create(id, notify?.config ?? config, {
    bundle: bundle?.folder,
    network,
    ...(bundle?.overlay === true ? { overlay: true } : {}),
    ...(logFile === undefined ? {} : { outputFiles: { stdout: logFile, stderr: logFile } }),
    networksFromAnnotations: isOn(flags, "networks-from-annotations"),
    ...(bundle === undefined
      ? { wishes: flagWishes?.wishes }
      : { withInit: flagWishes?.wishes.init }),
  }).catch((error) => {
    throw flagWishes?.name(error) ?? error;
  });
  let socket: NotifySocket | undefined;
  try {
    notify?.makeFolder();
    if (isRun) socket = notify?.bind();
    await container.start(process, {
      noPivot: isOn(flags, "no-pivot"),
      noNewKeyring: isOn(flags, "no-new-keyring"),
      init: initKind(flags),
      // In the foreground hull stays the parent until the end, so it acts as the supervisor itself.
      supervisor: isDetached ? undefined : caller.identity,
      supervised: isOn(flags, "supervise"),
    });
    if (!isDetached) createExitRecord(container.folder).close();
    if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, process.pid);
    writePidFile(pathOf(invocation, "pid-file"), process.pid);
  } catch (error) {
    throw await undone(
      error,
      () => socket?.[Symbol.dispose](),
      () => container[Symbol.asyncDispose](),
    );
  }
  const { way } = container;
  const how = way?.kind === "reexec" ? `by a re-executed init, since ${way.because}` : "directly";
  output.debug(`container ${container.id} is created ${how}, its process is ${process.pid}`);
  return { container, process, hasTerminal: console.hasTerminal, isIdMade, notify: socket };
}

/** Whether a start needs a launcher, by a config that is not checked yet. */
function needsLauncher(config: Config | undefined): boolean {
  const { namespaces } = config?.linux ?? {};
  return Array.isArray(namespaces) && joinsInhabited(namespaces.filter((one) => one !== null));
}

/** Whether its orphans come out of its namespaces, to the process that its caller started. */
function leavesOrphans(config: Config | undefined): boolean {
  const namespaces = config === undefined ? undefined : config.linux?.namespaces ?? [];
  return Array.isArray(namespaces) && !namespaces.some((one) => one?.type === "pid");
}

/** Who reads the new id from a detached run waits for the end of its streams, not the program's. */
const DETACHED: ProcessOptions = { stdin: "null", stdout: "null", stderr: "null" };

/** Whether a flag names a wish that is not read here. */
function hasWishes(flags: GivenFlags): boolean {
  return isOn(flags, "init") || WISH_FLAGS.some(({ name }) => flags[name] !== undefined);
}

/** What `--init` asks for. */
export function initKind(flags: GivenFlags): InitKind {
  const kind = text(flags, "init") ?? "auto";
  if (kind === "auto" || kind === "direct" || kind === "reexec") return kind;
  throw usageError(`unknown kind of init ${JSON.stringify(kind)}`, "use auto, direct or reexec");
}

/** The fds that the caller passed, with the variables by which the program finds them. */
function passedFds(flags: GivenFlags, caller: Caller): ProcessOptions {
  const extraEnv = listenVariables(caller, isOn(flags, "init") ? 2 : 1);
  const count = inheritedCount(flags, caller);
  return { ...(extraEnv.length === 0 ? {} : { extraEnv }), ...caller.preserved(count) };
}

/** What is known of the terminal before there is one. */
interface Console {
  readonly hasTerminal: boolean;
  readonly options: ProcessOptions;
}

/**
 * Whether there is a terminal, and where a detached container's master end goes; in the foreground
 * it is connected with this program's. The built-in default has a terminal if this program has one,
 * like a command in a shell.
 */
function consoleOf(
  { flags, caller }: Invocation,
  config: Config | undefined,
  isDetached: boolean,
): Console {
  const consoleSocket = pathOf({ flags, caller }, "console-socket");
  const chosen = choice(flags, "tty");
  const hasTerminal = chosen ??
    (config === undefined
      ? !isDetached && text(flags, "log-output") === undefined && isInteractive(caller)
      : config.process?.terminal === true);
  // A value that the config has already is left out: as a wish it would make hull check the config
  // once more.
  const terminal = chosen ?? (config === undefined && hasTerminal ? true : undefined);
  const wish = terminal === undefined ? {} : { terminal };
  if (isDetached && hasTerminal) {
    if (consoleSocket === undefined) throw nobodyForTerminal();
    return { hasTerminal, options: { ...wish, consoleSocket } };
  }
  if (consoleSocket !== undefined) {
    throw usageError(
      "a console socket is for a detached container with a terminal",
      "leave out --console-socket, or add --tty",
    );
  }
  if (hasTerminal && caller.isOther) throw new NotHere("a terminal in the foreground");
  const console = hasTerminal ? foregroundConsole(config?.process?.consoleSize) : {};
  return { hasTerminal, options: { ...wish, ...console } };
}

/** The file that the output goes to, absolute. */
function logOutputOf(invocation: Invocation, hasTerminal: boolean): string | undefined {
  const path = pathOf(invocation, "log-output");
  if (path === undefined) return undefined;
  if (!hasTerminal) return resolve(path);
  throw usageError(
    "--log-output is for a container without a terminal, which goes to whoever holds it",
    "add --tty=false, or leave out --log-output",
  );
}

function nobodyForTerminal(): ContainerError {
  return new ContainerError("Unsupported", "nobody would hold the detached container's terminal", {
    faults: [{ pointer: "/process/terminal", message: "needs a console socket" }],
    hint: "give --console-socket, add --tty=false, or use hull run without --detach",
  });
}

/**
 * What a birth with a notify socket needs, if hull's caller wants to know when the program is
 * ready.
 */
interface Notified {
  readonly config: Config;
  makeFolder(): void;
  bind(): NotifySocket;
}

async function notified(
  config: Config,
  root: string,
  id: string,
  caller: Caller,
): Promise<Notified | undefined> {
  const host = caller.variable("NOTIFY_SOCKET") ?? "";
  if (host === "") return undefined;
  const { withNotifySocket, makeNotifyFolder, NotifySocket } = await import("./notify_socket.ts");
  const folder = `${root}/${id}`;
  return {
    config: withNotifySocket(validateConfig(config), folder),
    makeFolder: () => makeNotifyFolder(folder),
    bind: () => new NotifySocket(folder, host, new Poller()),
  };
}
