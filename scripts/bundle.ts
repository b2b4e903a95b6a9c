/**
 * Puts hull's modules together: deno run -A scripts/bundle.ts <folder>
 *
 * A start reads the compiled code of a whole file, needed or not. So there are two for the command
 * line: `src/cli/hull.js` is what the commands of a container's life need mostly, with all that they
 * import late, and `src/cli/late.js` all the rest, loaded when any of it is needed. init's own
 * module, `init/init.js`, stands alone.
 *
 * `deno bundle` would make a file of each module that is imported late, and reading many takes
 * longer than reading one. So it gets a copy of the sources in which what belongs to the first file
 * is imported at once, and what doesn't through one module.
 *
 * @module
 */

const DOOR = "src/cli/hull.ts";

/** What is in the first file, with everything that these import at once. */
const PROMPT = [
  DOOR,
  "src/exec.ts",
  "src/factory.ts",
  "src/process.ts",
  "src/security/profile_cache.ts",
  ...["create", "delete", "exec", "kill", "main", "run", "start", "state"]
    .map((name) => `src/cli/${name}.ts`),
];

const LATE = "src/cli/late.ts";

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
  const prompt = closure(graph, PROMPT);
  const late = [...lateImports(graph)].filter((path) => !prompt.has(path)).toSorted();
  const copy = `${out}.sources`;
  try {
    await run("cp", ["-r", "ffi", "init", "src", "std", "deno.json", copy], { makes: copy });
    for (const path of graph.keys()) rewrite(copy, path, prompt, late);
    Deno.writeTextFileSync(`${copy}/${LATE}`, lateModule(late));
    await deno(copy, [
      "bundle",
      ...QUIETLY,
      "--code-splitting",
      "--outdir",
      `${out}/src/cli`,
      DOOR,
      LATE,
    ]);
    joinDoor(`${out}/src/cli`);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
  await deno(root, ["bundle", ...QUIETLY, "--output", `${out}/init/init.js`, "init/init.ts"]);
}

const QUIETLY = ["--quiet", "--minify"];

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

function lateImports(graph: Graph): ReadonlySet<string> {
  const imports = [...graph.values()].flat().filter(({ isDynamic = false }) => isDynamic);
  return new Set(imports.flatMap(({ code }) => code === undefined ? [] : inRoot(code.specifier)));
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
  if (text !== source) {
    Deno.writeTextFileSync(`${copy}/${path}`, [...heads.values(), text].join("\n"));
  }
}

/** A specifier that leads from one module to another. */
function fromTo(from: string, to: string): string {
  return "../".repeat(from.split("/").length - 1) + to;
}

/** It imports the door, so that all that both have is in one file. */
function lateModule(late: readonly string[]): string {
  const exports = late.map((path, index) => `export * as m${index} from "${fromTo(LATE, path)}";`);
  return [`import "./hull.ts";`, ...exports, ""].join("\n");
}

/** The shared code becomes the door itself, in place of the module that only imports it. */
function joinDoor(folder: string): void {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const [chunk, ...more] = names.filter((name) => !["hull.js", "late.js"].includes(name));
  if (chunk === undefined || more.length > 0) throw new Error(`not one shared file: ${names}`);
  Deno.renameSync(`${folder}/${chunk}`, `${folder}/hull.js`);
  const late = Deno.readTextFileSync(`${folder}/late.js`);
  Deno.writeTextFileSync(`${folder}/late.js`, late.replaceAll(`./${chunk}`, "./hull.js"));
}

async function deno(folder: string | URL, args: readonly string[]): Promise<string> {
  return await run(Deno.execPath(), args, { folder });
}

async function run(
  program: string,
  args: readonly string[],
  { folder = root, makes }: { readonly folder?: string | URL; readonly makes?: string },
): Promise<string> {
  if (makes !== undefined) Deno.mkdirSync(makes, { recursive: true });
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args],
    cwd: folder,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} ${args[0] ?? ""} failed`);
  return new TextDecoder().decode(stdout);
}

const [out] = Deno.args;
if (out === undefined) throw new Error("usage: bundle.ts <folder>");
await bundle(out);
