/**
 * The last things: the working folder, the program's file, the hand-over with the parent, and
 * execve.
 *
 * Source: execve(2), close_range(2), the runtime-spec's "Lifecycle".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../ffi/file.ts";
import { PR } from "../../ffi/credentials.ts";
import type { Argument, Words } from "../../ffi/program.ts";
import { openHow, RESOLVE_NO_MAGICLINKS } from "../../ffi/path.ts";
import type { InitFds } from "../../src/config/init_config.ts";
import type { Destination } from "../facts.ts";
import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { makeMissing } from "./paths.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const CLOSE_RANGE_UNSHARE = 2;
const LAST_FD = 0xffffffff;
const PATH_MAX = 4096;
const X_OK = 1;
const AT_EACCESS = 0x200;
const SIG_SETMASK = 2;

const encoder = new TextEncoder();

/** What init writes to its status fd when the container is ready. */
export const READY = "ready\n";
/** The label of the wait for the start, up to which who made the container stays with it. */
export const RELEASED = "released";

/** Makes the working folder if the image lacks it. */
export function makeWorkingFolder(cwd: Destination): PlanItem[] {
  const step = new StepBuilder("pivot");
  step.because("make the working folder", undefined, "/process/cwd");
  makeMissing(step, cwd, "directory", "cwd");
  return step.items;
}

/** Enters the working folder, never through a link of /proc to an fd (CVE-2024-21626). */
export function enterWorkingFolder(cwd: string, { components }: Destination): PlanItem[] {
  const step = new StepBuilder("exec");
  const how = openHow(O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
  step.because(
    `enter ${cwd} with chdir`,
    cwd,
    "/process/cwd",
    "it must be a folder inside the container",
  )
    .call("openat2", [AT_FDCWD, cwd, how, how.length], { label: "cwd", components })
    .call("fchdir", [result("cwd")]);
  // getcwd(2) gives "(unreachable)/..." for a folder outside the root, which leads nowhere.
  const path = { space: PATH_MAX, name: "cwd.path" };
  step.because(`check that ${cwd} is inside the root`, cwd, "/process/cwd")
    .call("getcwd", [path, PATH_MAX])
    .call("openat", [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { label: "cwd.check" })
    .close("cwd.check", "cwd");
  return step.items;
}

/** Where execve may find the program: its path, or its name in each folder of PATH. */
export function candidates(program: string, env: readonly string[]): readonly string[] {
  if (program.includes("/")) return [program];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path.split(":").filter((folder) => folder !== "").map((folder) => `${folder}/${program}`);
}

/**
 * Looks for an executable file among the candidates, so that a `create` fails at once where there
 * is none.
 */
export function findProgram(
  program: string,
  env: readonly string[],
  look: (path: string) => Destination,
): PlanItem[] {
  const step = new StepBuilder("exec");
  const paths = candidates(program, env);
  const how = openHow(O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
  paths.forEach((path, k) => {
    const isLast = k === paths.length - 1;
    const next = isLast ? "fail" : { jump: `program${k + 1}` } as const;
    step.because(`look for the program at ${path}`, path, "/process/args/0", notFound(program))
      .call("openat2", [AT_FDCWD, path, how, how.length], {
        label: `program${k}`,
        onError: next,
        components: path.startsWith("/") ? look(path).components : undefined,
      })
      .call("faccessat2", [result(`program${k}`), "", X_OK, AT_EMPTY_PATH | AT_EACCESS], {
        onError: next,
      });
    if (!isLast) step.jump("found");
  });
  return step.items;
}

/** What to do where the program can't be started. */
export function notFound(program: string): string {
  return program.includes("/")
    ? "the path must be that of an executable file in the rootfs"
    : "PATH in process.env says where it is looked for";
}

/** Signals as a new program expects them: none blocked, none ignored. */
export function resetSignals(ignored: readonly number[]): PlanItem[] {
  const step = new StepBuilder("exec");
  step.because("unblock all signals")
    .call("rt_sigprocmask", [SIG_SETMASK, new Uint8Array(8), 0, 8], { label: "found" });
  for (const signal of ignored) {
    step.because(`give signal ${signal} its default action`)
      .call("rt_sigaction", [signal, new Uint8Array(32), 0, 8]);
  }
  return step.items;
}

/**
 * Closes what the program must not inherit, in a table of fds that other threads of init don't
 * share; the fds for the hand-over close at execve.
 *
 * @param preserved how many fds from 3 on are the program's
 */
export function closeFds(fds: InitFds, preserved: number): PlanItem[] {
  const step = new StepBuilder("exec");
  const kept = [fds.status, fds.control, fds.start].sort((a, b) => a - b);
  step.because(`close all fds above ${2 + preserved} but those of the hand-over`);
  let first = 3 + preserved;
  for (const fd of kept) {
    if (fd > first) step.call("close_range", [first, fd - 1, CLOSE_RANGE_UNSHARE]);
    step.call("fcntl", [fd, F_SETFD, FD_CLOEXEC]);
    first = fd + 1;
  }
  step.call("close_range", [first, LAST_FD, CLOSE_RANGE_UNSHARE]);
  return step.items;
}

/**
 * Ends the bond of the parent's death, which kills init up to here. The pipe of the hand-over takes
 * over before the parent may go, so that there is no moment at which its going could kill a container
 * that is made.
 */
export function outliveParent(): PlanItem[] {
  const step = new StepBuilder("ready");
  step.because("outlive the parent from its word on").call("prctl", [PR.SET_PDEATHSIG, 0, 0, 0, 0]);
  return step.items;
}

/**
 * Tells the parent that all is ready and waits for its word; if the parent is gone, which the end of
 * the pipe says, init ends. It only reads and writes: a filter with a listener is loaded by then.
 */
export function handOver(fds: InitFds): PlanItem[] {
  const step = new StepBuilder("ready");
  tellAndWait(step, "the container", fds.status, fds.control);
  step.because("wait for the start")
    .call("read", [fds.start, new Uint8Array(1), 1], { label: RELEASED });
  return step.items;
}

/**
 * The same for a further process, which waits for no start: what its parent does for it meanwhile is
 * done before the program's first instruction.
 */
export function waitForParent(status: number, control: number): PlanItem[] {
  const step = new StepBuilder("ready");
  tellAndWait(step, "the process", status, control);
  step.because("go on").call("read", [control, new Uint8Array(1), 0], { label: RELEASED });
  return step.items;
}

function tellAndWait(step: StepBuilder, who: string, status: number, control: number): void {
  const ready = encoder.encode(READY);
  step.because(`tell the parent that ${who} is ready`)
    .call("write", [status, ready, ready.length]);
  step.because("wait for the parent; end if it is gone")
    .call("read", [control, new Uint8Array(1), 1], { onPositive: { jump: RELEASED } })
    .call("exit_group", [1]);
}

/** Becomes the program: execve of each candidate until one is there. */
export function execute(args: readonly string[], env: readonly string[]): PlanItem[] {
  const step = new StepBuilder("exec");
  const program = args[0] ?? "";
  const paths = candidates(program, env);
  const vectors: readonly Argument[] = [vector(args), vector(env)];
  paths.forEach((path, k) => {
    step.because(`become ${path}`, path, "/process/args/0", notFound(program))
      .call("execve", [path, ...vectors], {
        onError: k === paths.length - 1 ? "fail" : "continue",
      });
  });
  return step.items;
}

function vector(strings: readonly string[]): Words {
  return { words: [...strings, 0] };
}
