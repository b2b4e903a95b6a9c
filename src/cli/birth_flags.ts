/**
 * What `create` and `run` have in common: their flags, and the way from a bundle to a container
 * whose process waits for the start.
 *
 * @module
 */

import type { Container } from "../container.ts";
import { ContainerError } from "../errors.ts";
import type { Process } from "../process.ts";
import { BUNDLE_FLAGS, readBundle } from "./bundle.ts";
import { type Flag, type Invocation, isOn, text } from "./command.ts";
import { ownSize } from "./foreground.ts";
import { usageError } from "./options.ts";
import { writePidFile } from "./pid_file.ts";
import { preservedFds } from "./preserved_fds.ts";

/** The flags of a birth. */
export const BIRTH_FLAGS: readonly Flag[] = [
  ...BUNDLE_FLAGS,
  {
    name: "console-socket",
    value: "SOCKET",
    summary: "send a detached container's terminal to who listens there",
  },
  { name: "pid-file", value: "FILE", summary: "write the process's number on the host to FILE" },
  { name: "no-pivot", summary: "enter the rootfs without pivot_root (for a ramfs)" },
  { name: "no-new-keyring", summary: "keep the caller's session keyring" },
  { name: "preserve-fds", value: "N", summary: "pass on N fds from fd 3 on" },
];

/** A container whose first process waits. */
export interface Born {
  readonly container: Container;
  readonly process: Process;
}

/**
 * Makes the container that the flags describe, up to the wait for its start. Nothing of it is left
 * after a failure.
 *
 * @param isDetached whether this program ends before the container's
 */
export async function bear(invocation: Invocation, isDetached: boolean): Promise<Born> {
  const { flags, args, command, factory, output } = invocation;
  const { Process } = await import("../process.ts");
  const bundle = readBundle(flags);
  const fds = socketActivation(preservedFds(flags));
  const consoleSocket = text(flags, "console-socket");
  const size = isDetached ? undefined : bundle?.config.process?.consoleSize ?? ownSize();
  const process = new Process({
    ...(command === undefined || command.length === 0 ? {} : { args: command }),
    ...(fds.env.length === 0 ? {} : { extraEnv: fds.env }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(size === undefined ? {} : { consoleSize: size }),
    preserveFds: fds.count,
  });
  const hasTerminal = bundle?.config.process?.terminal === true;
  if (isDetached && hasTerminal && consoleSocket === undefined) throw nobodyForTerminal();
  if (consoleSocket !== undefined && !(isDetached && hasTerminal)) {
    throw usageError(
      "a console socket is for a detached container with a terminal",
      "leave out --console-socket, or set process.terminal",
    );
  }
  if (bundle === undefined) output.debug("no config.json here: using the built-in default");
  const makes = await factory();
  const container = await makes.create(args[0] as string, bundle?.config, {
    bundle: bundle?.folder,
  });
  try {
    await container.start(process, {
      noPivot: isOn(flags, "no-pivot"),
      noNewKeyring: isOn(flags, "no-new-keyring"),
    });
    writePidFile(text(flags, "pid-file"), process.pid);
  } catch (error) {
    await container.destroy({ force: true });
    throw error;
  }
  output.debug(`container ${container.id} is created, its process is ${process.pid}`);
  return { container, process };
}

function nobodyForTerminal(): ContainerError {
  return new ContainerError("Unsupported", "nobody would hold the detached container's terminal", {
    faults: [{ pointer: "/process/terminal", message: "needs a console socket" }],
    hint: "give --console-socket, set it to false, or use hull run without --detach",
  });
}

/** Fds that systemd passed go on to the container, which finds them by the same variables. */
function socketActivation(count: number): { count: number; env: string[] } {
  const listen = Deno.env.get("LISTEN_FDS") ?? "";
  if (!/^[1-9]\d{0,3}$/.test(listen)) return { count, env: [] };
  return { count: count + Number(listen), env: [`LISTEN_FDS=${listen}`, "LISTEN_PID=1"] };
}
