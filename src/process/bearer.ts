/**
 * Another process as the parent of what is born. hull may do the work of its caller's command in
 * another program (`hull resident`), but who calls a runtime expects to become the parent of what
 * the runtime leaves behind. So the birth itself is done by the caller's process.
 *
 * @module
 */

import type { Space } from "../../ffi/program/operation.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import type { InitStatus } from "./init_status.ts";
import type { Child } from "./parent_process.ts";

/**
 * Another process as the parent: where it goes on in the program, and where without a child; and
 * where the kernel writes the child's pid for it.
 */
export interface OtherParent {
  readonly label: string;
  /** By default it fails as the child would. */
  readonly failed?: string | undefined;
  readonly pid: Space;
}

/** A birth that another process is to do. */
export interface Birth {
  /** The numbers from here on are free in the child. */
  readonly above: number;
  /**
   * The operations, the first of which makes the child. It is called once.
   *
   * @param there passes an fd of this program on, and gives the number that it has in the other
   *   process; it stays open here at least until the child is made
   */
  plan(there: (fd: number) => number, parent: OtherParent): readonly PlannedOperation[];
  /** The fd on which the child reports a failure. */
  readonly report: number;
  /** Who reads that. */
  readonly said: InitStatus;
  /** Whether the child ends by itself at once, so that its end can be waited for with its birth. */
  readonly endsSoon?: boolean | undefined;
  /** The fd of a page to which the kernel writes the number of what a child that ends leaves behind. */
  readonly page?: number | undefined;
  /** What is kept of it. */
  readonly memory?: BirthMemory | undefined;
}

/**
 * What is kept of a birth for the next one that differs from it in the numbers of fds alone. One birth
 * at a time uses it.
 */
export interface BirthMemory {
  /** All of the birth that is not the same for each one with this memory. */
  readonly shape: string;
  /** The fds that its plan passes on, in an order that is the same for each; asked for behind the plan. */
  fds(): readonly number[];
  /** Has who reads the report know what the plan would have told, and what the bearer does. */
  know(operations: readonly PlannedOperation[]): void;
  /** How the bearer laid it out. */
  laid: object | undefined;
}

/** A process that bears. */
export interface Bearer {
  /** Its number. */
  readonly pid: number;
  /** Its environment: `NAME=value`, each. */
  readonly environment: readonly string[];
  /**
   * Has it make the child; returns when the child has executed a program, or waits for this one.
   *
   * @throws {ContainerError} `InitFailed` if there is no child
   */
  bear(birth: Birth): Promise<Child>;
  /** What this program keeps open for the processes of the command; it ends with the command. */
  readonly held: DisposableStack;
  /**
   * A process that a child which has ended has left behind: a child of that process, too.
   *
   * @param pid its number
   */
  adopt(pid: number): Child;
  /**
   * The same for children of the way, such as hooks: how they ended is asked for once, and nothing is
   * left of them then. For as long as something is, the first process of their pid namespace can't end.
   */
  readonly ofTheWay: Bearer;
}
