/**
 * The re-executed init ("dockerinit"): it runs inside the new namespaces, reads its config from an
 * inherited fd, makes the plan, and becomes the user's program.
 *
 * @module
 */

import { Fd } from "../ffi/files/file.ts";
import type { InitTraceFd } from "./operations/init_config.ts";
import { ContainerError } from "../src/errors.ts";
import { receiveConfig, sendError } from "./words/channel.ts";
import { HostFacts } from "./operations/host_facts.ts";
import type { InitTrace } from "./words/init_trace.ts";
import { mountedAt } from "./plan_mounts.ts";
import { planInit } from "./plan.ts";
import { runPlan } from "./run_plan.ts";
import { joinsInhabited, launcherMakesNetwork } from "./steps/process/namespaces.ts";
import { INIT_VARIABLE, STANDARD_INIT } from "./init_variable.ts";

/**
 * Runs init if this process was started as one, and does not return then. The variable names the
 * kind of init and its two fds: `KIND:STATUS:CONTROL`.
 */
export async function startInitialization(): Promise<void> {
  const value = Deno.env.get(INIT_VARIABLE);
  if (value === undefined) return;
  const [kind, status, control] = value.split(":");
  if (kind !== STANDARD_INIT || status === undefined || control === undefined) Deno.exit(2);
  await initialize(new Fd(Number(status)), new Fd(Number(control)));
  Deno.exit(1);
}

async function initialize(status: Fd, control: Fd): Promise<void> {
  try {
    const began = performance.now();
    const init = receiveConfig(control);
    if (init === undefined) return; // the parent is gone
    const trace = init.trace === undefined ? undefined : await openTrace(init.trace, began);
    const facts = new HostFacts(init.rootfs, mountedAt(init.config), undefined, init.rootFiles);
    trace?.lap("gather the facts");
    const plan = planInit(init, facts);
    const { namespaces = [], timeOffsets } = init.config.linux ?? {};
    if (!joinsInhabited(namespaces)) {
      const doors = init.cgroups.late.map(({ fd }) => fd);
      const { id, fds: { status } } = init;
      const isTraced = trace !== undefined;
      return runPlan(trace?.mark(plan) ?? plan, { id, status, doors, isTraced });
    }
    const { launch } = await import("./launch/launch.ts"); // few containers need it
    const waits = init.waitsForNetwork === true && launcherMakesNetwork(namespaces);
    const go = waits ? control : undefined;
    launch(
      {
        namespaces,
        cgroups: init.cgroups,
        userFirst: init.inUserNamespace === true && Deno.uid() !== 0,
        control: control.number,
        timeOffsets,
        seccomp: init.seccomp,
      },
      plan,
      { status, go },
      trace,
    );
    Deno.exit(0);
  } catch (error) {
    sendError(status, asContainerError(error));
  }
}

/** Loaded late, since few starts are traced. */
async function openTrace(fd: InitTraceFd, began: number): Promise<InitTrace> {
  const received = performance.now();
  const { InitTrace } = await import("./words/init_trace.ts");
  const trace = new InitTrace(fd);
  trace.lap("load init", began);
  trace.lap("receive the config", received);
  trace.lap("begin the trace");
  return trace;
}

function asContainerError(error: unknown): ContainerError {
  if (error instanceof ContainerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ContainerError("InitFailed", `init failed: ${message}`, { cause: error });
}

if (import.meta.main) await startInitialization();
