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
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { type ExitStatus, openPidfd, reapEnding } from "../../ffi/processes/process.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { executableFile, programImage } from "../../ffi/program/program_image.ts";
import { reportTail } from "../../init/words/channel.ts";
import { initFailure } from "../../init/operations/failure.ts";
import { type PlannedOperation, StepBuilder } from "../../init/operations/operation.ts";
import { PIDFD } from "../process/placed_fds.ts";
import { type BornPage, entersPidNamespace, type JoinOptions, planJoin } from "./join.ts";
import type { InitStatus } from "../process/init_status.ts";
import { Child } from "../process/parent_process.ts";
import type { UsherTrace } from "./usher_trace.ts";

/** The name of an usher in the process table. */
const NAME = "hull";
/** An address between the image's two segments and the stack; a trace's memory is beside it. */
export const BORN_ADDRESS = 0x3000_0000n;
const CLONE = "usher.clone";
const EXECUTE = "usher.execute";

/** An usher that runs. */
export class Usher implements Disposable {
  readonly #child: Child;
  #page: Fd | undefined;
  readonly #poller: Poller;

  /**
   * Starts it.
   *
   * @param said who reads its report
   * @param trace the trace of what it does
   * @throws {ContainerError} `InitFailed` if the host doesn't let it start
   */
  constructor(
    options: JoinOptions & { readonly target: object },
    said: InitStatus,
    poller: Poller,
    trace?: UsherTrace,
  ) {
    this.#poller = poller;
    using stack = new DisposableStack();
    const page = entersPidNamespace(options.target)
      ? stack.use(memoryFile("hull-born"))
      : undefined;
    if (page !== undefined) writeAll(page, new Uint8Array(PAGE_SIZE));
    const born = page === undefined ? undefined : { fd: page.number, address: BORN_ADDRESS };
    // No clock can be read behind a filter, so with a trace the filter is loaded as late as
    // possible.
    const planned = planJoin(
      trace === undefined ? options : { ...options, guard: undefined },
      born,
    );
    const operations = trace?.markUsher(planned) ?? planned;
    const tail = reportTail(options.report, operations, said.know(operations));
    using image = executableFile("hull-exec", programImage(operations, tail));
    const birthplace = options.cgroups.find(({ isBirthplace }) => isBirthplace)?.fd;
    this.#child = launch(image, inherited(options, born, trace), birthplace, poller);
    this.#page = page;
    stack.move();
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
    return pid === 0 ? undefined : new Child(pid, openPidfd(pid), this.#poller);
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

/** The fds that the program must find open, by the numbers that they have here. */
function inherited(
  { target, cgroups, fds, report, hold }: JoinOptions,
  born: BornPage | undefined,
  trace: UsherTrace | undefined,
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
  const step = new StepBuilder("join");
  const flags = BigInt(CLONE_VM | CLONE_VFORK | CLONE_PIDFD) | CLONE_CLEAR_SIGHAND;
  const handle = { pidfd: PIDFD, cgroup: birthplace };
  step.because("make the child")
    .call("clone3", [cloneArguments(flags, handle), CLONE_ARGS_SIZE], {
      label: CLONE,
      onError: "return",
      onPositive: "return",
    });
  step.because("pass on what it needs");
  for (const fd of fds) step.call("fcntl", [fd, F_SETFD, 0], { onError: "continue" });
  const hint = "the host may forbid executable files in memory: see sysctl vm.memfd_noexec";
  step.because("become the program that joins", NAME, undefined, hint)
    .call("execveat", [image.number, "", { words: [NAME, 0] }, { words: [0] }, AT_EMPTY_PATH], {
      label: EXECUTE,
      onError: "continue",
    })
    .call("exit_group", [1]);
  const operations = step.items as PlannedOperation[];
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

function requireSuccess(
  program: SyscallProgram,
  operations: readonly PlannedOperation[],
  label: string,
): void {
  const result = program.result(label);
  const operation = operations.find((one) => one.label === label);
  if (result < 0 && operation !== undefined) throw initFailure(operation, -result);
}
