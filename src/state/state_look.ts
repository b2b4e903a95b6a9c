/**
 * The text of a state, read by one program, since each call by itself takes several times as long. It
 * is for a program that reads states all the time.
 *
 * @module
 */

import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
} from "../../ffi/files/file.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { STATE_FILE } from "./state_temporary.ts";

/** Longer paths and texts are read otherwise. */
const MOST_PATH = 4095;
const MOST_TEXT = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads texts, one after another. */
export class StateLook {
  #program: SyscallProgram | undefined;

  /**
   * Reads the text in a container's folder.
   *
   * @returns undefined if it must be looked at otherwise, for the error or for its length
   */
  text(folder: string): string | undefined {
    const program = this.#program ??= new SyscallProgram(operations());
    const path = program.output("path");
    const { read, written } = encoder.encodeInto(folder, path.subarray(0, MOST_PATH));
    if (read < folder.length) return undefined;
    path[written] = 0;
    program.run();
    // What comes behind a call that failed was not made, and its result is the last time's.
    for (const label of ["folder", "file", "read"]) if (program.result(label) < 0) return undefined;
    const size = program.result("read");
    if (size === MOST_TEXT) return undefined;
    return decoder.decode(program.output("text").subarray(0, size));
  }
}

function operations(): Operation[] {
  const path = { space: MOST_PATH + 1, name: "path" };
  const text = { space: MOST_TEXT, name: "text" };
  const folder = { result: "folder" };
  const file = { result: "file" };
  const ofFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  // A fifo of that name would hold up whoever opens it.
  const ofFile = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const onError = { jump: "closed" };
  return [
    { label: "folder", syscall: "openat", args: [AT_FDCWD, path, ofFolder, 0] },
    { label: "file", syscall: "openat", args: [folder, STATE_FILE, ofFile, 0], onError },
    { label: "read", syscall: "read", args: [file, text, MOST_TEXT], onError: "continue" },
    { syscall: "close", args: [file], onError: "continue" },
    { label: "closed", syscall: "close", args: [folder], onError: "continue" },
  ];
}
