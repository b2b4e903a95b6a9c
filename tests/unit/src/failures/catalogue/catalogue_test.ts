import { assert, assertEquals } from "@std/assert";
import { errnoText, SyscallError } from "../../../../../ffi/c/errno.ts";
import { CATALOGUE, lookUp } from "../../../../../src/failures/catalogue/catalogue.ts";
import { CODES } from "../../../../../src/failures/catalogue/codes.ts";
import { ERRNOS } from "../../../../../src/failures/catalogue/errnos.ts";
import { catalogueText } from "../../../../../src/failures/catalogue/page.ts";
import { STEPS } from "../../../../../src/failures/catalogue/steps.ts";

const TOP = new URL("../../../../../", import.meta.url);
const PAGE = new URL("docs/errors.md", TOP);
const SOURCES = [...sources("src"), ...sources("init")];

/** The texts of the modules below a folder, but for the catalogue itself. */
function sources(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, TOP))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return path === "src/failures/catalogue" ? [] : sources(path);
    return name.endsWith(".ts") ? [Deno.readTextFileSync(new URL(path, TOP))] : [];
  });
}

/** What the expressions' first groups find, without doubles, sorted. */
function named(...expressions: RegExp[]): string[] {
  const words = SOURCES.flatMap((text) =>
    expressions.flatMap((each) => [...text.matchAll(each)].map(([, word]) => word as string))
  );
  return [...new Set(words)].sort();
}

Deno.test("every code that the sources throw is in the catalogue, and nothing else", () => {
  const thrown = named(
    /new ContainerError\(\s*"(\w+)"/g,
    /syscallFailure\(\s*\w+,\s*"(\w+)"/g,
    /code: "([A-Z]\w+)"/g,
  );
  const codes = Object.keys(CODES).sort();
  const declared = /export type ContainerErrorCode =([^;]*);/.exec(
    Deno.readTextFileSync(new URL("src/errors.ts", TOP)),
  )?.[1] ?? "";
  assertEquals([...declared.matchAll(/"(\w+)"/g)].map(([, code]) => code).sort(), codes);
  assertEquals(thrown.filter((code) => !codes.includes(code)), []);
  const anywhere = SOURCES.join("\n").replace(declared, "");
  assertEquals(codes.filter((code) => !anywhere.includes(`"${code}"`)), []);
});

Deno.test("every step that the sources name is in the catalogue, and nothing else", () => {
  const steps = named(/\bstep: "(\w+)"/g, /new StepBuilder\("(\w+)"/g, /\bSTEP = "(\w+)"/g);
  assertEquals(Object.keys(STEPS).sort(), steps);
});

Deno.test("every errno of the catalogue is one of the kernel's", () => {
  for (const name of Object.keys(ERRNOS)) {
    const number = [...Array(134).keys()].find((k) => new SyscallError("x", k).code === name);
    assert(number !== undefined && errnoText(number) !== "", name);
  }
});

Deno.test("each word says what it means, whence it comes and what to do", () => {
  for (const { words } of CATALOGUE) {
    for (const [word, { meaning, causes, remedies }] of Object.entries(words)) {
      assert(meaning.endsWith("."), word);
      assert(causes.length > 0 && remedies.length > 0, word);
      assert([...causes, ...remedies].every((text) => !text.endsWith(".") && text !== ""), word);
      assertEquals(lookUp(word.toUpperCase()).map((found) => found.word), [word]);
    }
  }
});

Deno.test("the commands that the catalogue names are there", async () => {
  const { COMMANDS } = await import("../../../../../src/cli/command_table.ts");
  const remedies = CATALOGUE.flatMap(({ words }) => Object.values(words))
    .flatMap(({ remedies }) => remedies);
  const commands = remedies.flatMap((text) =>
    [...text.matchAll(/(?:^|; |then |, )hull (?:--root DIR )?([a-z]+)/g)].map(([, name]) =>
      name ?? ""
    )
  );
  assert(commands.includes("doctor") && commands.includes("delete"));
  assertEquals(commands.filter((name) => !(name in COMMANDS)), []);
});

Deno.test("docs/errors.md is what the catalogue makes (HULL_UPDATE_GOLDEN=1 writes it)", async () => {
  const text = catalogueText();
  if (Deno.env.get("HULL_UPDATE_GOLDEN") === "1") {
    await Deno.writeTextFile(PAGE, text);
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE.pathname] }).output();
  }
  const flat = (page: string) => page.replaceAll(/\s+/g, " ").trim();
  assertEquals(flat(Deno.readTextFileSync(PAGE)), flat(text));
});
