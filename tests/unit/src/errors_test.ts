import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../../fixtures/paths.ts";

const ROOT = fromFileUrl(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** The sources below a folder. */
function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}/${folder}`)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(`${ROOT}/${folder}/${name}`);
  }
}

/** The words that a pattern finds in its first group. */
function found(text: string, pattern: RegExp): Set<string> {
  return new Set([...text.matchAll(pattern)].map(([, word = ""]) => word));
}

Deno.test("every documented code is thrown somewhere, and every code is documented", () => {
  const declaring = Deno.readTextFileSync(`${ROOT}/src/errors.ts`);
  const [documented = "", declared = ""] = declaring.split("export type ContainerErrorCode =");
  const codes = found(declared.slice(0, declared.indexOf(";")), /\| "(\w+)"/g);
  const lines = found(documented, /^ \* - ((?:`\w+`(?:, )?)+):/gm);
  const listed = found([...lines].join("\n"), /`(\w+)`/g);
  const throwing = [...sources("src"), ...sources("init")].filter((text) => text !== declaring)
    .join("\n");
  const thrown = found(
    throwing,
    /(?:new ContainerError\(|syscallFailure\(\s*[^,]+,)\s*"(\w+)"/g,
  );
  assertEquals([...thrown].toSorted(), [...codes].toSorted());
  assertEquals([...listed].toSorted(), [...codes].toSorted());
  // What a function's documentation promises is a code.
  const promises = throwing.match(/@throws \{ContainerError\}(?:(?!\*\/|@)[^])*/g) ?? [];
  const promised = found(promises.join("\n"), /`([A-Z][a-z]+[A-Z]\w+)`/g);
  assertEquals([...promised].filter((word) => !codes.has(word)), []);
});
