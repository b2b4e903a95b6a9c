/**
 * Work that a child without TypeScript asks its parent to do between its operations: fill a new
 * file system, make a place for a mount. Loaded when a child first asks.
 *
 * @module
 */

import { type Fd, O_WRONLY, open } from "../../ffi/files/file.ts";
import { cString } from "../../ffi/c/memory.ts";
import type { Work } from "../../init/operations/operation.ts";
import { doCopyUp, doPlace } from "../../init/work/work.ts";
import type { WorkFds } from "../../init/operations/init_config.ts";
import { ContainerError } from "../errors.ts";
import { answer, letGoOn } from "../process/control_pipe.ts";

/**
 * How often a child may ask for the same work: a process that can move its folders could keep it
 * asking.
 */
const MAX_TRIES = 16;

/** A child that asks, and what it waits on. */
export interface Asking {
  readonly copyFd: (number: number) => Fd;
  readonly control: Fd;
  /**
   * The fds under which it shows what the work is about; undefined where none was to be asked for.
   */
  readonly fds: WorkFds | undefined;
}

/** The work of one child. */
export class ChildWork {
  readonly #items: readonly Work[];
  readonly #doors: readonly string[];
  readonly #tries = new Map<number, number>();

  /**
   * What the child may ask for.
   *
   * @param doors the files by which a process enters the container's cgroups: what is copied is
   *   charged to them
   */
  constructor(items: readonly Work[], doors: readonly string[]) {
    this.#items = items;
    this.#doors = doors;
  }

  /**
   * Does one piece of work, and lets the child go on. If it fails, the child ends.
   *
   * @throws {ContainerError} `InitFailed`
   */
  do(number: number, asking: Asking): void {
    const { control } = asking;
    try {
      const asked = this.#do(number, asking);
      if (asked !== undefined) return answer(control, cString(asked));
    } catch (error) {
      control.close();
      throw error;
    }
    letGoOn(control);
  }

  #do(number: number, { copyFd, fds }: Asking): string | undefined {
    const item = this.#items[number];
    if (item === undefined || fds === undefined) throw notAgain();
    const tries = (this.#tries.get(number) ?? 0) + 1;
    this.#tries.set(number, tries);
    if (tries > MAX_TRIES) throw notAgain(item);
    using from = copyFd(fds.from);
    using to = copyFd(fds.to);
    if (item.work === "place") {
      return doPlace(item, from, typeof item.end === "object" ? to : undefined);
    }
    using doors = new DisposableStack();
    doCopyUp(item, from, to, this.#doors.map((path) => doors.use(open(path, O_WRONLY)).number));
    return undefined;
  }
}

function notAgain(item?: Work): ContainerError {
  const { step = "mounts", path, pointer } = item ?? {};
  const summary = `cannot ${item?.reason ?? "do what init asks for"}: it vanishes again and again`;
  return new ContainerError("InitFailed", summary, { step, path, pointer });
}
