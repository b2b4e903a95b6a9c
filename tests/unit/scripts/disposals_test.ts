import { assertEquals } from "@std/assert";
import { countDisposals, keepDisposals } from "../../../scripts/disposals.ts";

/** Each of these is one that a bundler may take for a value that is used once, or not at all. */
const PROGRAM = `
class Held {
  constructor(readonly name: string) {}
  [Symbol.dispose](): void {
    console.log("disposed", this.name);
  }
}
const make = (name: string) => new Held(name);
function returned(): string { using held = new Held("returned"); return held.name; }
function given(other: Held): string { using held = other; return held.name; }
function narrowed(other: unknown): string { using held = other as Held; return held.name; }
function unused(): void { using _held = make("unused"); console.log("body"); }
function twice(): number { using a = make("a;"), b = make(\`b\${[1].join(";")}\`); return a.name.length + b.name.length; }
function inBlock(all: Held[]): void { for (const each of all) { using held = each; console.log(held.name); } }
function inLoop(all: Held[]): void { for (using held of all) console.log(held.name); }
async function later(): Promise<string> {
  await using held = { name: "later", async [Symbol.asyncDispose]() { await 0; console.log("disposed later"); } };
  return held.name;
}
function long(): string {
  using held = make(
    "long",
  );
  return held.name;
}
console.log(returned(), given(make("given")), narrowed(make("narrowed")), twice(), long(), await later());
unused(), inBlock([make("block")]), inLoop([make("loop")]);
`;

Deno.test("what is declared with using is disposed of in a bundle as in its source", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  try {
    Deno.writeTextFileSync(`${folder}/source.ts`, PROGRAM);
    const kept = keepDisposals(PROGRAM);
    Deno.writeTextFileSync(`${folder}/kept.ts`, kept);
    await deno(
      "bundle",
      "--quiet",
      "--minify",
      "--output",
      `${folder}/bundle.js`,
      `${folder}/kept.ts`,
    );
    assertEquals(kept.split("\n").length, PROGRAM.split("\n").length, "lines keep their numbers");
    const bundle = Deno.readTextFileSync(`${folder}/bundle.js`);
    assertEquals([countDisposals(kept), countDisposals(bundle)], [8, 8]);
    assertEquals(
      await deno("run", "--quiet", `${folder}/bundle.js`),
      await deno("run", "--quiet", "--no-check", `${folder}/source.ts`),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("comments that speak of using are left alone", () => {
  const source = ` * using file = open(path);\n// using x = y;\n`;
  assertEquals(keepDisposals(source), source);
});

async function deno(...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
