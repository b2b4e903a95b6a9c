/**
 * The program's file: how it is looked for, and execve.
 *
 * Source: execve(2), faccessat2(2), sigaction(2).
 *
 * @module
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from "../../../ffi/files/file.ts";
import type { Argument, Space, Words } from "../../../ffi/program/operation.ts";
import { openHow, RESOLVE_NO_MAGICLINKS } from "../../../ffi/files/path.ts";
import type { Destination } from "../../operations/facts.ts";
import {
  type Execve,
  type PlanItem,
  type Reason,
  result,
  StepBuilder,
  type StepName,
} from "../../operations/operation.ts";

const X_OK = 1;
const AT_EACCESS = 0x200;
const SIG_SETMASK = 2;

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
  look: (path: string) => Pick<Destination, "components">,
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
  step.because(`look whether ${path} may be executed`, path, PROGRAM, NOT_EXECUTABLE)
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
  step.because(`refuse the folder ${path}`, path, PROGRAM, FOLDER);
  if (next !== "fail") {
    step.call("openat", args, { onError: "continue", onPositive: next });
    return;
  }
  // A folder can't be executed: executing it gives the errno that says so.
  step.call("openat", args, { onError: { jump: `${label}.rights` } })
    .call("execveat", [result(label), "", vector([]), vector([]), AT_EMPTY_PATH]);
}

const PROGRAM = "/process/args/0";
const FOLDER = "it is a folder: the first word of process.args must be a program";
const NOT_EXECUTABLE =
  "let its user execute it: chmod a+x it and the folders above it, on a mount without noexec";

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
 * Becomes the program that {@linkcode findProgram} found.
 *
 * @param reaper the program to become in its place, which looks for it once more and starts it
 */
export function execute(
  args: readonly string[],
  env: readonly string[],
  reaper?: string,
): Execve {
  const [program = ""] = args;
  if (reaper !== undefined) {
    return becomeProgram("exec", reaper, [reaper, ...args], env, {
      reason: `become ${reaper}, which starts ${program}`,
      path: reaper,
      pointer: PROGRAM,
    });
  }
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
