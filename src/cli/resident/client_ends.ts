/**
 * How children of a client have ended, as far as it tells that by itself.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import {
  decodeEnd,
  type ExitStatus,
  openPidfd,
  PID_OFFSET,
} from "../../../ffi/processes/process.ts";

/** The end of one child. */
export interface AwaitedEnd {
  /** Undefined if the client is gone instead. */
  readonly promise: Promise<ExitStatus | undefined>;
  /** Whether it has been told. */
  isTold: boolean;
  status: ExitStatus | undefined;
}

/** Those that are awaited. */
export class ClientEnds {
  readonly #ends = new Map<number, AwaitedEnd & { readonly settle: () => void }>();

  /** The end of a process that is watched from now on, or whose end was told already. */
  await(pid: number): AwaitedEnd {
    const known = this.#ends.get(pid);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<ExitStatus | undefined>();
    const end = { promise, isTold: false, status: undefined, settle: () => resolve(end.status) };
    this.#ends.set(pid, end);
    return end;
  }

  /** The same; undefined if it is not watched. */
  of(pid: number): AwaitedEnd | undefined {
    return this.#ends.get(pid);
  }

  /**
   * Takes what the client tells.
   *
   * @param info siginfo_t
   * @returns the process's number
   */
  tell(info: Uint8Array<ArrayBuffer>): number {
    const pid = new DataView(info.buffer, info.byteOffset).getInt32(PID_OFFSET, true);
    const end = this.await(pid) as AwaitedEnd & { readonly settle: () => void };
    end.isTold = true;
    end.status = decodeEnd(info);
    end.settle();
    return pid;
  }

  /** The client is gone. */
  leave(): void {
    for (const { settle } of this.#ends.values()) settle();
  }
}

/** The number that the kernel wrote to a page. */
export function pidOn(page: Uint8Array): number {
  return new DataView(page.buffer, page.byteOffset).getInt32(0, true);
}

/** A pidfd of a process that was there a moment ago; undefined if there is none of its number. */
export function tryOpenPidfd(pid: number): Fd | undefined {
  try {
    return openPidfd(pid);
  } catch (error) {
    if (failedWith(error, "ESRCH")) return undefined;
    throw error;
  }
}
