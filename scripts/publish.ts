/**
 * Publishes hull at JSR, with @std from there: deno run -A scripts/publish.ts [flags of deno publish]
 *
 * The sources import the files that stand in for parts of @std by their paths, since who imports
 * hull by a path has no names for packages. So a copy is published whose deno.json has the names at
 * JSR for them; `deno publish` writes these into the sources. That they are checked against the same
 * files, and JSR need not be reached for that, is what `links` is for. In hull's own deno.json it
 * would warn everybody who names a clone of hull in an import map.
 *
 * @module
 */

import { JSR_NAMES } from "./jsr_names.ts";

const LEFT_OUT = new Set([".ci", ".git", ".hull", "dist", "node_modules", "scripts", "tests"]);
const TOP = new URL("../", import.meta.url).pathname;

function copy(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory, isFile } of Deno.readDirSync(from)) {
    if (isDirectory && !LEFT_OUT.has(name)) copy(`${from}/${name}`, `${to}/${name}`);
    else if (isFile) Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

const folder = Deno.makeTempDirSync({ prefix: "hull-publish-" });
try {
  copy(TOP, folder);
  const config = JSON.parse(Deno.readTextFileSync(`${TOP}deno.json`)) as Record<string, unknown>;
  const links = ["./std/cli", "./std/path"];
  const forJsr = { ...config, imports: JSR_NAMES, links };
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify(forJsr, null, 2));
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--allow-dirty", ...Deno.args],
    cwd: folder,
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  Deno.removeSync(folder, { recursive: true });
}
