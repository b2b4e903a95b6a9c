/**
 * The start of a program in a sandbox.
 *
 * @module
 */

import { readText } from "../../../ffi/files/file.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import { signalNumber } from "../../../ffi/processes/signals.ts";
import { onAbort } from "../../../ffi/waiting/abort.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import { signalTree } from "../../exec/descendants.ts";
import { Process } from "../../process.ts";
import { BASE_ENVIRONMENT, HOME } from "../options/environment.ts";
import type { ChildProcess, Running } from "./child_process.ts";
import type { SpawnOptions } from "./spawn_options.ts";

/** Where programs are started. */
export interface SpawnHost {
  readonly container: Container;
  /** The sandbox's own variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** How often the kernel has killed there for want of memory. */
  readonly oomKills: () => number;
}

/**
 * Starts a program.
 *
 * @param extraFiles fds that it gets as 3, 4, …
 * @param make its handle
 */
export async function spawnIn<Child extends ChildProcess>(
  { container, variables, oomKills }: SpawnHost,
  command: string,
  options: SpawnOptions,
  extraFiles: readonly number[],
  make: (running: Running) => Child,
): Promise<{ readonly child: Child; readonly process: Process }> {
  const { args = [], cwd, clearEnv = false, env = {}, signal } = options;
  const { stdin = "piped", stdout = "piped", stderr = "piped" } = options;
  const environment = { ...BASE_ENVIRONMENT, ...(clearEnv ? {} : variables), ...env };
  const piped = (kind: string) => kind === "null" ? "null" : "piped";
  const process = new Process({
    args: [command, ...args],
    env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    cwd: folderOf(cwd),
    stdin,
    stdout: piped(stdout),
    stderr: piped(stderr),
    extraFiles,
  });
  const before = oomKills();
  await container.start(process, { signal });
  const hasKilled = () => oomKills() > before;
  const pid = insidePid(process.pid);
  const child = make({ pid, process, stdin, stdout, stderr, hasKilled });
  if (signal !== undefined) {
    const abort = onAbort(signal, () => signalAll(process, "SIGTERM"));
    const forget = () => abort[Symbol.dispose]();
    child.status.then(forget, forget);
  }
  return { child, process };
}

/** Signals a program with all that it has started. */
export function signalAll(process: Process, signal: Deno.Signal): void {
  const top = {
    pid: process.pid,
    signal(number: number) {
      try {
        process.signal(number);
        return true;
      } catch (error) {
        if (error instanceof ContainerError && error.code === "ContainerNotRunning") return false;
        throw error;
      }
    },
  };
  signalTree(top, signalNumber(signal) ?? 0);
}

function folderOf(cwd: string | URL | undefined): string {
  if (cwd === undefined) return HOME;
  const path = cwd instanceof URL ? decodeURIComponent(cwd.pathname) : cwd;
  return path.startsWith("/") ? path : `${HOME}/${path}`;
}

/** A process's number in its own pid namespace: proc_pid_status(5), NSpid. */
function insidePid(pid: number): number {
  try {
    const numbers = /^NSpid:(.*)$/m.exec(readText(`/proc/${pid}/status`))?.[1] ?? "";
    return Number(numbers.trim().split(/\s+/).at(-1));
  } catch (error) {
    if (error instanceof SyscallError) return 0; // it has ended
    throw error;
  }
}
