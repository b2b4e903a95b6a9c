import { assert, assertEquals } from "@std/assert";
import { machineCode } from "../../../../ffi/program/trampoline.ts";
import { LISTING as AARCH64 } from "../../../../ffi/program/trampoline_aarch64.ts";
import { LISTING as X86_64 } from "../../../../ffi/program/trampoline_x86_64.ts";
import { run, scratchFolder } from "../../../fixtures/bundle.ts";

const ASSEMBLERS = [
  { arch: "x86_64", listing: X86_64, as: "x86_64-linux-gnu-as", head: ".intel_syntax noprefix\n" },
  { arch: "aarch64", listing: AARCH64, as: "aarch64-linux-gnu-as", head: "" },
] as const;

for (const { arch, listing, as, head } of ASSEMBLERS) {
  Deno.test(`the bytes for ${arch} are what an assembler makes of the lines beside them`, () => {
    using scratch = scratchFolder();
    const [source, object, raw] = ["s", "o", "bin"].map((end) => `${scratch.path}/code.${end}`);
    Deno.writeTextFileSync(
      source as string,
      head + listing.map(([, line]) => `${line}\n`).join(""),
    );
    run(as, "-o", object as string, source as string);
    run(
      as.replace(/as$/, "objcopy"),
      "-O",
      "binary",
      "-j",
      ".text",
      object as string,
      raw as string,
    );
    const assembled = Deno.readFileSync(raw as string);
    const bytes = machineCode(arch);
    assertEquals(assembled.subarray(0, bytes.length).toHex(), bytes.toHex());
    assert(assembled.length - bytes.length < 16, "nothing follows but the section's padding");
  });
}
