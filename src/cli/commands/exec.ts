/** `hull exec`. @module */

import { Poller } from "../../../ffi/waiting/poll.ts";
import type { Container } from "../../container.ts";
import type { ProcessConfig } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import type { Process, ProcessOptions } from "../../process.ts";
import { late } from "../../own/late.ts";
import { traced } from "../../trace/traced.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import {
  choice,
  type Command,
  type GivenFlags,
  type Invocation,
  isOn,
  list,
  pathOf,
  text,
} from "../flags/command.ts";
import { parseDocument } from "../flags/json_document.ts";
import { follow, foregroundConsole, SignalForwarder } from "../foreground/foreground.ts";
import { preservedFds } from "../process/inherited_fds.ts";
import { usageError } from "../flags/options.ts";
import type { Output } from "../output/output.ts";
import { writePidFile } from "../process/pid_file.ts";
import { reason } from "../../failures/reason.ts";

const variablesOfFlags = late(() => import("../flags/variables.ts"), "variablesOfFlags");
const heldCapabilities = late(
  () => import("../../security/capabilities.ts"),
  "heldCapabilities",
);
const takeLeftExec = late(() => import("../process/left_child.ts"), "takeLeftExec");

/** Runs a further process in a running container. */
export const command: Command = {
  synopsis: "<id> <command> [arguments…]",
  description:
    "Runs a command in a running container, with the container's namespaces, cgroups, limits and\n" +
    "filter. hull's exit code is the command's, 128+n after signal n, and 255 if it can't be run.",
  flags: [
    {
      name: "process",
      letter: "p",
      value: "FILE",
      summary: "what to run, as a process of config.json",
    },
    { name: "cwd", value: "DIR", summary: "the folder to run in; default: the container's" },
    { name: "workdir", letter: "w", value: "DIR", summary: "the same, as Podman spells it" },
    {
      name: "interactive",
      letter: "i",
      summary: "accepted, as stdin is passed on anyway; =false: without stdin",
    },
    {
      name: "env",
      letter: "e",
      value: "NAME=VALUE",
      many: true,
      summary: "add to the environment; NAME alone takes the caller's value, if there is one",
    },
    {
      name: "env-file",
      value: "FILE",
      many: true,
      summary: "add the variables of a file, each on a line of its own",
    },
    { name: "user", letter: "u", value: "USER[:GROUP]", summary: "run as, by numbers or names" },
    { name: "additional-gids", letter: "g", value: "GID", many: true, summary: "further groups" },
    { name: "tty", letter: "t", summary: "give it a terminal" },
    { name: "console-socket", value: "SOCKET", summary: "send the terminal there" },
    { name: "detach", letter: "d", summary: "return once the command runs" },
    { name: "pid-file", value: "FILE", summary: "write the process's number on the host to FILE" },
    { name: "cap", letter: "c", value: "CAP", many: true, summary: "add a capability" },
    { name: "privileged", summary: "add all capabilities" },
    { name: "no-new-privs", summary: "let no execve grant privileges" },
    { name: "apparmor", value: "PROFILE", summary: "the AppArmor profile" },
    { name: "process-label", value: "LABEL", summary: "the SELinux label" },
    { name: "preserve-fds", value: "N", summary: "pass on N fds from fd 3 on" },
    { name: "cgroup", value: "PATH", summary: "a cgroup below the container's to run in" },
    { name: "ignore-paused", summary: "join a paused container too" },
  ],
  arity: [1, Infinity],
  stopsEarly: true,
  onlyLooks: true,
  failureCode: 255,
  async run({ flags, args, factory, output, caller, trace }) {
    const [id = "", ...command] = args;
    const options = await processOptions({ flags, output, caller }, command);
    requireConsole(flags, options);
    if (options.addCapabilities !== undefined) await warnOfUnknown(options.addCapabilities, output);
    const isDetached = isOn(flags, "detach");
    const { Process } = await import("../../process.ts");
    const signals = new SignalForwarder();
    if (hasTerminal(options) && !isDetached && caller.isOther) {
      throw new NotHere("a terminal in the foreground");
    }
    if (!isDetached) await signals.listen(caller);
    const container = (await factory()).load(id);
    const process = new Process({
      ...options,
      ...caller.stdio,
      ...(choice(flags, "interactive") === false ? { stdin: "null" } : {}),
      ...(hasTerminal(options) && !isDetached
        ? foregroundConsole(options.config?.consoleSize)
        : {}),
      ...identity(flags, container),
      leaveStatus: isDetached,
    });
    if (!isDetached && text(flags, "pid-file") === undefined) caller.endWithProcess?.();
    const left = caller.left !== undefined && await takeLeftExec(caller, process, new Poller());
    if (!left) await container.start(process);
    await tellPid(pathOf({ flags, caller }, "pid-file"), process);
    if (isDetached) return 0;
    return await traced(
      trace?.trace.main,
      "wait for the program",
      () =>
        follow(process, signals, {
          hasTerminal: hasTerminal(options),
          isFirst: false,
          output,
          caller,
        }),
    );
  },
};

/** Writes the pid file. If that fails, the process is killed: nobody could learn its pid. */
async function tellPid(path: string | undefined, process: Process): Promise<void> {
  try {
    writePidFile(path, process.pid);
  } catch (error) {
    process.killTree();
    await process.wait();
    throw error;
  }
}

async function processOptions(
  { flags, output, caller }: Pick<Invocation, "flags" | "output" | "caller">,
  command: readonly string[],
): Promise<ProcessOptions> {
  const file = pathOf({ flags, caller }, "process");
  const config = file === undefined ? undefined : await readProcess(file, caller);
  const given = (name: string, value: unknown) => value === undefined ? {} : { [name]: value };
  const hasEnv = list(flags, "env").length + list(flags, "env-file").length > 0;
  const env = hasEnv ? await variablesOfFlags({ flags, output, caller }) : [];
  const capabilities = [
    ...list(flags, "cap").map((name) => name.toUpperCase()),
    ...(isOn(flags, "privileged") ? await heldCapabilities(false) : []),
  ];
  if (config === undefined && command.length === 0) {
    throw usageError("there is no command to run", "put it behind the id, or use --process");
  }
  return {
    ...given("config", config),
    ...given("args", command.length === 0 ? undefined : command),
    ...given("cwd", text(flags, "workdir") ?? text(flags, "cwd")),
    ...given("extraEnv", env.length === 0 ? undefined : env),
    ...given("user", text(flags, "user")),
    ...given("terminal", choice(flags, "tty")),
    ...given("consoleSocket", pathOf({ flags, caller }, "console-socket")),
    ...given("apparmorProfile", text(flags, "apparmor")),
    ...given("selinuxLabel", text(flags, "process-label")),
    ...given("noNewPrivileges", isOn(flags, "no-new-privs") ? true : undefined),
    ...given("addCapabilities", capabilities.length === 0 ? undefined : capabilities),
    ...given("subCgroup", text(flags, "cgroup")),
    ...given("ignorePaused", isOn(flags, "ignore-paused") ? true : undefined),
    ...caller.preserved(preservedFds(flags)),
  };
}

async function readProcess(path: string, caller: Caller): Promise<ProcessConfig> {
  const { validateProcess } = await import("../../config/validate/validate_process.ts");
  let json: unknown;
  try {
    json = parseDocument(caller.readText(path));
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    throw new ContainerError("ConfigInvalid", `cannot read the process ${path}: ${reason(cause)}`, {
      path,
      cause,
    });
  }
  return validateProcess(json);
}

/** Warns of unknown capabilities. As in runc, they are not added. */
async function warnOfUnknown(capabilities: readonly string[], output: Output): Promise<void> {
  const { CAPABILITY_NAMES } = await import("../../config/types/names.ts");
  const known: ReadonlySet<string> = new Set(CAPABILITY_NAMES);
  const unknown = capabilities.filter((name) => !known.has(name));
  if (unknown.length > 0) output.warn(`there is no capability ${unknown.join(", ")}: ignored`);
}

function hasTerminal({ terminal, config }: ProcessOptions): boolean {
  return terminal ?? config?.terminal ?? false;
}

function requireConsole(flags: GivenFlags, options: ProcessOptions): void {
  const socket = text(flags, "console-socket");
  const isDetached = isOn(flags, "detach");
  if (hasTerminal(options) && isDetached && socket === undefined) {
    throw usageError(
      "nobody would hold the detached process's terminal",
      "give --console-socket, or leave out --detach",
    );
  }
  if (socket !== undefined && !(hasTerminal(options) && isDetached)) {
    throw usageError("--console-socket goes with --tty and --detach", "leave it out");
  }
}

/**
 * The user and groups. A user given as a mere number keeps the container's group and additional
 * groups.
 */
function identity(
  flags: GivenFlags,
  container: Container,
): Pick<ProcessOptions, "user" | "additionalGids"> {
  const user = text(flags, "user");
  const added = list(flags, "additional-gids").map(requireGroup);
  if (user === undefined && added.length === 0) return {};
  const { gid = 0, additionalGids = [] } = container.config.process?.user ?? {};
  const given = user !== undefined && /^\d+$/.test(user) ? { user: `${user}:${gid}` } : {};
  if (text(flags, "process") !== undefined && added.length === 0) return given;
  return { ...given, additionalGids: [...new Set([...additionalGids, ...added])] };
}

function requireGroup(gid: string): number {
  if (/^\d{1,10}$/.test(gid) && Number(gid) < 2 ** 32 - 1) return Number(gid);
  throw usageError(`--additional-gids ${gid} is no group`, "give the group's number");
}
