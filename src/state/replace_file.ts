/**
 * Files that others read while they are written.
 *
 * @module
 */

/**
 * Writes a file whole or not at all: a new file with an unpredictable name is written, and renamed
 * into its place. So even in a folder that others may write to, such as /tmp, they can't plant a
 * file or link that is written to.
 *
 * @param mode its permissions, less the umask's
 * @param ending the end of the temporary name
 * @throws what Deno throws
 */
export function replaceFile(
  path: string,
  text: string,
  mode: number,
  ending: string = crypto.randomUUID(),
): void {
  const temporary = `${path}.${ending}`;
  // createNew is O_EXCL, which doesn't follow a symlink either.
  Deno.writeTextFileSync(temporary, text, { createNew: true, mode });
  try {
    Deno.renameSync(temporary, path);
  } catch (error) {
    Deno.removeSync(temporary);
    throw error;
  }
}
