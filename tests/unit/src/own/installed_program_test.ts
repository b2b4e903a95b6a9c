import { assertEquals } from "@std/assert";
import { findInstalled } from "../../../../src/own/installed_program.ts";

Deno.test("only a program that nobody but root can change is taken", () => {
  const top = Deno.makeTempDirSync();
  try {
    const [first, second] = [`${top}/a`, `${top}/b`];
    for (const folder of [first, second]) Deno.mkdirSync(folder);
    const put = (folder: string, mode: number, text = "#!/bin/sh\n") => {
      Deno.writeTextFileSync(`${folder}/newuidmap`, text);
      Deno.chmodSync(`${folder}/newuidmap`, mode);
    };
    const owner = Deno.uid() ?? 0;
    const found = (uid = owner) => findInstalled("newuidmap", [first, second], [uid]);
    assertEquals(found(), undefined);
    put(second, 0o4755);
    assertEquals(found(), { path: `${second}/newuidmap`, isSetuid: true });
    for (const mode of [0o775, 0o757, 0o644]) {
      put(first, mode);
      assertEquals(found()?.path, `${second}/newuidmap`);
    }
    put(first, 0o755, "");
    assertEquals(found()?.path, `${second}/newuidmap`);
    put(first, 0o755);
    assertEquals(found(), { path: `${first}/newuidmap`, isSetuid: false });
    assertEquals(found(owner + 1), undefined);
    Deno.removeSync(`${first}/newuidmap`);
    Deno.mkdirSync(`${first}/newuidmap`);
    assertEquals(found()?.path, `${second}/newuidmap`);
  } finally {
    Deno.removeSync(top, { recursive: true });
  }
});
