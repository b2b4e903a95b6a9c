/**
 * Programs of hull's own that are files in memory, such as a supervisor.
 *
 * @module
 */

import { executeFile } from "../../ffi/processes/executed_file.ts";
import { executableFile } from "../../ffi/program/program_image.ts";
import { forbiddenProgram } from "../failures/forbidden_program.ts";

/** How a program is started. */
export interface ProgramStart {
  /** Its first words in process lists, its name first. */
  readonly words: readonly [name: string, ...more: string[]];
  /** The fds that it keeps, under their numbers. */
  readonly inherited: readonly number[];
  /** What it is, for the error. */
  readonly who: string;
}

/**
 * Starts one; gives its number once it runs.
 *
 * @throws {ContainerError} `Unsupported` where the host forbids it
 * @throws {SyscallError}
 */
export function startProgram(
  image: Uint8Array<ArrayBuffer>,
  { words, inherited, who }: ProgramStart,
): number {
  try {
    using file = executableFile(words[0], image);
    return executeFile(file, words, inherited);
  } catch (error) {
    throw forbiddenProgram(error, who);
  }
}
