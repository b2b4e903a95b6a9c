/**
 * Checks that imports lead down, from room to room (scripts/rooms.ts) and from file to file, and that
 * ARCHITECTURE.md names each file of the rooms; that none of them is too long; and that the paths
 * which the pages name are there.
 * Prints each breach.
 *
 * @module
 */

import { JSR_NAMES } from "./jsr_names.ts";
import {
  floorOf,
  FLOORS,
  folderOf,
  importsOf,
  INNER_FLOORS,
  isInRooms,
  modulesIn,
  roomOf,
} from "./rooms.ts";

/** The files outside the rooms, and what they may import: paths from the top, and packages. */
interface Rule {
  readonly from: RegExp;
  readonly may: RegExp;
}

/** The first rule that fits a file counts. */
const RULES: readonly Rule[] = [
  { from: /_test\.ts$|^tests\/|^scripts\//, may: /./ },
  { from: /^std\//, may: /^std\// },
  { from: /^examples\//, may: /^mod\.ts$/ },
  { from: /^mod\.ts$/, may: /^src\// },
];

/** How long a file of the rooms may be. */
const MOST_LINES = 350;

/** The pages for those who work on hull, and what in them is a path. */
const PAGES = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"];
const PLACE = /^(docs|examples|ffi|init|scripts|src|std|tests)\/[\w./-]*$/;

/**
 * The parts of @std that a room may import, by the file that stands in for them, since who imports
 * hull by a path has no name for a package. scripts/jsr_names.ts has each file's name at JSR.
 */
const PARTS: Readonly<Record<string, RegExp>> = {
  "src/cli": /^std\/(?:cli|path)\//,
};
const OTHERS_PARTS = /^std\/path\//;

let breaches = 0;

function tell(breach: string): void {
  breaches++;
  console.error(breach);
}

/** Why a file must not import another; undefined if it may. */
function whyNot(file: string, target: string): string | undefined {
  if (!isInRooms(file)) {
    const rule = RULES.find(({ from }) => from.test(file));
    return rule?.may.test(target) === true ? undefined : "";
  }
  const [room, other] = [roomOf(file), roomOf(target)];
  if (!isInRooms(target)) {
    if (!(PARTS[room] ?? OTHERS_PARTS).test(target)) return "";
    return `./${target}` in JSR_NAMES
      ? undefined
      : ": scripts/jsr_names.ts has no name of it at JSR";
  }
  if (room !== other) return whyNotDown(room, other, FLOORS);
  const [folder, otherFolder] = [folderOf(file), folderOf(target)];
  if (folder === otherFolder) return undefined;
  return whyNotDown(folder, otherFolder, INNER_FLOORS[room] ?? []);
}

function whyNotDown(
  from: string,
  to: string,
  floors: readonly (readonly string[])[],
): string | undefined {
  const [high, low] = [floorOf(from, floors), floorOf(to, floors)];
  if (high === undefined) return `: scripts/rooms.ts has no floor for ${from}`;
  if (low === undefined) return `: scripts/rooms.ts has no floor for ${to}`;
  return low < high ? undefined : `: ${from} is on floor ${high}, ${to} on floor ${low}`;
}

/** A circle of imports, by its files; undefined if there is none. */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): string[] | undefined => {
    const begin = way.indexOf(file);
    if (begin >= 0) return [...way.slice(begin), file];
    if (done.has(file)) return undefined;
    way.push(file);
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target);
      if (circle !== undefined) return circle;
    }
    way.pop();
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** The files that ARCHITECTURE.md has a line for: "- `name.ts`: …" below "### `folder/`". */
function describedFiles(): string[] {
  let folder = "";
  return Deno.readTextFileSync("ARCHITECTURE.md").split("\n").flatMap((line) => {
    if (line.startsWith("#")) folder = /^#+ `([\w/]+)\/`/.exec(line)?.[1] ?? "";
    const name = /^- `(\w+\.ts)`: ./.exec(line)?.[1];
    return folder === "" || name === undefined ? [] : [`${folder}/${name}`];
  });
}

/** The files and folders that a page names by their paths from the top. */
function namedPaths(page: string): string[] {
  const words = Deno.readTextFileSync(page).match(/`[^`\s]+`/g) ?? [];
  return words.map((word) => word.slice(1, -1))
    .filter((word) => PLACE.test(word) && !word.includes("NAME") && !word.includes("*"));
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.chdir(new URL("..", import.meta.url));
const modules = modulesIn();
const graph = new Map(modules.map((file) => [file, importsOf(file)]));
for (const [file, targets] of graph) {
  for (const target of targets) {
    const why = whyNot(file, target);
    if (why !== undefined) tell(`${file} must not import ${target}${why}`);
  }
}
const circle = findCircle(new Map([...graph].filter(([file]) => isInRooms(file))));
if (circle !== undefined) tell(`a circle: ${circle.join(" imports ")}`);
const described = describedFiles();
for (const file of modules.filter(isInRooms)) {
  if (!described.includes(file)) tell(`ARCHITECTURE.md has no line for ${file}`);
  const lines = Deno.readTextFileSync(file).split("\n").length - 1;
  if (lines > MOST_LINES) {
    tell(`${file} has ${lines} lines: more than ${MOST_LINES} are two subjects`);
  }
}
for (const file of described) {
  if (!graph.has(file)) tell(`ARCHITECTURE.md has a line for ${file}, which is not there`);
}
for (const page of PAGES) {
  for (const path of new Set(namedPaths(page))) {
    if (!isThere(path)) tell(`${page} names ${path}, which is not there`);
  }
}
Deno.exit(breaches === 0 ? 0 : 1);
