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
import { type Flag, type GivenFlags, type Invocation, isOn, text } from "./command.ts";
import { usageError } from "./options.ts";

/** The flags of a birth. */
export const BIRTH_FLAGS: readonly Flag[] = [
  ...BUNDLE_FLAGS,
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
  const fds = socketActivation(preserved(flags));
  const process = new Process({
    ...(command === undefined || command.length === 0 ? {} : { args: command }),
    ...(fds.env.length === 0 ? {} : { extraEnv: fds.env }),
    preserveFds: fds.count,
  });
  if (isDetached && bundle?.config.process?.terminal === true) throw nobodyForTerminal();
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
    hint: "set it to false, or use hull run without --detach",
  });
}

function preserved(flags: GivenFlags): number {
  const value = text(flags, "preserve-fds") ?? "0";
  if (/^\d{1,4}$/.test(value)) return Number(value);
  throw usageError(`--preserve-fds ${value} is no number of fds`, "use a number from 0 to 9999");
}

/** Fds that systemd passed go on to the container, which finds them by the same variables. */
function socketActivation(count: number): { count: number; env: string[] } {
  const listen = Deno.env.get("LISTEN_FDS") ?? "";
  if (!/^[1-9]\d{0,3}$/.test(listen)) return { count, env: [] };
  return { count: count + Number(listen), env: [`LISTEN_FDS=${listen}`, "LISTEN_PID=1"] };
}

/** Whole or not at all: who waits for the file must not read half a number. */
function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const temporary = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(temporary, String(pid), { mode: 0o644 });
    Deno.renameSync(temporary, path);
  } catch (cause) {
    try {
      Deno.removeSync(temporary);
    } catch { /* it was never made */ }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ContainerError("SystemError", `cannot write the pid file ${path}: ${why}`, {
      path,
      cause,
    });
  }
}
