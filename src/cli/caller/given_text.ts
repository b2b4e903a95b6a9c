/**
 * The text of a file that a command was given.
 *
 * @module
 */

/** More than any config, and less than what would take a program's memory: in bytes. */
const MOST = 64 * 1024 * 1024;
const FIRST = 65536;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads a file or pipe to its end.
 *
 * @throws {Error} of Deno's, or one that says the bound
 */
export function readGivenText(path: string): string {
  using file = Deno.openSync(path);
  let bytes = new Uint8Array(FIRST);
  for (let size = 0;;) {
    if (size > MOST) throw new Error(`it is longer than ${MOST / 1024 / 1024} MiB`);
    if (size === bytes.length) {
      const larger = new Uint8Array(4 * size);
      larger.set(bytes);
      bytes = larger;
    }
    const count = file.readSync(bytes.subarray(size));
    if (count === null) return decoder.decode(bytes.subarray(0, size));
    size += count;
  }
}
