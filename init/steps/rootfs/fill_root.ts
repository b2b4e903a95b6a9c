/**
 * Fills a container's new root with files that are data.
 *
 * Source: mkdirat(2), mknodat(2), symlinkat(2), openat(2).
 *
 * @module
 */

import {
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
} from "../../../ffi/files/file.ts";
import { S_IFREG } from "../../../ffi/files/file_status.ts";
import { result, type StepBuilder } from "../../operations/operation.ts";
import { contentOf, isFile, type RootFile } from "../../operations/root_files.ts";

const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
const FULL = "the root may hold less than its files take: give it a larger size";

/**
 * Makes the files in a tmpfs that is attached nowhere yet, so that nobody else can reach it. Each is
 * made by its name in a folder that is open.
 *
 * @param root the label of the operation that made the tmpfs
 */
export function fillRoot(step: StepBuilder, files: readonly RootFile[], root: string): void {
  step.because("let no umask change the modes of its files").call("umask", [0]);
  const folders = new Map([["", root]]);
  const parents = new Set(files.map(({ path }) => folderOf(path)));
  for (const file of files) {
    const { path } = file;
    const folder = result(folders.get(folderOf(path)) ?? root);
    const name = path.slice(path.lastIndexOf("/") + 1);
    step.because(`make the container's ${path}`, path, "/root/path", FULL);
    if (file.target !== undefined) step.call("symlinkat", [file.target, folder, name]);
    else if (isFile(file)) makeFile(step, file, folder, name);
    else {
      step.call("mkdirat", [folder, name, file.mode ?? 0o755]);
      if (!parents.has(path)) continue;
      const label = `root${path}`;
      step.call("openat", [folder, name, FOLDER, 0], { label });
      folders.set(path, label);
    }
  }
  step.close(...[...folders.values()].slice(1));
}

function makeFile(
  step: StepBuilder,
  file: RootFile,
  folder: ReturnType<typeof result>,
  name: string,
): void {
  const { path, mode = 0o644 } = file;
  const content = contentOf(file);
  if (content.length === 0) {
    step.call("mknodat", [folder, name, S_IFREG | mode, 0]);
    return;
  }
  const label = `root${path}`;
  step.call("openat", [folder, name, NEW_FILE, mode], { label })
    .call("write", [result(label), content, content.length])
    .close(label);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
