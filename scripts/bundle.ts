/**
 * Puts hull's modules together: deno run -A scripts/bundle.ts <folder>
 *
 * A start reads the compiled code of a whole file, needed or not. So the command line has two:
 * `hull.js` is what a command needs mostly, with all that it imports late, and `late.js` all the
 * rest, loaded when any of it is needed. There are three such pairs, each with all of hull: in
 * `src/cli` for the commands that make a container, in `src/exec` for the one that makes a further
 * process, in `src/life` for those that find a container. init's own module, `init/init.js`, stands
 * alone.
 *
 * `deno bundle` would make a file of each module that is imported late, and reading many takes
 * longer than reading one. So it gets a copy of the sources in which what belongs to the first file
 * is imported at once, and what doesn't through the one module of the other.
 *
 * Beside each file lies its source map, which `hull --debug` alone reads.
 *
 * The copy's `using` declarations are written so that the bundler leaves them (scripts/disposals.ts),
 * and a bundle that has lost one is none: it would leave files open and locks held.
 *
 * @module
 */

import { countDisposals, keepDisposals } from "./disposals.ts";

const DOOR = "src/cli/hull.ts";
const LATE = "src/cli/late.ts";

/** What all commands need. */
const COMMON = ["cli/hull", "cli/main", "factory", "process"];
const FILTERS = ["security/profile_cache", "security/seccomp"];

/** What is in the first file of each pair, with everything that these import at once. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  cli: [...COMMON, ...FILTERS, "cli/create", "cli/run", "container_hooks", "first_process"]
    .concat("prepare_container"),
  exec: [...COMMON, ...FILTERS, "cli/exec", "exec"],
  life: [...COMMON, "cli/delete", "cli/kill", "cli/start", "cli/state"],
};

/** One import of a module, as `deno info --json` tells it. */
interface Import {
  readonly isDynamic?: boolean;
  readonly code?: { readonly specifier: string };
}

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly Import[];
}

/** The modules that the door leads to, by path, each with what it imports. */
type Graph = ReadonlyMap<string, readonly Import[]>;

const root = new URL("../", import.meta.url);

async function bundle(out: string): Promise<void> {
  const graph = await readGraph();
  for (const [name, roots] of Object.entries(PAIRS)) {
    const prompt = closure(graph, roots.map((path) => `src/${path}.ts`));
    await bundlePair(`${out}/src/${name}`, graph, prompt);
  }
  await withCopy(`${out}/init`, async (copy) => {
    await bundleInto(`${out}/init`, copy, [], ["init/init.ts"]);
  });
  keepMaps(`${out}/init`);
}

async function bundlePair(out: string, graph: Graph, prompt: ReadonlySet<string>): Promise<void> {
  const imported = [...graph.values()].flatMap(lateImports);
  const late = [...new Set(imported)].filter((path) => !prompt.has(path)).toSorted();
  await withCopy(out, async (copy) => {
    for (const path of graph.keys()) rewrite(copy, path, prompt, late);
    Deno.writeTextFileSync(`${copy}/${LATE}`, lateModule(late));
    await bundleInto(out, copy, ["--code-splitting"], [DOOR, LATE]);
  });
  joinDoor(out);
  keepMaps(out);
}

/** Does something with a copy of the sources that lasts as long. */
async function withCopy(out: string, act: (copy: string) => Promise<void>): Promise<void> {
  const copy = `${out}.sources`;
  Deno.mkdirSync(copy, { recursive: true });
  try {
    await run("cp", ["-r", "ffi", "init", "src", "std", "deno.json", copy], root);
    for (const folder of ["ffi", "init", "src", "std"]) keepAllDisposals(`${copy}/${folder}`);
    await act(copy);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

function keepAllDisposals(folder: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) keepAllDisposals(path);
    else if (name.endsWith(".ts")) {
      const source = Deno.readTextFileSync(path);
      const kept = keepDisposals(source);
      if (kept !== source) Deno.writeTextFileSync(path, kept);
    }
  }
}

/** Bundles twice, the second time as it is to be read by a machine, and compares what they dispose of. */
async function bundleInto(
  out: string,
  copy: string,
  options: readonly string[],
  modules: readonly string[],
): Promise<void> {
  const plain = `${copy}/plain`;
  await deno(copy, ["bundle", "--quiet", ...options, "--outdir", plain, ...modules]);
  const small = ["--minify", "--sourcemap", "external"];
  await deno(copy, ["bundle", "--quiet", ...small, ...options, "--outdir", out, ...modules]);
  const [wanted, found] = [disposalsIn(plain), disposalsIn(out)];
  if (wanted !== found) throw new Error(`the bundle disposes of ${found} things, not of ${wanted}`);
}

function disposalsIn(folder: string): number {
  const programs = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".js"));
  return programs.map(({ name }) => countDisposals(Deno.readTextFileSync(`${folder}/${name}`)))
    .reduce((sum, count) => sum + count, 0);
}

async function readGraph(): Promise<Graph> {
  const { modules } = JSON.parse(await deno(root, ["info", "--json", DOOR])) as {
    readonly modules: readonly Module[];
  };
  return new Map(
    modules.map(({ specifier, dependencies = [] }) => [inRoot(specifier), dependencies]),
  );
}

/** A module's path from the top. */
function inRoot(specifier: string): string {
  if (specifier.startsWith(root.href)) return specifier.slice(root.href.length);
  throw new Error(`${specifier} is no module of hull's`);
}

/** Modules with all that they import at once. */
function closure(graph: Graph, entries: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const { code, isDynamic = false } of graph.get(path) ?? missing(path)) {
      if (code !== undefined && !isDynamic) waiting.push(inRoot(code.specifier));
    }
  }
  return found;
}

function missing(path: string): never {
  throw new Error(`${path} is not among the modules that ${DOOR} leads to`);
}

function lateImports(imports: readonly Import[]): readonly string[] {
  return imports.flatMap(({ code, isDynamic = false }) =>
    code === undefined || !isDynamic ? [] : [inRoot(code.specifier)]
  );
}

/** No plain string: Deno would read the module beforehand, where one is. */
const ELSEWHERE = `["./late.js"].join()`;

/** A late import, and no type. Those of doc comments are matched too, and do no harm. */
const IMPORT = /(?<!\btypeof )\bimport\("(\.[^"]+)"\)/g;

/** Writes a module's copy, if it imports any late. */
function rewrite(
  copy: string,
  path: string,
  prompt: ReadonlySet<string>,
  late: readonly string[],
): void {
  const heads = new Map<string, string>();
  const source = Deno.readTextFileSync(`${copy}/${path}`);
  const text = source.replaceAll(IMPORT, (all, specifier: string) => {
    const target = inRoot(new URL(specifier, `${root.href}${path}`).href);
    const index = late.indexOf(target);
    if (index >= 0) return `import(${ELSEWHERE}).then((late) => late.m${index})`;
    if (!prompt.has(target)) return all;
    const name = `prompt_${[...prompt].indexOf(target)}`;
    heads.set(name, `import * as ${name} from "${specifier}";`);
    return `Promise.resolve(${name})`;
  });
  if (text === source) return;
  // On the first line, so that all lines keep their numbers.
  Deno.writeTextFileSync(`${copy}/${path}`, [...heads.values(), text].join(" "));
}

/** It imports the door, so that all that both have is in one file. */
function lateModule(late: readonly string[]): string {
  const exports = late.map((path, index) => `export * as m${index} from "../../${path}";`);
  return [`import "./hull.ts";`, ...exports, ""].join("\n");
}

/** The shared code becomes the door itself, in place of the module that only imports it. */
function joinDoor(folder: string): void {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => !name.endsWith(".map"));
  const [chunk, ...more] = names.filter((name) => !["hull.js", "late.js"].includes(name));
  if (chunk === undefined || more.length > 0) throw new Error(`not one shared file: ${names}`);
  for (const end of ["", ".map"]) {
    Deno.renameSync(`${folder}/${chunk}${end}`, `${folder}/hull.js${end}`);
  }
  const late = Deno.readTextFileSync(`${folder}/late.js`);
  Deno.writeTextFileSync(`${folder}/late.js`, late.replaceAll(`./${chunk}`, "./hull.js"));
}

/** The maps with the paths that the sources have from the top, and without the sources themselves. */
function keepMaps(folder: string): void {
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".map")) continue;
    const map = JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)) as {
      readonly sources: readonly string[];
      readonly mappings: string;
    };
    const sources = map.sources.map((path) => path.replace(/^.*?(?=(?:ffi|init|src|std)\/)/, ""));
    const kept = { version: 3, sources, mappings: map.mappings };
    Deno.writeTextFileSync(`${folder}/${name}`, JSON.stringify(kept));
  }
}

async function deno(folder: string | URL, args: readonly string[]): Promise<string> {
  return await run(Deno.execPath(), args, folder);
}

async function run(program: string, args: readonly string[], cwd: string | URL): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} ${args[0] ?? ""} failed`);
  return new TextDecoder().decode(stdout);
}

const [out] = Deno.args;
if (out === undefined) throw new Error("usage: bundle.ts <folder>");
await bundle(out);
