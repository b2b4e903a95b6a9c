import { assert, assertEquals, assertRejects } from "@std/assert";
import { ContainerError } from "../../../../../src/errors.ts";
import { LockFile } from "../../../../../src/network/links/lock_file.ts";

const WHAT = "the tests";

async function inFolder(body: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await body(`${folder}/lock`, folder);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [], "the file is gone");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("of many who want a lock one has it at a time, and no file stays", () =>
  inFolder(async (path) => {
    let holders = 0;
    let most = 0;
    const work = async () => {
      using _lock = await LockFile.take(path, WHAT, 60_000);
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holders--;
    };
    await Promise.all(Array.from({ length: 40 }, work));
    assertEquals(most, 1);
  }));

Deno.test("a lock that is held all the time is told, and can be had later", () =>
  inFolder(async (path) => {
    {
      using _held = await LockFile.take(path, WHAT, 1000);
      const error = await assertRejects(() => LockFile.take(path, WHAT, 20), ContainerError);
      assertEquals([error.message.includes("the tests are in use"), error.errno], [true, "EAGAIN"]);
      assertEquals((Deno.lstatSync(path).mode ?? 0) & 0o777, 0o600, "nobody else may open it");
    }
    using _again = await LockFile.take(path, WHAT, 60_000);
  }));

Deno.test("what others could open or have put there is no lock", () =>
  inFolder(async (path, folder) => {
    const bad: readonly (() => void)[] = [
      () => Deno.writeTextFileSync(path, "", { mode: 0o644 }),
      () => Deno.symlinkSync(`${folder}/elsewhere`, path),
      () => new Deno.Command("mkfifo", { args: ["-m", "600", path] }).outputSync(),
      () => {
        Deno.writeTextFileSync(path, "", { mode: 0o600 });
        Deno.chownSync(path, 65_534, 65_534);
      },
    ];
    for (const put of Deno.uid() === 0 ? bad : bad.slice(0, 3)) {
      put();
      await assertRejects(() => LockFile.take(path, WHAT, 1000), ContainerError, "lock");
      assert(Deno.lstatSync(path), "and it is left alone");
      Deno.removeSync(path);
    }
  }));
