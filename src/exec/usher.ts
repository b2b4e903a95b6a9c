/**
 * Starts a join's operations as an executable of some pages in memory. So the process that goes
 * where hostile processes live has nothing of this program's memory, arguments, environment or
 * binary, and its start takes the same time in a small and a large program.
 *
 * @module
 */

import { PAGE_SIZE } from "../../ffi/c/memory_numbers.ts";
import { F_SETFD } from "../../ffi/c/fd_numbers.ts";
import { AT_EMPTY_PATH, Fd, writeAll } from "../../ffi/files/file.ts";
import { memoryFile, readNumber } from "../../ffi/files/memory_file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { type ExitStatus, openPidfd, reapEnding } from "../../ffi/processes/process.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { executableFile, programImage } from "../../ffi/program/program_image.ts";
import { forbiddenProgram } from "../failures/forbidden_program.ts";
import { reportTail } from "../../init/words/channel.ts";
import { initFailure } from "../../init/operations/failure.ts";
import { type PlannedOperation, StepBuilder } from "../../init/operations/operation.ts";
import type { Bearer, BirthMemory, OtherParent } from "../process/bearer.ts";
import { PIDFD } from "../process/placed_fds.ts";
import {
  type BornPage,
  entersPidNamespace,
  type JoinOptions,
  planJoin,
  renumbered,
} from "./join.ts";
import type { InitStatus } from "../process/init_status.ts";
import { Child } from "../process/parent_process.ts";
import type { UsherTrace } from "./usher_trace.ts";

/** The name of an usher in the process table. */
const NAME = "hull";
/** An address between the image's two segments and the stack; a trace's memory is beside it. */
export const BORN_ADDRESS = 0x3000_0000n;
const CLONE = "usher.clone";
const EXECUTE = "usher.execute";

/** An usher's program. */
type UsherOptions = JoinOptions & { readonly target: object };

/** What is kept of an usher for the next one that does the same. */
export class UsherMemory implements Disposable {
  /** The executable, its operations, and all that they depend on beside the wishes. */
  image: Fd | undefined;
  operations: readonly PlannedOperation[] = [];
  key = "";
  /** How the bearer laid its birth out. */
  laid: object | undefined;

  /** Closes the executable. */
  [Symbol.dispose](): void {
    this.image?.close();
    this.image = undefined;
  }
}

/** What an usher is started with. */
export interface UsherParts {
  /** Who reads its report. */
  readonly said: InitStatus;
  readonly poller: Poller;
  /** The process that bears it, if this program does not. */
  readonly bearer?: Bearer | undefined;
  /** The trace of what it does. */
  readonly trace?: UsherTrace | undefined;
  /** What is kept of it, if it is to be; then it does not wait for this program. */
  readonly memory?: UsherMemory | undefined;
}

/** An usher that runs. */
export class Usher implements Disposable {
  readonly #child: Child;
  #page: Fd | undefined;
  readonly #poller: Poller;
  readonly #bearer: Bearer | undefined;

  private constructor(child: Child, page: Fd | undefined, { poller, bearer }: UsherParts) {
    this.#child = child;
    this.#page = page;
    this.#poller = poller;
    this.#bearer = bearer;
  }

  /**
   * Starts it.
   *
   * @throws {ContainerError} `InitFailed` if the host doesn't let it start
   */
  static async start(options: UsherOptions, parts: UsherParts): Promise<Usher> {
    const { said, poller, bearer, trace, memory } = parts;
    using stack = new DisposableStack();
    const page = entersPidNamespace(options.target)
      ? stack.use(memoryFile("hull-born"))
      : undefined;
    if (page !== undefined) writeAll(page, new Uint8Array(PAGE_SIZE));
    const born = page === undefined ? undefined : { fd: page.number, address: BORN_ADDRESS };
    let child: Child;
    if (bearer === undefined) {
      using unkept = new UsherMemory();
      const isKept = memory !== undefined && trace === undefined;
      const image = ownImage(options, born, said, isKept ? memory : unkept, trace);
      child = launch(image, inherited(options, born, trace), birthplaceOf(options), poller);
    } else child = await bear(bearer, options, born, said, memory);
    stack.move();
    return new Usher(child, page, parts);
  }

  /** The usher's own number. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * The process, once the usher has ended or has become it. Call it only once.
   *
   * @returns undefined if there is none, because the usher failed
   */
  async process(): Promise<Child | undefined> {
    if (this.#page === undefined) return this.#child;
    await this.#child.wait();
    const pid = readNumber(this.#page);
    this[Symbol.dispose]();
    // The child has not been waited for, so the pid is still its own.
    if (pid === 0) return undefined;
    return this.#bearer?.adopt(pid) ?? new Child(pid, openPidfd(pid), this.#poller);
  }

  /** Kills it if it runs. {@linkcode Usher.process} still gives the process that it has made. */
  async kill(): Promise<ExitStatus> {
    await this.#child.kill();
    return await this.#child.wait();
  }

  /** Closes what the start opened. */
  [Symbol.dispose](): void {
    if (this.#page === undefined) return;
    this.#child[Symbol.dispose]();
    this.#page.close();
    this.#page = undefined;
  }
}

function birthplaceOf({ cgroups }: JoinOptions): number | undefined {
  return cgroups.find(({ isBirthplace }) => isBirthplace)?.fd;
}

/** An executable, as a file in memory. */
interface Image {
  readonly file: Fd;
  readonly operations: readonly PlannedOperation[];
}

function imageOf(
  options: JoinOptions,
  born: BornPage | undefined,
  said: InitStatus,
  trace?: UsherTrace,
): Image {
  // No clock can be read behind a filter, so with a trace the filter is loaded as late as possible.
  const planned = planJoin(trace === undefined ? options : { ...options, guard: undefined }, born);
  const operations = trace?.markUsher(planned) ?? planned;
  const tail = reportTail(options.report, operations, said.know(operations));
  try {
    return { file: executableFile("hull-exec", programImage(operations, tail)), operations };
  } catch (error) {
    throw forbiddenProgram(error, "the program that joins");
  }
}

/** The executable for a birth of this program's own: the last one, if all numbers are the same. */
function ownImage(
  options: JoinOptions,
  born: BornPage | undefined,
  said: InitStatus,
  memory: UsherMemory,
  trace: UsherTrace | undefined,
): Fd {
  const key = [shapeOf(options), ...inherited(options, born), birthplaceOf(options)].join("|");
  if (memory.image !== undefined && memory.key === key) {
    said.know(memory.operations);
    return memory.image;
  }
  const { file, operations } = imageOf(options, born, said, trace);
  memory[Symbol.dispose]();
  return Object.assign(memory, { image: file, operations, key }).image;
}

/** Has another process start it. */
async function bear(
  bearer: Bearer,
  options: JoinOptions,
  born: BornPage | undefined,
  said: InitStatus,
  memory: UsherMemory | undefined,
): Promise<Child> {
  using unkept = new UsherMemory();
  const made = memory ?? unkept;
  return await bearer.bear({
    above: 3 + options.preserveFds,
    plan: (there, parent) => {
      const options2 = renumbered(options, there);
      const born2 = born === undefined ? undefined : { ...born, fd: there(born.fd) };
      const { file, operations } = imageOf(options2, born2, said);
      made[Symbol.dispose]();
      Object.assign(made, { image: file, operations, key: "" });
      return execution(
        there(file.number),
        inherited(options2, born2),
        birthplaceOf(options2),
        parent,
      );
    },
    report: options.report,
    said,
    endsSoon: born !== undefined,
    page: born?.fd,
    memory: memory === undefined ? undefined : memoryOf(memory, options, born, said),
  });
}

/** All of a join but its fds and what was wished for. */
function shapeOf({ target, cgroups, fds, preserveFds }: JoinOptions): string {
  return [
    target?.flags,
    target?.root === undefined,
    preserveFds,
    fds.map(({ as }) => as),
    cgroups.map((one) => `${one.controller} ${one.isBirthplace} ${one.otherwise === undefined}`),
  ].join("|");
}

function memoryOf(
  memory: UsherMemory,
  options: JoinOptions,
  born: BornPage | undefined,
  said: InitStatus,
): BirthMemory {
  const passed = inherited(options, born);
  const birthplace = birthplaceOf(options) ?? passed[0] as number;
  const all = [...passed, birthplace];
  const twice = all.map((fd) => all.indexOf(fd)); // one may be passed under two numbers
  return {
    shape: `${shapeOf(options)}|${twice}`,
    fds: () => [...all, memory.image?.number ?? -1],
    know: (bearers) => [memory.operations, bearers].forEach((one) => said.know(one)),
    get laid() {
      return memory.laid;
    },
    set laid(laid) {
      memory.laid = laid;
    },
  };
}

/** The fds that the program must find open, by the numbers that they have here. */
function inherited(
  { target, cgroups, fds, report, hold }: JoinOptions,
  born: BornPage | undefined,
  trace?: UsherTrace,
): readonly number[] {
  return [
    ...(trace === undefined ? [] : [trace.file.number]),
    ...[target?.pidfd, target?.root, born?.fd, hold?.control].filter((fd) => fd !== undefined),
    ...cgroups.filter(({ isBirthplace }) => !isBirthplace)
      .flatMap(({ fd, otherwise }) => otherwise === undefined ? [fd] : [fd, otherwise]),
    ...fds.map(({ fd }) => fd),
    report,
  ];
}

/** Makes the child. It shares this program's memory until its execve, so nothing is copied. */
function launch(
  image: Fd,
  fds: readonly number[],
  birthplace: number | undefined,
  poller: Poller,
): Child {
  const operations = execution(image.number, fds, birthplace);
  const program = new SyscallProgram(operations);
  program.run();
  requireSuccess(program, operations, CLONE);
  const pidfd = program.output(PIDFD);
  const fd = new Fd(new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true));
  try {
    requireSuccess(program, operations, EXECUTE);
  } catch (error) {
    reapEnding(fd);
    fd.close();
    throw error;
  }
  return new Child(program.result(CLONE), fd, poller);
}

/** The operations that make the child and execute the image. */
function execution(
  image: number,
  fds: readonly number[],
  birthplace: number | undefined,
  parent?: OtherParent,
): PlannedOperation[] {
  const step = new StepBuilder("join");
  const told = parent === undefined ? CLONE_PIDFD : CLONE_PARENT_SETTID;
  const flags = BigInt(CLONE_VM | CLONE_VFORK | told) | CLONE_CLEAR_SIGHAND;
  const handle = parent === undefined
    ? { pidfd: PIDFD, cgroup: birthplace }
    : { pid: parent.pid, cgroup: birthplace };
  step.because("make the child")
    .call("clone3", [cloneArguments(flags, handle), CLONE_ARGS_SIZE], {
      label: CLONE,
      onError: parent?.failed === undefined ? "return" : { jump: parent.failed },
      onPositive: parent === undefined ? "return" : { jump: parent.label },
    });
  step.because("pass on what it needs");
  for (const fd of fds) step.call("fcntl", [fd, F_SETFD, 0], { onError: "continue" });
  const hint =
    "the host may forbid executable files in memory: sysctl -w vm.memfd_noexec=1 allows them";
  step.because("become the program that joins", NAME, undefined, hint)
    .call("execveat", [image, "", { words: [NAME, 0] }, { words: [0] }, AT_EMPTY_PATH], {
      label: EXECUTE,
      onError: "continue",
    })
    .call("exit_group", [1]);
  return step.items as PlannedOperation[];
}

function requireSuccess(
  program: SyscallProgram,
  operations: readonly PlannedOperation[],
  label: string,
): void {
  const result = program.result(label);
  const operation = operations.find((one) => one.label === label);
  if (result < 0 && operation !== undefined) throw initFailure(operation, -result);
}
