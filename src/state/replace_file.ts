/**
 * Files that others read while they are written.
 *
 * @module
 */

/**
 * Writes a file whole or not at all: under a name that nobody can know before, which is made and never
 * followed, and renamed into its place. In a folder that others may write to, such as /tmp, they can
 * plant nothing that is written to.
 *
 * @param mode its permissions, less the umask's
 * @param ending what its name has more until then
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
