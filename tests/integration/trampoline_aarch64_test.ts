import { assertEquals } from "@std/assert";
import { programImage } from "../../ffi/program/program_image.ts";
import { machineCode, OPERATION_SIZE } from "../../ffi/program/trampoline.ts";
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

Deno.test("a program's image for aarch64 runs under an emulator", () => {
  using scratch = scratchFolder();
  const image = programImage(
    [
      { syscall: "write", args: [1, "hello\n", 6] },
      { syscall: "exit_group", args: [0] },
    ],
    [],
    "aarch64",
  );
  const view = new DataView(image.buffer);
  const operations = Number(view.getBigUint64(64 + 56 + 8, true)); // the second segment's offset
  // The numbers of the calls are this machine's; those of aarch64 take their places.
  [64n, 94n].forEach((number, k) =>
    view.setBigInt64(operations + k * OPERATION_SIZE, number, true)
  );
  const path = `${scratch.path}/image`;
  Deno.writeFileSync(path, image);
  Deno.chmodSync(path, 0o755);
  assertEquals(run("qemu-aarch64-static", path), "hello\n");
});
