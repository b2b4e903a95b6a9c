/**
 * Files that may not be there.
 *
 * @module
 */

import { readText } from "./file.ts";

/** What a file holds; empty where it can't be read. */
export function optionalText(path: string): string {
  try {
    return readText(path);
  } catch {
    return "";
  }
}
