/**
 * A process that outlives `hull top` if that is killed, and gives the terminal back as it was: lines
 * and echo, the screen, the cursor. It is a program of a few system calls that waits at a pipe.
 *
 * @module
 */

import { type Fd, writeAll } from "../../../ffi/files/file.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import { programImage } from "../../../ffi/program/program_image.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { TCGETS, TCSETS, TERMIOS_SIZE } from "../../../ffi/sockets/terminal.ts";
import { ContainerError } from "../../errors.ts";
import { startProgram } from "../../process/memory_program.ts";

const STDIN = 0;
const STDOUT = 1;
const FUTEX_WAIT = 0;
/** Where in the settings the local modes lie: whether there is an echo, and lines. */
const LOCAL = 12;

/** What the guard puts back. */
export interface Guarded {
  /** The terminal's settings as they were: the kernel's struct termios. */
  readonly before: Uint8Array<ArrayBuffer>;
  /** Those of `hull top`. Only they are replaced: a shell may have set its own already. */
  readonly during: Uint8Array<ArrayBuffer>;
  /** What is written to the terminal. */
  readonly leave: string;
}

/**
 * What the guard does. It leaves the session, so that no signal of the terminal's ends it, and so
 * that it may set the terminal up while it is in no foreground.
 *
 * @param pipe where it waits: a byte calls it off, the end means that `hull top` was killed
 */
export function guardProgram(pipe: number, { before, during, leave }: Guarded): Operation[] {
  const now = { space: TERMIOS_SIZE, name: "now" };
  const local = new DataView(during.buffer, during.byteOffset).getUint32(LOCAL, true);
  const leaving = new TextEncoder().encode(leave);
  return [
    { syscall: "setsid", args: [], onError: "continue" },
    {
      syscall: "read",
      args: [pipe, { space: 1, name: "word" }, 1],
      onError: { jump: "end" },
      onPositive: { jump: "end" },
    },
    { syscall: "ioctl", args: [STDIN, TCGETS, now], onError: { jump: "leave" } },
    // A comparison: this waits for no time if the word is the same, and fails with EAGAIN if not.
    {
      syscall: "futex",
      args: [{ field: now, offset: LOCAL }, FUTEX_WAIT, local, new Uint8Array(16)],
      onError: { jump: "leave" },
      tolerated: "ETIMEDOUT",
    },
    { syscall: "ioctl", args: [STDIN, TCSETS, before], onError: "continue" },
    {
      syscall: "write",
      label: "leave",
      args: [STDOUT, leaving, leaving.length],
      onError: "continue",
    },
    { syscall: "exit_group", label: "end", args: [0] },
  ];
}

/** The guard of this program's terminal. */
export class Guard implements Disposable {
  readonly #word: Fd;

  private constructor(word: Fd) {
    this.#word = word;
  }

  /** Starts it; undefined where the host forbids programs that are files in memory. */
  static start(guarded: Guarded): Guard | undefined {
    const pipe = new Pipe();
    try {
      const image = programImage(guardProgram(pipe.reader.number, guarded));
      const inherited = [pipe.reader.number];
      const words = ["hull-top-guard", String(Deno.pid)] as const;
      startProgram(image, { words, inherited, who: "the terminal's guard" });
    } catch (error) {
      pipe.writer.close();
      if (!(error instanceof ContainerError && error.code === "Unsupported")) throw error;
      return undefined;
    } finally {
      pipe.reader.close();
    }
    return new Guard(pipe.writer);
  }

  /** Calls it off. */
  [Symbol.dispose](): void {
    try {
      writeAll(this.#word, new Uint8Array(1));
    } catch {
      // somebody has ended it
    }
    this.#word.close();
  }
}
