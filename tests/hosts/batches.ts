/**
 * Which files of tests a run on another host has, and which of them share a machine.
 *
 * @module
 */

import type { Kind } from "./kinds.ts";
import { Refusal } from "./refusal.ts";

/** The sections of scripts/test whose outcome depends on the host, with their folders. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  unit: ["tests/unit", "std"],
  integration: ["tests/integration", "tests/security"],
  clients: ["tests/clients"],
};

/** The tests that an ordinary user can run: the others are of what only root may do. */
const OF_USERS =
  /^tests\/integration\/(?:rootless_\w+|rootless|run|exec|exec_fields|lifecycle|kill|pause|update|events|terminal|library|process_fields|hooks|supervised|ps|wait)_test\.ts$/;

/** What scripts/test was asked for. */
export interface Wish {
  /** Sections; all three if there are neither files nor sections. */
  readonly sections: readonly string[];
  /** Files, relative to the project. */
  readonly files: readonly string[];
  /** A test's name. */
  readonly filter: string;
}

/** The files of the sections in their order; for an ordinary user those that need no root. */
export function filesOf({ sections, files }: Wish, project: string, kind?: Kind): string[] {
  if (files.length > 0) return [...files];
  const chosen = sections.length > 0 ? sections : Object.keys(SECTIONS);
  const found = chosen.flatMap((section) => {
    const folders = SECTIONS[section];
    if (folders === undefined) {
      const those = Object.keys(SECTIONS).join(", ");
      throw new Refusal(`${section} is the same on every host; those that differ: ${those}`);
    }
    return folders.flatMap((folder) => testsIn(folder, project));
  });
  const own = kind === "rootless" ? found.filter((file) => OF_USERS.test(file)) : found;
  if (own.length > 0) return own;
  throw new Refusal(`${chosen.join(", ")}: no tests for an ordinary user; integration has some`);
}

/** Parts of at most so many; one if it is a test's name that chooses. */
export function batchesOf(
  files: readonly string[],
  most: number,
  filter: string,
): (readonly string[])[] {
  if (filter !== "") return [files];
  return Array.from(
    { length: Math.ceil(files.length / most) },
    (_, k) => files.slice(k * most, (k + 1) * most),
  );
}

function testsIn(folder: string, project: string): string[] {
  return [...Deno.readDirSync(`${project}/${folder}`)]
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      if (isDirectory) return testsIn(path, project);
      return name.endsWith("_test.ts") ? [path] : [];
    });
}
