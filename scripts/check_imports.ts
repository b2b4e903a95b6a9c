/**
 * Checks that the folders import only what they may: who is below knows nothing of who is above.
 * Prints each breach.
 *
 * @module
 */

/** A folder's files, and what they may import: paths from the top, and packages. */
interface Rule {
  readonly from: RegExp;
  readonly may: RegExp;
}

/** The first rule that fits a file counts. */
const RULES: readonly Rule[] = [
  { from: /_test\.ts$|^tests\/|^scripts\//, may: /./ },
  { from: /^std\//, may: /^std\// },
  { from: /^ffi\//, may: /^ffi\// },
  { from: /^init\//, may: /^(ffi|init|src\/(config|security|network))\/|^src\/errors\.ts$/ },
  { from: /^src\/errors\.ts$/, may: /^$/ },
  {
    from: /^src\/config\//,
    may: /^(src\/config\/|src\/errors\.ts$|ffi\/(rlimit|namespaces)\.ts$)/,
  },
  {
    from: /^src\/security\//,
    may: /^(ffi|src\/security|src\/config)\/|^src\/errors\.ts$/,
  },
  {
    from: /^src\/network\//,
    may: /^(ffi|src\/network|src\/config|src\/security)\/|^src\/(errors|undo)\.ts$/,
  },
  { from: /^src\/cgroups\//, may: /^(ffi|src\/cgroups|src\/config)\/|^src\/errors\.ts$/ },
  { from: /^src\/cli\//, may: /^(ffi|init|src)\/|^@std\/(cli|path)/ },
  { from: /^src\//, may: /^(ffi|init)\/|^src\/(?!cli\/)|^@std\/path/ },
  { from: /^examples\//, may: /^mod\.ts$/ },
  { from: /^mod\.ts$/, may: /^(init|src)\// },
];

const IMPORT =
  /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|import\(\s*["']([^"']+)["']/gm;

/** What a module imports, its doc comments' examples left out. */
function importsOf(source: string): string[] {
  const code = source.replaceAll(/^\s*\/?\*.*$/gm, "");
  return [...code.matchAll(IMPORT)].map(([, first, second]) => first ?? second ?? "");
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder === "" ? "." : folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory && !name.startsWith(".") && name !== "node_modules") yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

Deno.chdir(new URL("..", import.meta.url));
let breaches = 0;
for (const file of [...sources("")].sort()) {
  const rule = RULES.find(({ from }) => from.test(file));
  for (const specifier of importsOf(Deno.readTextFileSync(file))) {
    const target = resolve(file, specifier);
    if (rule?.may.test(target) === true) continue;
    breaches++;
    console.error(`${file} must not import ${target}`);
  }
}
Deno.exit(breaches === 0 ? 0 : 1);
