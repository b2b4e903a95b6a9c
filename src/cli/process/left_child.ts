/**
 * The child that a command has already, because a resident hull did a part of it and was killed.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { readLinkAt } from "../../../ffi/files/entries.ts";
import { AT_FDCWD } from "../../../ffi/files/file.ts";
import { type ExitStatus, openPidfd } from "../../../ffi/processes/process.ts";
import type { ResourceUsage } from "../../../ffi/processes/resource_usage.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import { killTree } from "../../exec/descendants.ts";
import type { Factory } from "../../factory.ts";
import { Child, type ParentProcess, requireSignal } from "../../process/parent_process.ts";
import type { Caller } from "../caller/caller.ts";
import { CLAIM } from "../../process/process_claim.ts";
import type { Process } from "../../process.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { StateStore } from "../../state/state_store.ts";
import { writeExitRecord } from "../../supervisor/exit_record.ts";

/** How often a child is looked at that may become its program, in milliseconds. */
const LOOK_MS = 2;

/** Who called this program and had children already. */
type Left = Pick<Caller, "others">;

/** A process that is this program's child, though another program had it made. */
class LeftChild implements ParentProcess {
  readonly #child: Child;
  readonly #folder: string | undefined;

  constructor(child: Child, folder?: string) {
    this.#child = child;
    this.#folder = folder;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get usage(): ResourceUsage | undefined {
    return this.#child.usage;
  }

  async wait(): Promise<ExitStatus> {
    const status = await this.#child.wait();
    if (this.#folder !== undefined) writeExitRecord(this.#folder, this.pid, status);
    return status;
  }

  signal(signal: string | number): void {
    if (!this.#child.signal(requireSignal(signal))) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  killTree(): void {
    killTree(this.#child);
  }

  /** Its terminal is another program's. */
  resize(): void {}

  interruptKey(): undefined {
    return undefined;
  }

  typeEnd(): Promise<void> {
    return Promise.resolve();
  }

  async terminate(): Promise<void> {
    this.#child.signal(SIGKILL);
    await this.#child.ended();
  }
}

/**
 * The child of an exec, if its program runs or has run: the process takes it over. One that may still
 * become it is waited for.
 *
 * @returns whether there is one
 */
export async function takeLeftExec(
  left: Left,
  process: Process,
  poller: Poller,
): Promise<boolean> {
  for (;;) {
    const pid = children(left).at(-1);
    if (pid === undefined) return false;
    const stage = stageOf(pid);
    if (stage === "begins") await pause(LOOK_MS);
    else {
      const child = new Child(pid, openPidfd(pid), poller);
      if (stage === "runs") {
        attach(process, new LeftChild(child));
        return true;
      }
      await child.ended(); // its program never ran
    }
  }
}

/**
 * The container that a resident has made, if its first process is this program's child and the
 * container is whole: the process takes the child over. A child that is not so far is ended.
 */
export async function takeLeftContainer(
  left: Left,
  factory: Factory,
  id: string,
  process: Process,
  poller: Poller,
): Promise<Container | undefined> {
  const container = loaded(factory, id);
  const there = children(left).map((pid) => new Child(pid, openPidfd(pid), poller));
  const first = container && there.find(({ pid }) => pid === firstOf(factory, id));
  if (container !== undefined && first !== undefined && container.status() !== "stopped") {
    attach(process, new LeftChild(first, container.folder));
    return container;
  }
  // a hook may be in the pid namespace of a child that is older, and can't end before it
  for (const child of there.toReversed()) await child.kill();
  if (first !== undefined) await container?.destroy({ force: true }); // its program never ran
  return undefined;
}

/**
 * The program of a run in the foreground, which runs or has ended: the process takes it over.
 *
 * @returns the container, if it is still there
 */
export function takeLeftRun(
  left: Left,
  factory: Factory,
  id: string,
  process: Process,
  poller: Poller,
): Container | undefined {
  const container = loaded(factory, id);
  const [pid] = children(left);
  const ended = pid === undefined ? container?.exitStatus() : undefined;
  if (ended !== undefined) attach(process, new LeftChild(Child.ofEnded(0, ended, poller)));
  else if (pid === undefined) {
    throw new ContainerError("SystemError", "the program has ended, but how is not known", {
      hint: "the resident hull that ran it was killed",
    });
  } else attach(process, new LeftChild(new Child(pid, openPidfd(pid), poller), container?.folder));
  return container;
}

/** Waits for what is left to be done before the command's end: its children are hooks by now. */
export async function awaitLeftHooks(left: Left, poller: Poller): Promise<void> {
  for (const pid of children(left)) await new Child(pid, openPidfd(pid), poller).ended();
}

/** The number of a container's first process, also once that has ended. */
function firstOf({ root }: Factory, id: string): number | undefined {
  return new StateStore(root).read(id).state.init?.pid;
}

function attach(process: Process, left: LeftChild): void {
  using claim = process[CLAIM]();
  claim.attach(left, {});
}

function loaded(factory: Factory, id: string): Container | undefined {
  try {
    return factory.load(id);
  } catch (error) {
    if (error instanceof ContainerError && error.code === "ContainerNotExists") return undefined;
    throw error;
  }
}

/** The numbers of the command's children, in the order of their births. */
function children({ others = [] }: Left): number[] {
  const text = optionalText(`/proc/self/task/${Deno.pid}/children`);
  return text.split(" ").filter((pid) => pid !== "" && !others.includes(pid)).map(Number);
}

/**
 * Whether a child has become its program, or may do so yet, or has ended before. What is not its
 * program is hull's own that makes it, which has the name of its file in memory, or, on older
 * kernels, the number of that.
 */
function stageOf(pid: number): "begins" | "runs" | "failed" {
  const [, name = "", state = ""] = /\((.*)\) (.)/s.exec(optionalText(`/proc/${pid}/stat`)) ?? [];
  if (state === "Z") return /^(memfd:hull-exec|\d+)$/.test(name) ? "failed" : "runs";
  try {
    return readLinkAt(AT_FDCWD, `/proc/${pid}/exe`).startsWith("/memfd:hull-exec")
      ? "begins"
      : "runs";
  } catch (error) {
    return failedWith(error, "ENOENT") ? "begins" : "runs"; // it has just ended
  }
}
