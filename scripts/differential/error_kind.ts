/**
 * What kind of error a runtime's words are of.
 *
 * @module
 */

import type { Ended } from "./runtimes.ts";

/** Words of the kernel's errors, which all runtimes print. */
const KINDS: readonly (readonly [kind: string, words: RegExp])[] = [
  ["not found in PATH", /executable file not found in \$PATH/i],
  ["ENOENT", /no such file or directory|ENOENT/i],
  ["ENOTDIR", /not a directory|ENOTDIR/i],
  ["EISDIR", /is a directory|EISDIR/i],
  ["ELOOP", /too many (levels of )?symbolic links|ELOOP/i],
  ["EACCES", /permission denied|EACCES/i],
  ["EPERM", /operation not permitted|EPERM/i],
  ["ENOEXEC", /exec format error|ENOEXEC/i],
  ["EROFS", /read-only file system|EROFS/i],
  ["EEXIST", /file exists|EEXIST/i],
  ["ENODEV", /no such device|ENODEV/i],
  ["ENAMETOOLONG", /file name too long|ENAMETOOLONG/i],
  ["EBUSY", /device or resource busy|EBUSY/i],
  ["E2BIG", /argument list too long|E2BIG/i],
  ["EINVAL", /invalid argument|EINVAL/i],
];

/** The kind of a call's error; "none" where it printed the program's own end. */
export function errorKind({ code, stdout, stderr }: Ended): string {
  if (stdout !== "") return "none: the program ran";
  if (stderr.trim() === "") return code === 0 ? "none" : `silent ${code}`;
  // warnings may stand before it
  return kindOf(stderr.trimEnd().split("\n").at(-1) ?? "");
}

/** The kernel's error in some words, or that the runtime refused by itself. */
export function kindOf(words: string): string {
  return KINDS.find(([, pattern]) => pattern.test(words))?.[0] ?? "refused";
}
