import { assertEquals } from "@std/assert";
import { machineCode } from "../../ffi/trampoline.ts";
import { run, scratchFolder } from "../fixtures/bundle.ts";

Deno.test("the trampoline for aarch64 calls, jumps, clones and returns under an emulator", () => {
  using scratch = scratchFolder();
  const source = new URL("../fixtures/aarch64/loader.c", import.meta.url).pathname;
  const [loader, code] = [`${scratch.path}/loader`, `${scratch.path}/code`];
  run("aarch64-linux-gnu-gcc", "-static", "-O1", "-Wall", "-Werror", "-o", loader, source);
  Deno.writeFileSync(code, machineCode("aarch64"));
  const said = run("qemu-aarch64-static", loader, code);
  assertEquals(said, "last 14, missing -2 -2, waited 1, exit 7, text child\n");
});
