import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeEnd, encodeEnd } from "../../../../ffi/processes/process.ts";
import { executableFile, programImage } from "../../../../ffi/program/program_image.ts";

const HELLO = [
  { syscall: "write", args: [1, "hello\n", 6] },
  { syscall: "openat", label: "none", args: [-100, "/no/such", 0, 0], onError: { jump: "end" } },
  { syscall: "exit_group", args: [1] },
  { syscall: "exit_group", label: "end", args: [42] },
] as const;

Deno.test("a syscall program runs as an executable of its own", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, programImage(HELLO), { mode: 0o755 });
    await Deno.chmod(path, 0o755);
    const { code, stdout } = await new Deno.Command(path).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [42, "hello\n"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("the image is small, and a file in memory holds it", () => {
  const image = programImage(HELLO);
  assert(image.length < 2048, `${image.length} bytes`);
  using file = executableFile("hull-test", image);
  assertEquals(Deno.readFileSync(`/proc/self/fd/${file.number}`), image);
});

Deno.test("nobody changes the file in memory any more, not who has it open for writing", () => {
  const image = programImage(HELLO);
  using file = executableFile("hull-test", image);
  using copy = Deno.openSync(`/proc/self/fd/${file.number}`, { write: true });
  assertThrows(() => copy.writeSync(new Uint8Array(4)), Deno.errors.PermissionDenied);
  assertThrows(() => copy.truncateSync(1), Deno.errors.PermissionDenied);
  assertThrows(() => copy.truncateSync(image.length + 1), Deno.errors.PermissionDenied);
  assertEquals(Deno.readFileSync(`/proc/self/fd/${file.number}`), image);
});

Deno.test("the image of the other CPU names it, and its entry reads the operations' address", () => {
  const view = new DataView(programImage(HELLO, [], "aarch64").buffer);
  assertEquals(view.getUint16(18, true), 183);
  const entry = Number(view.getBigUint64(24, true) - 0x1000_0000n);
  assertEquals(view.getUint32(entry, true), 0x58000060); // ldr x0, entry + 12
  assertEquals(view.getUint32(entry + 4, true), 0x14000004); // b entry + 20
  const address = view.getBigUint64(entry + 12, true);
  const data = view.getBigUint64(64 + 56 + 16, true); // the second segment's
  assertEquals(address, data);
});

Deno.test("the record of an end tells what waitid told", () => {
  const killed = { code: 137, signal: 9 };
  const cases = [{ code: 7, signal: undefined }, killed, { ...killed, oomKilled: true }];
  for (const status of cases) assertEquals(decodeEnd(encodeEnd(12, status)), status);
  assertEquals(decodeEnd(new Uint8Array(128)), undefined);
  assertEquals(decodeEnd(new Uint8Array(0)), undefined);
});
