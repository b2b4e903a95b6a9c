/**
 * Puts hull's modules together: deno run -A scripts/bundle.ts <folder>
 *
 * A start reads the compiled code of a whole file, needed or not. So the command line has several:
 * `hull.js` is what a command needs mostly, with all that it imports late, `late.js` what it may need
 * beside that, and `far.js` all the rest, each loaded when any of it is needed. There are three such
 * sets, each with all of hull: in `src/cli` for the commands that make a container, in `src/exec` for
 * the one that makes a further process, in `src/life` for those that find a container. After the first
 * file come those for what many need and many don't: see `BETWEEN`. Each file imports those before it
 * of which it needs anything. init's own module, `init/init.js`, stands alone, and so does containerd's
 * shim with all of hull, `src/shim/main.js`.
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
import { handOver, moved, namesIn } from "./hand_over.ts";

const DOOR = "src/cli/hull.ts";

/** What all commands need. */
const COMMON = ["cli/hull", "cli/main", "factory", "own/own_environment", "process"];
/** Where what makes a container begins. */
const MAKING = [
  "cli/commands/create",
  "cli/commands/run",
  "container/creation",
  "create/mounted_reaper",
  "create/plan_start",
  "create/prepare_container",
  "start/first_process",
];
const FILTERS = ["security/filters/profile_cache", "security/filters/seccomp"];

/** What is in the first file of each set, with everything that these import at once. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  cli: [
    ...COMMON,
    ...FILTERS,
    "cli/commands/create",
    "cli/commands/run",
    "cli/foreground/orphan_reaper",
    "start/first_process",
    "container/creation",
    "create/prepare_container",
    "cgroups/v1/apply",
    "cgroups/v2/apply",
  ],
  exec: [...COMMON, ...FILTERS, "cli/commands/exec", "cli/flags/variables", "exec/exec"],
  life: [
    ...COMMON,
    "cli/commands/delete",
    "cli/commands/kill",
    "cli/commands/start",
    "cli/commands/state",
  ],
};

/** Where what engines never ask for begins: it is for people, or rare. */
const SELDOM = [
  "init/init", // which has a file of its own
  ...["container_lease", "container_network", "net_devices", "user_network"]
    .map((name) => `network/${name}`),
  "container/inspection",
  "create/planned_network",
  "exec/usher_trace",
  "life/broken_container",
  "resctrl/intel_rdt",
  "start/init_network",
  "trace/plan_trace",
  "cli/help",
  ...["completion", "doctor", "explain", "features", "inspect", "logs", "plan", "resident", "spec"]
    .map((name) => `cli/commands/${name}`),
  "cli/commands/top",
  "cli/output/trace_file",
  "cli/process/image_bundle",
];
const COMMANDS_OF_LIFE = ["delete", "events", "kill", "list", "pause", "ps", "resume", "start"]
  .concat("state", "update", "wait").map((name) => `cli/commands/${name}`);

/**
 * Where the last file begins: it has what the rest of the program reaches by these modules alone, if it
 * imports them late.
 */
const FAR: Readonly<Record<string, readonly string[]>> = {
  cli: [...SELDOM, ...COMMANDS_OF_LIFE],
  exec: [...SELDOM, ...COMMANDS_OF_LIFE, ...MAKING],
  life: [...SELDOM, ...MAKING],
};

/**
 * The files between: what tells of errors, the smaller commands, what a terminal here or a far one asks
 * for, hooks, the built-in default, what flags wish of it, containers in units of systemd's, new limits,
 * and what makes a further process. A set has each of them of which its first file has nothing, but for
 * those whose first module is for the last file.
 */
const BETWEEN: Readonly<Record<string, readonly string[]>> = {
  failure: ["cli/output/failure"],
  asked: [
    ...["events", "list", "pause", "ps", "resume", "version", "wait"]
      .map((name) => `cli/commands/${name}`),
    "container/happenings",
    "container/pausing",
  ],
  terminal: ["cli/foreground/interrupts", "cli/foreground/terminal"],
  console: ["streams/terminal", "streams/unix_client"],
  hooks: ["hooks/container_hooks"],
  builtin: ["create/builtin_bundle", "create/builtin_container"],
  wishes: [
    "cli/process/flag_wishes",
    "cli/flags/variables",
    "config/published_port",
    "config/validate_network/network_mode",
    "create/builtin_resolver",
    "create/check_wishes",
    "create/wished_bundle",
    "life/merge_resources",
    "network/container_mode",
    "network/resolver_config",
  ],
  systemd: [
    "cgroups/choice/make_systemd_manager",
    "cgroups/systemd/unit_life",
    "cgroups/systemd/users_scope",
    "birth/later_doors",
  ],
  update: [
    "cli/commands/update",
    "cgroups/v1/apply",
    "cgroups/v2/apply",
    "config/validate/validate",
    "container/changes",
    "life/merge_resources",
    "life/update_resources",
  ],
  aside: ["exec/exec", "cli/commands/exec"],
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
  for (const [name, roots] of Object.entries(SETS)) {
    const prompt = closure(graph, roots.map(inSources));
    const far = new Set((FAR[name] ?? []).map(inSources));
    for (const path of far) if (!graph.has(path)) missing(path);
    await bundleSet(`${out}/src/${name}`, graph, prompt, far);
  }
  await bundleAlone(`${out}/init`, "init/init.ts");
  await bundleAlone(`${out}/src/shim`, "src/shim/main.ts");
}

/** One file for a program: what it imports late is in it, and runs late. */
async function bundleAlone(out: string, module: string): Promise<void> {
  await withCopy(out, async (copy) => await bundleInto(out, copy, [], [module]));
  keepMaps(out);
}

function inSources(name: string): string {
  return `${name.startsWith("init/") ? "" : "src/"}${name}.ts`;
}

async function bundleSet(
  out: string,
  graph: Graph,
  prompt: ReadonlySet<string>,
  far: ReadonlySet<string>,
): Promise<void> {
  const imported = [...new Set([...graph.values()].flatMap(lateImports))];
  const modules = imported.filter((path) => !prompt.has(path)).toSorted();
  const files = shareOut(graph, prompt, far, modules);
  await withCopy(out, async (copy) => {
    for (const path of graph.keys()) rewrite(copy, path, prompt, files);
    const names = [...files.keys()];
    for (const [k, name] of names.entries()) {
      const text = moduleOf(files.get(name) ?? [], ["hull", ...names.slice(0, k)]);
      Deno.writeTextFileSync(`${copy}/src/cli/${name}.ts`, text);
    }
    const modules = [DOOR, ...names.map((name) => `src/cli/${name}.ts`)];
    await bundleInto(out, copy, ["--code-splitting"], modules);
  });
  joinChunks(out, ["hull", ...files.keys()].slice(0, -1));
  keepMaps(out);
  makeList(out);
}

/** The modules that the files beside the first one give away, in the order of the files. */
type Files = ReadonlyMap<string, readonly string[]>;

function shareOut(
  graph: Graph,
  prompt: ReadonlySet<string>,
  far: ReadonlySet<string>,
  modules: readonly string[],
): Files {
  const files = new Map<string, readonly string[]>();
  const near = reached(graph, far);
  let rest = modules;
  for (const [name, roots] of Object.entries(BETWEEN)) {
    const entries = roots.map(inSources);
    const [first = ""] = entries;
    if (!near.has(first) || entries.some((path) => prompt.has(path))) continue;
    const found = closure(graph, entries);
    files.set(name, rest.filter((path) => found.has(path)));
    rest = rest.filter((path) => !found.has(path));
  }
  files.set("late", rest.filter((path) => near.has(path)));
  return files.set("far", rest.filter((path) => !near.has(path)));
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
  return follow(graph, entries, ({ isDynamic = false }) => !isDynamic);
}

/** All modules that the door leads to, but for what only a late import of some leads to. */
function reached(graph: Graph, far: ReadonlySet<string>): ReadonlySet<string> {
  return follow(graph, [DOOR], ({ isDynamic = false }, path) => !isDynamic || !far.has(path));
}

function follow(
  graph: Graph,
  entries: readonly string[],
  isFollowed: (imported: Import, path: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const imported of graph.get(path) ?? missing(path)) {
      if (imported.code === undefined) continue;
      const target = inRoot(imported.code.specifier);
      if (isFollowed(imported, target)) waiting.push(target);
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
function importFrom(file: string): string {
  return `import(["./${file}.js"].join())`;
}

/** A late import, and no type. Those of doc comments are matched too, and do no harm. */
const IMPORT = /(?<!\btypeof )\bimport\("(\.[^"]+)"\)/g;

/** Writes a module's copy, if it imports any late. */
function rewrite(
  copy: string,
  path: string,
  prompt: ReadonlySet<string>,
  files: Files,
): void {
  const heads = new Map<string, string>();
  const source = Deno.readTextFileSync(`${copy}/${path}`);
  const text = source.replaceAll(IMPORT, (all, specifier: string) => {
    const target = inRoot(new URL(specifier, `${root.href}${path}`).href);
    for (const [file, modules] of files) {
      const index = modules.indexOf(target);
      if (index >= 0) return `${importFrom(file)}.then((file) => file.m${index})`;
    }
    if (!prompt.has(target)) return all;
    const name = `prompt_${[...prompt].indexOf(target)}`;
    heads.set(name, `import * as ${name} from "${specifier}";`);
    return `Promise.resolve(${name})`;
  });
  if (text === source) return;
  // On the first line, so that all lines keep their numbers.
  Deno.writeTextFileSync(`${copy}/${path}`, [...heads.values(), text].join(" "));
}

/** It imports those that come before, so that all that it has in common with one is in that file. */
function moduleOf(modules: readonly string[], before: readonly string[]): string {
  const imports = before.map((name) => `import "./${name}.ts";`);
  const exports = modules.map((path, index) => `export * as m${index} from "../../${path}";`);
  return [...imports, ...exports, ""].join("\n");
}

/**
 * What a file has in common with later ones is a chunk, and the file itself only gives away some of it:
 * the chunk takes its place.
 */
function joinChunks(folder: string, files: readonly string[]): void {
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (const file of files.map((name) => `${name}.js`)) {
    const path = `${folder}/${file}`;
    const door = Deno.readTextFileSync(path);
    const [, chunk = ""] = /from"\.\/(chunk-\w+\.js)"/.exec(door) ?? []; // others' are joined
    Deno.writeTextFileSync(path, givingAway(Deno.readTextFileSync(`${folder}/${chunk}`), door));
    Deno.renameSync(`${folder}/${chunk}.map`, `${path}.map`);
    Deno.removeSync(`${folder}/${chunk}`);
    for (const name of names().filter((name) => name.endsWith(".js"))) {
      rename(`${folder}/${name}`, chunk, file);
    }
  }
  const chunks = names().filter((name) => name.startsWith("chunk-"));
  if (chunks.length > 0) throw new Error(`more is shared than the files' own: ${chunks}`);
}

/** Has a file import another one by its new name, at its head, behind which all moves. */
function rename(path: string, from: string, to: string): void {
  const before = Deno.readTextFileSync(path);
  const after = before.replaceAll(`"./${from}"`, `"./${to}"`);
  if (after === before) return;
  Deno.writeTextFileSync(path, after);
  const map = JSON.parse(Deno.readTextFileSync(`${path}.map`)) as KeptMap;
  const mappings = moved(map.mappings, after.length - before.length);
  Deno.writeTextFileSync(`${path}.map`, JSON.stringify({ ...map, mappings }));
}

/** A chunk that gives away, too, what its door does, under the same names. */
function givingAway(chunk: string, door: string): string {
  const [all = "", own = ""] = /export\{([^}]*)\};\s*$/.exec(chunk) ?? [];
  const [, taken = ""] = /import\{([^}]*)\}from"\.\/chunk-/.exec(door) ?? [];
  const [, given = ""] = /export\{([^}]*)\}/.exec(door) ?? [];
  const inside = new Map(namesIn(own).map(([local, name]) => [name, local]));
  const between = new Map(namesIn(taken).map(([name, local]) => [local, inside.get(name)]));
  const more = namesIn(given).map(([local, name]) => {
    const found = between.get(local);
    if (found === undefined) throw new Error(`the chunk does not give away ${name}`);
    return `${found} as ${name}`;
  });
  return `${chunk.slice(0, chunk.length - all.length)}export{${[own, ...more].join()}};\n`;
}

/** See hand_over.ts. */
function makeList(folder: string): void {
  const first = `${folder}/hull.js`;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".js") && name !== "hull.js");
  const before = Object.fromEntries(names.map((name) => {
    const map = JSON.parse(Deno.readTextFileSync(`${folder}/${name}.map`)) as KeptMap;
    const text = Deno.readTextFileSync(`${folder}/${name}`);
    return [name, { text, mappings: map.mappings, map }];
  }));
  const after = handOver(Deno.readTextFileSync(first), before);
  Deno.writeTextFileSync(first, after.first);
  for (const [name, { text, mappings }] of Object.entries(after.others)) {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    const map = JSON.stringify({ ...before[name]?.map, mappings });
    Deno.writeTextFileSync(`${folder}/${name}.map`, map);
  }
}

/** A source map as far as it is kept. */
interface KeptMap {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly mappings: string;
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
    const kept: KeptMap = { version: 3, sources, mappings: map.mappings };
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
