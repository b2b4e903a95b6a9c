/**
 * What a runtime leaves on the host: mounts, cgroups, and what it made in the bundle.
 *
 * @module
 */

import { cgroupsNamed } from "../../tests/fixtures/leftovers.ts";

/** The mount table, a line each. */
export function mountTable(): readonly string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").trimEnd().split("\n");
}

/** Takes mounts away, the last first. */
export function unmountAll(lines: readonly string[]): void {
  for (const line of [...lines].reverse()) {
    const place = (line.split(" ")[4] ?? "").replaceAll(
      /\\(\d{3})/g,
      (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)),
    );
    new Deno.Command("umount", { args: ["--lazy", "--", place] }).outputSync();
  }
}

/**
 * Undoes what a runtime did to mounts that were there before: a remount of the bundle's file system
 * reaches the mount that holds the bundle, and with it all further cases.
 *
 * @returns the lines that were changed, as they became
 */
export function remountChanged(before: readonly string[]): readonly string[] {
  const changed = mountTable().filter((line) =>
    !before.includes(line) && before.some((old) => idOf(old) === idOf(line))
  );
  for (const line of changed) {
    const old = before.find((other) => idOf(other) === idOf(line)) ?? "";
    const options = `remount,async,rw,${old.split(" ").at(-1)}`;
    new Deno.Command("mount", { args: ["-o", options, line.split(" ")[4] ?? ""] }).outputSync();
  }
  return changed;
}

/** The number that a mount has as long as it lasts. */
function idOf(line: string): string {
  return line.slice(0, line.indexOf(" "));
}

/** The cgroups of a container, in all hierarchies. */
export function cgroupsOf(id: string): readonly string[] {
  return cgroupsNamed(id);
}

/** Removes a cgroup with those in it; one that is in use stays. */
export function removeCgroup(folder: string): void {
  for (const { name, isDirectory } of listed(folder)) {
    if (isDirectory) removeCgroup(`${folder}/${name}`);
  }
  new Deno.Command("rmdir", { args: ["--", folder], stderr: "null" }).outputSync();
}

function listed(folder: string): readonly Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    return []; // it has gone
  }
}

/** What lies in a folder, each place with type, mode, owner, size, content. */
export function treeOf(folder: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  visit(folder, ".", found);
  return found;
}

function visit(folder: string, name: string, found: Map<string, string>): void {
  const path = `${folder}/${name}`;
  const status = Deno.lstatSync(path);
  const who = `${(status.mode ?? 0).toString(8)} ${status.uid}:${status.gid}`;
  if (status.isSymlink) {
    found.set(name, `link to ${Deno.readLinkSync(path)}`);
  } else if (status.isDirectory) {
    found.set(name, `folder ${who}`);
    for (const entry of [...Deno.readDirSync(path)]) visit(folder, `${name}/${entry.name}`, found);
  } else if (status.isFile) {
    found.set(name, `file ${who} ${contentOf(path, status.size)}`);
  } else {
    found.set(name, `special ${who} ${status.rdev}`);
  }
}

function contentOf(path: string, size: number): string {
  if (size > 4096) return "";
  return JSON.stringify(withoutState(Deno.readTextFileSync(path)));
}

/**
 * What hooks wrote down, without the version of the spec that a runtime knows, and the pid: each
 * run's own, and 0 or nothing where there is none.
 */
function withoutState(text: string): string {
  return text.replaceAll(/"ociVersion":"[^"]*",/g, "").replaceAll(
    /"pid":(\d+),/g,
    (_, pid) => pid === "1" ? '"pid":1,' : "",
  );
}
