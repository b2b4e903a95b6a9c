/**
 * Files that may not be there.
 *
 * @module
 */

import { throwBound } from "../c/errno.ts";
import { readText } from "./file.ts";

/**
 * What a file holds; empty where it can't be read.
 *
 * @throws {SyscallError} if this program can open no more
 */
export function optionalText(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    throwBound(error);
    return "";
  }
}
