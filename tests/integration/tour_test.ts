/** Each command of docs/tour.md prints what stands there. @module */

import { assert, assertEquals } from "@std/assert";
import { scratchFolder } from "../fixtures/bundle.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const TOP = fromFileUrl(new URL("../../", import.meta.url));
const END = "-- end of a command --";

interface Shown {
  readonly command: string;
  /** What it is to print, with `…` for what may be anything. */
  readonly lines: readonly string[];
}

/** The commands of a page's consoles, with the lines below each. */
function shownIn(page: string): Shown[] {
  return [...page.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(([, console = ""]) =>
    console.split(/^\$ /m).slice(1).map((text) => {
      const [command = "", ...lines] = text.split("\n");
      return { command, lines: lines.slice(0, -1) };
    })
  );
}

/** What text may be, as a page shows it: numbers, spaces and what `…` stands for may differ. */
function patternOf(lines: readonly string[]): RegExp {
  const source = lines.map((line) => {
    if (line === "…") return "(?:.*\\n)*?";
    const parts = line.split(/(…|\b0x[0-9a-f]+|\d+|\s+)/).map((part, index) => {
      if (index % 2 === 0) return RegExp.escape(part);
      if (part === "…") return ".*";
      return /\s/.test(part) ? "\\s+" : "\\d+";
    });
    return `${parts.join("")}\\n`;
  });
  return new RegExp(`^${source.join("")}$`);
}

testWhere(ROOT, "the commands of docs/tour.md print what stands there", () => {
  const shown = shownIn(Deno.readTextFileSync(`${TOP}docs/tour.md`));
  assert(shown.length > 15);
  using scratch = scratchFolder();
  const root = `${scratch.path}/root`;
  Deno.symlinkSync(`${TOP}scripts`, `${scratch.path}/scripts`);
  Deno.mkdirSync(`${scratch.path}/bin`);
  Deno.symlinkSync(Deno.execPath(), `${scratch.path}/bin/deno`);
  const hull = `#!/bin/sh\nexec ${TOP}scripts/hull --root ${root} "$@"\n`;
  Deno.writeTextFileSync(`${scratch.path}/bin/hull`, hull, { mode: 0o755 });
  const ends = 'trap "hull delete --force tour" EXIT';
  const script = shown.map(({ command }) => `${command}\nlast=$?\necho '${END}'\n(exit $last)`);
  const { stdout, stderr } = new Deno.Command("sh", {
    args: ["-c", [ends, ...script].join("\n")],
    cwd: scratch.path,
    env: { PATH: `${scratch.path}/bin:${Deno.env.get("PATH")}` },
    stdin: "null",
  }).outputSync();
  assertEquals(new TextDecoder().decode(stderr), "");
  const said = new TextDecoder().decode(stdout).split(`${END}\n`);
  for (const [index, { command, lines }] of shown.entries()) {
    const text = said[index] ?? "";
    assert(patternOf(lines).test(text), `$ ${command}\n${text}\nbut shown is\n${lines.join("\n")}`);
  }
  assertEquals([...Deno.readDirSync(root)], []);
});

testWhere(
  ROOT,
  "the runtime's commands of README.md go one after another in an empty folder",
  () => {
    const [, before = ""] = Deno.readTextFileSync(`${TOP}README.md`).split("\n## The runtime\n");
    const lines = (/^```sh\n([^]*?)^```$/m.exec(before)?.[1] ?? "").trim().split("\n");
    assert(lines.length > 8, before);
    using scratch = scratchFolder();
    const own = `${scratch.path}/own`;
    Deno.mkdirSync(own);
    const hull = `#!/bin/sh\nexec ${TOP}scripts/hull --root ${scratch.path}/root "$@"\n`;
    Deno.writeTextFileSync(`${scratch.path}/hull`, hull, { mode: 0o755 });
    const script = [
      'trap "hull delete --force web" EXIT',
      'must() { hull "$@" || echo "hull $*: $?" >&2; }',
      ...lines.map((line) => line.replaceAll(/\bhull (?=[a-z])/g, "must ")),
    ].join("\n");
    // a detached container has what hull has: a pipe would stay open
    const said = `${scratch.path}/said`;
    const { stderr } = new Deno.Command("sh", {
      args: ["-c", `exec > ${said}; ${script}`],
      cwd: own,
      env: { PATH: `${scratch.path}:${Deno.env.get("PATH")}` },
      stdin: "null",
    }).outputSync();
    assertEquals(new TextDecoder().decode(stderr), "");
    const words = Deno.readTextFileSync(said);
    for (const word of ["hello\n", "\nweb\n", "\n143\n"]) assert(words.includes(word), words);
  },
);
