/**
 * The files of a root file system that hull makes itself, as data, and the writing of them.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";

/** One file of a root file system. A folder comes before what is in it. */
export type BuiltinFile =
  & {
    /** Absolute path inside the root file system. */
    readonly path: string;
  }
  & (
    | { readonly kind: "dir"; readonly mode: number }
    | { readonly kind: "file"; readonly mode: number; readonly content: string | Uint8Array }
    | { readonly kind: "symlink"; readonly target: string }
  );

/**
 * Makes a root file system in a new folder (mode 0755). The modes are as given, whatever the umask
 * is, and nothing that exists already is opened or followed. The caller removes the folder, also
 * after a failure.
 *
 * @throws {ContainerError} `SystemError` with the path, also if the folder exists.
 */
export function writeBuiltinFiles(folder: string, files: readonly BuiltinFile[]): void {
  writeFile(folder, { path: "", kind: "dir", mode: 0o755 });
  for (const file of files) writeFile(folder, file);
}

const NEW_FILE = { createNew: true, mode: 0o600 } as const;

function writeFile(folder: string, file: BuiltinFile): void {
  const path = `${folder}${file.path}`;
  try {
    if (file.path.split("/").includes("..")) throw new Error(`the path ${file.path} steps up`);
    if (file.kind === "symlink") {
      Deno.symlinkSync(file.target, path);
      return;
    }
    if (file.kind === "dir") Deno.mkdirSync(path, { mode: 0o700 });
    // createNew is O_EXCL, which doesn't follow a symlink either
    else if (typeof file.content === "string") Deno.writeTextFileSync(path, file.content, NEW_FILE);
    else Deno.writeFileSync(path, file.content, NEW_FILE);
    Deno.chmodSync(path, file.mode);
  } catch (cause) {
    throw new ContainerError("SystemError", `cannot make the ${file.kind} of the built-in rootfs`, {
      step: "skeleton",
      path,
      hint: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  }
}
