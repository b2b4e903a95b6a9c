/**
 * The supervisor of a detached container: the process that is the parent of the container's first
 * process after hull has ended, and records how that ended. Only a parent is told, and whoever else
 * asks later (`hull wait`, `hull state`) reads its record.
 *
 * It is no runtime but a syscall program (ffi/program_image.ts) that waits in the kernel, in some
 * 20 kB of memory. It must be above the hull that makes the container, since a process can only
 * be left to one of its ancestors; so hull starts the supervisor, the supervisor starts hull again,
 * and that one makes the container as ever:
 *
 *     hull (called) ── supervisor, the nearest subreaper ── hull (again) ── init
 *           ▲   report: how hull (again) ended  │  ▲   pidfd of init, record  │
 *           └───────────────────────────────────┘  └──────────────────────────┘
 *
 * @module
 */

import { PR } from "../ffi/credentials.ts";
import { SyscallError } from "../ffi/errno.ts";
import { AT_EMPTY_PATH, duplicate, Fd } from "../ffi/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../ffi/namespaces.ts";
import { Pipe } from "../ffi/pipe.ts";
import { Poller } from "../ffi/poll.ts";
import { decodeEnd, type ExitStatus, openPidfd, SIGINFO_SIZE } from "../ffi/process.ts";
import { type Argument, type Operation, SyscallProgram } from "../ffi/program.ts";
import { executableFile, programImage } from "../ffi/program_image.ts";
import { sendFds, socketPair } from "../ffi/socket.ts";
import { readableFd } from "../ffi/stream.ts";
import { ContainerError } from "./errors.ts";
import { createExitRecord } from "./exit_record.ts";
import { identify, type ProcessIdentity } from "./process_identity.ts";

/** By this variable, which holds the number of a socket, a hull knows that it is supervised. */
export const SUPERVISED_VARIABLE = "_HULL_SUPERVISED";

const P_PID = 1;
const P_PIDFD = 3;
const WEXITED = 4;
const WALL = 0x40000000;
const MSG_DONTWAIT = 0x40;

/** What runs below a supervisor. */
export interface SupervisedCommand {
  /** The container's id, by which people find the supervisor among the processes. */
  readonly id: string;
  /** The program and its arguments. */
  readonly command: readonly [path: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  /** How many fds from 3 on it inherits. */
  readonly preserveFds: number;
}

/**
 * Starts a supervisor, and below it a command that makes a container; waits for the command's end.
 *
 * @returns how the command ended
 * @throws {ContainerError} `SystemError`, `Unsupported`
 */
export async function runSupervised(supervised: SupervisedCommand): Promise<ExitStatus> {
  const numbers = layOut(supervised.preserveFds);
  using poller = new Poller();
  using report = new Pipe();
  start(supervised, numbers, report.writer);
  report.writer.close(); // so that the supervisor's end is heard
  const bytes = await new Response(readableFd(duplicate(report.reader), poller)).bytes();
  const status = decodeEnd(bytes);
  if (status !== undefined) return status;
  throw new ContainerError("SystemError", "the supervisor ended before the container was made");
}

function start(supervised: SupervisedCommand, numbers: Numbers, report: Fd): void {
  using sockets = socketPair();
  const image = programImage(supervisorProgram(supervised, numbers));
  using file = executableFile("hull-supervisor", image);
  // Copies above all numbers, so that putting one in place replaces none.
  using stack = new DisposableStack();
  const [program, ours, theirs, end] = [file, sockets.ours, sockets.theirs, report].map((fd) =>
    stack.use(duplicate(fd, numbers.end))
  ) as [Fd, Fd, Fd, Fd];
  launch(program, supervised.id, [
    [ours, numbers.ours],
    [theirs, numbers.theirs],
    [end, numbers.report],
  ]);
}

/** What a supervised hull tells its supervisor of the container that it has made. */
export class Supervision implements Disposable {
  readonly #socket: Fd;
  /** The supervisor. */
  readonly supervisor: ProcessIdentity;

  /** Takes the socket that the supervisor left; nobody below this program gets it. */
  constructor(inherited: number) {
    this.#socket = duplicate(inherited, 3);
    new Fd(inherited).close();
    const supervisor = identify(Deno.ppid);
    if (supervisor === undefined) {
      throw new ContainerError("SystemError", "the supervisor has ended");
    }
    this.supervisor = supervisor;
  }

  /** The supervision that this program is under; undefined without one. */
  static inherited(): Supervision | undefined {
    const number = Deno.env.get(SUPERVISED_VARIABLE);
    if (number === undefined) return undefined;
    Deno.env.delete(SUPERVISED_VARIABLE);
    return new Supervision(Number(number));
  }

  /** Hands over the container's first process, and the record to write its end to. */
  handOver(folder: string, pid: number): void {
    using pidfd = openPidfd(pid);
    using record = createExitRecord(folder);
    sendFds(this.#socket, [pidfd, record], "init");
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** The numbers of the supervisor's fds, behind those that are only passed on. */
interface Numbers {
  readonly ours: number;
  readonly theirs: number;
  readonly report: number;
  readonly end: number;
}

function layOut(preserveFds: number): Numbers {
  const ours = 3 + preserveFds;
  return { ours, theirs: ours + 1, report: ours + 2, end: ours + 3 };
}

/** What the supervisor does, from its first call to its last. */
function supervisorProgram(supervised: SupervisedCommand, numbers: Numbers): Operation[] {
  const { ours, theirs, report } = numbers;
  const { command, env } = supervised;
  const variables = { ...env, [SUPERVISED_VARIABLE]: String(theirs) };
  const words = (strings: readonly string[]): Argument => ({ words: [...strings, 0] });
  const call = (
    syscall: Operation["syscall"],
    args: readonly Argument[],
    more: Partial<Operation> = {},
  ): Operation => ({ syscall, args, onError: "continue", ...more });
  const fds = { space: 24, name: "fds" };
  const message = { words: [0, 0, { words: [new Uint8Array(8), 8] }, 1, fds, fds.space, 0] };
  const made = { space: SIGINFO_SIZE, name: "made" };
  const ended = { space: SIGINFO_SIZE, name: "ended" };
  return [
    call("setsid", []), // no terminal's end is the supervisor's
    call("prctl", [PR.SET_CHILD_SUBREAPER, 1, 0, 0, 0]),
    call("clone3", [cloneArguments(0), CLONE_ARGS_SIZE], {
      label: "hull",
      onPositive: { jump: "parent" },
      onError: { jump: "end" },
    }),
    call("close", [ours]),
    call("close", [report]),
    call("execve", [
      command[0],
      words(command),
      words(
        Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      ),
    ]),
    call("exit_group", [127]),
    // Nobody waits for the end of the caller's pipes because of the supervisor.
    call("close", [theirs], { label: "parent" }),
    call("close_range", [0, ours - 1, 0]),
    call("close_range", [report + 1, 0xffff_ffff, 0]),
    call("waitid", [P_PID, { result: "hull" }, made, WEXITED | WALL, 0]),
    // What hull sent before its end takes the lowest numbers: 0, the pidfd, and 1, the record.
    call("recvmsg", [ours, message, MSG_DONTWAIT]),
    call("write", [report, made, SIGINFO_SIZE]),
    call("close", [report]),
    call("close", [ours]),
    // Init is this process's child now; further orphans are the host's as without a supervisor.
    call("prctl", [PR.SET_CHILD_SUBREAPER, 0, 0, 0, 0]),
    call("chdir", ["/"]),
    call("waitid", [P_PIDFD, 0, ended, WEXITED | WALL, 0], { onError: { jump: "end" } }),
    call("write", [1, ended, SIGINFO_SIZE]),
    call("exit_group", [0], { label: "end" }),
  ];
}

/** Starts the executable with fds put in place; returns once it runs. */
function launch(file: Fd, id: string, fds: readonly (readonly [Fd, number])[]): void {
  const flags = BigInt(CLONE_VM | CLONE_VFORK) | CLONE_CLEAR_SIGHAND;
  const program = new SyscallProgram([
    {
      syscall: "clone3",
      args: [cloneArguments(flags), CLONE_ARGS_SIZE],
      onPositive: "return",
      onError: "return",
    },
    ...fds.map(([fd, as]): Operation => ({ syscall: "dup3", args: [fd.number, as, 0] })),
    {
      syscall: "execveat",
      label: "exec",
      args: [file.number, "", { words: ["hull-supervisor", id, 0] }, { words: [0] }, AT_EMPTY_PATH],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127] },
  ]);
  program.run();
  const pid = program.result(0);
  if (pid < 0) throw new SyscallError("clone3", -pid);
  const error = program.result("exec");
  if (error < 0) throw forbidden(new SyscallError("execveat", -error, "hull-supervisor"));
}

function forbidden(cause: SyscallError): ContainerError {
  return new ContainerError("Unsupported", "the supervisor can't be started", {
    syscall: cause.syscall,
    errno: cause.code,
    cause,
    hint: "the host forbids executable files in memory: see sysctl vm.memfd_noexec",
  });
}
