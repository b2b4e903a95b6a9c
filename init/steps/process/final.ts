/**
 * The last things: the working folder, the program's file, the hand-over with the parent, and
 * execve.
 *
 * Source: execve(2), close_range(2), the runtime-spec's "Lifecycle".
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC, LAST_FD } from "../../../ffi/c/fd_numbers.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from "../../../ffi/files/file.ts";
import { PR } from "../../../ffi/processes/credentials.ts";
import type { Argument, Space, Words } from "../../../ffi/program/operation.ts";
import { openHow, PATH_MAX, RESOLVE_NO_MAGICLINKS } from "../../../ffi/files/path.ts";
import type { InitFds } from "../../operations/init_config.ts";
import type { Destination } from "../../operations/facts.ts";
import {
  type Execve,
  type PlanItem,
  type Reason,
  result,
  StepBuilder,
  type StepName,
} from "../../operations/operation.ts";
import { makeMissing, ROOT } from "../places/paths.ts";

const CLOSE_RANGE_UNSHARE = 2;
const X_OK = 1;
const AT_EACCESS = 0x200;
const SIG_SETMASK = 2;

const encoder = new TextEncoder();

/** What init writes to its status fd when the container is ready. */
export const READY = "ready\n";
/**
 * The label of the wait for the start. Up to it the parent that made the container stays with init.
 */
export const RELEASED = "released";

/**
 * Makes the working folder if the image lacks it.
 *
 * @param afterHooks whether hooks have run since it was looked for: they may have mounted something
 *   over a folder on its way, so that each one is made anew
 */
export function makeWorkingFolder(
  cwd: string,
  destination: Destination,
  afterHooks: boolean,
): PlanItem[] {
  const step = new StepBuilder("pivot");
  step.because("make the working folder", cwd, "/process/cwd");
  const { components, missing, isSure } = destination;
  if (isSure) {
    const unseen = afterHooks ? components.length : missing;
    makeMissing(step, { ...destination, missing: unseen }, "directory", "cwd");
  } else step.place(ROOT, cwd, "cwd.made", "directory").close("cwd.made");
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

/**
 * Where execve may find the program: its path, or its name in each folder of PATH; nowhere without
 * a PATH, or with an empty one.
 */
export function candidates(program: string, env: readonly string[]): readonly string[] {
  if (program.includes("/")) return [program];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path.split(":").filter((folder) => folder !== "").map((folder) => `${folder}/${program}`);
}

/** struct sigaction of the kernel, which begins with the handler. */
const SIGACTION_SIZE = 32;
const SIGSET_SIZE = 8;
/**
 * A plan has no variables, so the handler of the last signal serves as one: it holds the address of
 * the path that was found, until the signal gets its default action back.
 */
const REGISTER = 64;
const FOUND: Space = { space: SIGACTION_SIZE, name: "found" };

/** The label of the operation that opens the k-th candidate. */
function candidateLabel(k: number): string {
  return `program${k}`;
}

/** Whether a label is that of an operation that opens a candidate. */
export function isCandidate(label: string): boolean {
  return /^program\d+$/.test(label);
}

/**
 * Looks for the program, so that a `create` fails at once where there is none: execve gets the
 * first candidate that is an executable file, whether that succeeds or not. A folder does not
 * count.
 *
 * @param cwd where it is looked for if its path is a relative one
 *
 * If all candidates are missing, the last operation, which always fails, reports it: see
 * init/operations/failure.ts.
 */
export function findProgram(
  program: string,
  env: readonly string[],
  cwd: string,
  look: (path: string) => Destination,
): PlanItem[] {
  const step = new StepBuilder("exec");
  const paths = candidates(program, env);
  paths.forEach((path, k) => {
    const { components } = look(path.startsWith("/") ? path : `${cwd}/${path}`);
    const next = paths[0] === program ? "fail" : { jump: candidateLabel(k + 1) } as const;
    tryCandidate(step, path, { k, components, next, hint: notFound(program) });
  });
  if (paths[0] !== program) {
    step.because(`look for ${program}`, program, PROGRAM, notFound(program))
      .call("openat", [AT_FDCWD, "", O_PATH, 0], { label: candidateLabel(paths.length) });
  }
  step.because("take the program that was found", program, PROGRAM)
    .call("rt_sigaction", [REGISTER, new Uint8Array(SIGACTION_SIZE), FOUND, SIGSET_SIZE], {
      label: "found",
    });
  return step.items;
}

/** How one candidate is tried, and where the search goes on without it. */
interface Candidate {
  readonly k: number;
  readonly components: readonly string[] | undefined;
  readonly next: "fail" | { readonly jump: string };
  readonly hint: string;
}

function tryCandidate(
  step: StepBuilder,
  path: string,
  { k, components, next, hint }: Candidate,
): void {
  const label = candidateLabel(k);
  const how = openHow(O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
  step.because(`look for the program at ${path}`, path, PROGRAM, hint)
    .call("openat2", [AT_FDCWD, path, how, how.length], { label, onError: next, components });
  refuseFolder(step, path, { label, next });
  step.because(`look whether ${path} may be executed`, path, PROGRAM, hint)
    .call("faccessat2", [result(label), "", X_OK, AT_EMPTY_PATH | AT_EACCESS], {
      label: `${label}.rights`,
      onError: next,
    })
    .call("rt_sigaction", [REGISTER, { words: [path, 0, 0, 0] }, 0, SIGSET_SIZE])
    .jump("found");
}

/** A search skips a folder; if a path names one, that is the error. */
function refuseFolder(
  step: StepBuilder,
  path: string,
  { label, next }: { readonly label: string; readonly next: Candidate["next"] },
): void {
  const args = [result(label), ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0];
  step.because(`refuse the folder ${path}`, path, PROGRAM, "it is a folder");
  if (next !== "fail") {
    step.call("openat", args, { onError: "continue", onPositive: next });
    return;
  }
  // A folder can't be executed: executing it gives the errno that says so.
  step.call("openat", args, { onError: { jump: `${label}.rights` } })
    .call("execveat", [result(label), "", vector([]), vector([]), AT_EMPTY_PATH]);
}

const PROGRAM = "/process/args/0";

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
    .call("rt_sigprocmask", [SIG_SETMASK, new Uint8Array(SIGSET_SIZE), 0, SIGSET_SIZE]);
  for (const signal of ignored) {
    step.because(`give signal ${signal} its default action`)
      .call("rt_sigaction", [signal, new Uint8Array(SIGACTION_SIZE), 0, SIGSET_SIZE]);
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
 * Removes the parent-death signal, which kills init up to here. From now on init notices by the
 * pipe of the hand-over that the parent has gone. So once the container is made, the end of the
 * parent can't kill it.
 */
export function outliveParent(): PlanItem[] {
  const step = new StepBuilder("ready");
  step.because("outlive the parent from its word on").call("prctl", [PR.SET_PDEATHSIG, 0, 0, 0, 0]);
  return step.items;
}

/**
 * Tells the parent that all is ready and waits for its answer. If the pipe ends, the parent is
 * gone, and init ends too. Only reads and writes are used, because a filter with a listener may be
 * loaded by then.
 */
export function handOver(fds: InitFds): PlanItem[] {
  const step = new StepBuilder("ready");
  tellAndWait(step, "the container", fds.status, fds.control);
  step.because("wait for the start")
    .call("read", [fds.start, new Uint8Array(1), 1], { label: RELEASED });
  return step.items;
}

/**
 * The same for a further process, which waits for no start: its parent does its work for it before
 * the program's first instruction.
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

/** Becomes the program that {@linkcode findProgram} found. */
export function execute(args: readonly string[], env: readonly string[]): Execve {
  const [program = ""] = args;
  const path: Argument = { heldIn: FOUND, offset: 0 };
  return becomeProgram("exec", path, args, env, {
    reason: `become ${program}`,
    path: program,
    pointer: PROGRAM,
  });
}

/** A plan's end: one call of execve. */
export function becomeProgram(
  step: StepName,
  path: Argument,
  args: readonly string[],
  env: readonly string[],
  why: Reason,
): Execve {
  return { step, ...why, syscall: "execve", args: [path, vector(args), vector(env)] };
}

function vector(strings: readonly string[]): Words {
  return { words: [...strings, 0] };
}
