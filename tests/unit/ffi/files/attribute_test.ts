import { assertEquals, assertThrows } from "@std/assert";
import { getAttribute, setAttribute } from "../../../../ffi/files/attribute.ts";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import { O_DIRECTORY, O_RDONLY, open } from "../../../../ffi/files/file.ts";

Deno.test("an attribute of a file is what was set last; without one, and too long, is an error", () => {
  const path = Deno.makeTempDirSync();
  try {
    using folder = open(path, O_RDONLY | O_DIRECTORY);
    const code = (call: () => void) => assertThrows(call, SyscallError).code;
    assertEquals(code(() => getAttribute(folder, "trusted.x", 8)), "ENODATA");
    setAttribute(folder, "trusted.x", new TextEncoder().encode("one"));
    setAttribute(folder, "trusted.x", new TextEncoder().encode("other"));
    assertEquals(new TextDecoder().decode(getAttribute(folder, "trusted.x", 8)), "other");
    assertEquals(code(() => getAttribute(folder, "trusted.x", 4)), "ERANGE");
  } finally {
    Deno.removeSync(path);
  }
});
