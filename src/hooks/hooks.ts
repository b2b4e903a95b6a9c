/**
 * Hooks: programs that run at points of a container's life, with its state on their stdin.
 *
 * Source: config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle".
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { onAbort } from "../../ffi/waiting/abort.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { timerMs } from "../../ffi/waiting/timers.ts";
import { type ExitStatus, signalGroup } from "../../ffi/processes/process.ts";
import { signalName } from "../../ffi/processes/signals.ts";
import { lastWins } from "../../init/steps/process/program_environment.ts";
import { type Execve, type PlanItem, StepBuilder } from "../../init/operations/operation.ts";
import { becomeProgram } from "../../init/steps/process/execute.ts";
import type { Hook } from "../config/types/config.ts";
import type { HookPoint } from "../config/validate/validate.ts";
import { ContainerError } from "../errors.ts";
import type { Bearer } from "../process/bearer.ts";
import type { OciState } from "../state/oci_state.ts";
import { ownEnvironment } from "../own/own_environment.ts";
import { tellHook } from "../state/running_hook.ts";
import { SetnsProcess, type SetnsProcessOptions } from "../exec/setns_process.ts";
import { feed, OutputTail } from "./hook_streams.ts";

/** What the hooks of one point are run with. */
export interface HookContext extends
  Pick<
    SetnsProcessOptions,
    "target" | "cgroups" | "before" | "become" | "guard" | "lead" | "poller" | "bearer"
  > {
  /** What they find on their stdin. */
  readonly state: OciState;
  /** The environment of a hook that names none. */
  readonly env: readonly string[];
  /** The container's state folder, if its lock is held while the hook runs. */
  readonly locked?: string;
  /** Operations right before execve. */
  readonly last: readonly PlanItem[];
}

/** Who runs hooks. */
export interface HookRunner {
  readonly poller: Poller;
  /** The process that bears them, if this program does not. */
  readonly bearer?: Bearer | undefined;
}

/** The hooks that run in this program's namespaces, in the bundle's folder. */
export function inRuntime(state: OciState, { poller, bearer }: HookRunner): HookContext {
  const become = enterFolder(state.bundle);
  // for hooks that name none, as in other runtimes
  const env = bearer?.environment ?? ownEnvironment();
  return {
    cgroups: [],
    before: [],
    become,
    last: [],
    env,
    target: undefined,
    poller,
    bearer,
    state,
  };
}

/** Enters a hook's working folder, the same as with other runtimes. */
export function enterFolder(path: string): readonly PlanItem[] {
  const step = new StepBuilder("hooks");
  return step.because(`enter ${path}`, path, "/hooks")
    .call("chdir", [path], { onError: "continue" }).items;
}

/**
 * Runs the hooks of a point in order, up to the first that fails.
 *
 * @throws {ContainerError} `HookFailed` with how it ended and what it wrote last
 */
export async function runHooks(
  point: HookPoint,
  hooks: readonly Hook[] | undefined,
  context: HookContext,
): Promise<void> {
  for (const [k, hook] of (hooks ?? []).entries()) {
    await runHook(`/hooks/${point}/${k}`, hook, context);
  }
}

/**
 * Runs all hooks of a point, even if some fail.
 *
 * @returns the failures
 */
export async function runAllHooks(
  point: HookPoint,
  hooks: readonly Hook[] | undefined,
  context: HookContext,
): Promise<ContainerError[]> {
  const failures: ContainerError[] = [];
  for (const [k, hook] of (hooks ?? []).entries()) {
    try {
      await runHook(`/hooks/${point}/${k}`, hook, context);
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

async function runHook(pointer: string, hook: Hook, context: HookContext): Promise<void> {
  const { state } = context;
  const { signal, endless: poller } = context.poller; // what the hook writes is read to its end
  signal?.throwIfAborted();
  using output = new Pipe();
  using input = new Pipe();
  using process = new SetnsProcess({
    ...context,
    bearer: context.bearer?.ofTheWay,
    execute: [...context.last, execute(hook, context.env, pointer)],
    stdio: {
      stdin: input.reader.number,
      stdout: output.writer.number,
      stderr: output.writer.number,
    },
  });
  try {
    await process.start();
  } catch (error) {
    await process.terminate();
    signal?.throwIfAborted();
    throw asHookFailure(error, pointer, hook);
  }
  using _told = context.locked === undefined ? undefined : tellHook(context.locked, process.pid);
  input.reader.close();
  output.writer.close();
  const fed = feed(input.writer, JSON.stringify(state), poller);
  const tail = new OutputTail(output.reader, poller);
  const { status, isLate } = await waitAtMost(process, hook.timeout, signal);
  if (input.writer.isOpen) poller.cancel(input.writer);
  input.writer.close();
  await fed;
  const said = await tail.end();
  signal?.throwIfAborted();
  if (!isLate && status.code === 0) return;
  throw new ContainerError("HookFailed", `${what(pointer)} failed: ${how(status, hook, isLate)}`, {
    step: "hooks",
    path: hook.path,
    pointer,
    hint: said === "" ? "it wrote nothing" : `it wrote: ${said}`,
  });
}

/** `/hooks/createRuntime/0` in words: `the createRuntime hook 0`. */
function what(pointer: string): string {
  const [point, index] = pointer.split("/").slice(2);
  return `the ${point} hook ${index}`;
}

function how({ code, signal }: ExitStatus, { timeout }: Hook, isLate: boolean): string {
  if (isLate) return `it ran longer than its timeout of ${timeout} s`;
  return signal === undefined ? `exit code ${code}` : `killed by ${signalName(signal)}`;
}

function asHookFailure(error: unknown, pointer: string, { path }: Hook): unknown {
  if (!(error instanceof ContainerError)) return error;
  return new ContainerError("HookFailed", `${what(pointer)} failed: ${error.summary}`, {
    ...error.toJSON(),
    step: "hooks",
    path,
    pointer,
    cause: error,
  });
}

function execute(
  { path, args, env }: Hook,
  fallback: readonly string[],
  pointer: string,
): Execve {
  return becomeProgram("hooks", path, args ?? [path], lastWins(env ?? fallback), {
    reason: "run the hook",
    path,
    pointer: `${pointer}/path`,
    hint: `the path must be that of an executable file ${
      pointer.includes("/startContainer/") ? "in the container's rootfs" : "on the host"
    }`,
  });
}

/**
 * Waits for a process. When its time is up or the call is aborted, it is killed with its process
 * group.
 */
async function waitAtMost(
  process: SetnsProcess,
  timeoutSeconds: number | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: ExitStatus; readonly isLate: boolean }> {
  let isLate = false;
  let hasEnded = false;
  const kill = () => {
    // The process is not reaped before its end is noticed here, so the number still belongs to it.
    if (!hasEnded) signalGroup(process.pid, SIGKILL);
  };
  using _ = onAbort(signal, kill);
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(() => {
    isLate = true;
    kill();
  }, timerMs(timeoutSeconds * 1000));
  try {
    const status = await process.wait().finally(() => hasEnded = true);
    return { status, isLate };
  } finally {
    clearTimeout(timer);
  }
}
