/**
 * The parts of @std that hull uses, by the file that stands in for each, with their names at JSR.
 *
 * @module
 */

/** What `deno publish` is to put in the place of a file, as an import map has it. */
export const JSR_NAMES: Readonly<Record<string, string>> = {
  "./std/cli/parse_args.ts": "jsr:@std/cli@^1/parse-args",
  "./std/path/posix/resolve.ts": "jsr:@std/path@^1/posix/resolve",
};
