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
 * @throws what Deno throws
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const temporary = `${path}.${crypto.randomUUID()}`;
  // createNew is O_EXCL, which doesn't follow a symlink either.
  Deno.writeTextFileSync(temporary, text, { createNew: true, mode });
  try {
    Deno.renameSync(temporary, path);
  } catch (error) {
    Deno.removeSync(temporary);
    throw error;
  }
}
