import { assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import { replaceFile } from "../../../../src/state/replace_file.ts";

Deno.test("a file is replaced whole, with its mode, and nothing else stays", () => {
  const folder = Deno.makeTempDirSync();
  try {
    replaceFile(`${folder}/pid`, "1", 0o600);
    replaceFile(`${folder}/pid`, "22", 0o600);
    assertEquals(Deno.readTextFileSync(`${folder}/pid`), "22");
    assertEquals((Deno.statSync(`${folder}/pid`).mode ?? 0) & 0o777, 0o600);
    Deno.mkdirSync(`${folder}/taken/full`, { recursive: true });
    assertThrows(() => replaceFile(`${folder}/taken`, "1", 0o600));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["pid", "taken"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("what somebody has put under the temporary name is neither followed nor written to", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/victim`, "kept");
    Deno.symlinkSync("victim", `${folder}/pid.same`);
    const error = assertThrows(
      () => replaceFile(`${folder}/pid`, "1", 0o600, "same"),
      SyscallError,
    );
    assertEquals(error.code, "EEXIST");
    assertEquals(Deno.readTextFileSync(`${folder}/victim`), "kept");
    assertEquals(Deno.readLinkSync(`${folder}/pid.same`), "victim");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
