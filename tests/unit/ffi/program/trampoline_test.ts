import { assert, assertEquals } from "@std/assert";
import { CODE as REAPER_AARCH64 } from "../../../../ffi/program/reaper_aarch64.ts";
import { CODE as REAPER_X86_64 } from "../../../../ffi/program/reaper_x86_64.ts";
import { machineCode } from "../../../../ffi/program/trampoline.ts";
import { run, scratchFolder } from "../../../fixtures/bundle.ts";

const X86_64 = { as: "x86_64-linux-gnu-as", head: ".intel_syntax noprefix\n" };
const AARCH64 = { as: "aarch64-linux-gnu-as", head: "" };

const CODES = [
  { ...X86_64, module: "trampoline_x86_64", bytes: machineCode("x86_64") },
  { ...AARCH64, module: "trampoline_aarch64", bytes: machineCode("aarch64") },
  { ...X86_64, module: "reaper_x86_64", bytes: Uint8Array.fromHex(REAPER_X86_64) },
  { ...AARCH64, module: "reaper_aarch64", bytes: Uint8Array.fromHex(REAPER_AARCH64) },
];

/** A line of the code: its bytes, none for a label, and behind them the assembly as a comment. */
const LINE = /^ {2}(?:"[0-9a-f]+"(?: \+|;) )?\/\/ ([^;\n]+)/gm;

/** The assembly that the module's comments give. */
function assemblyOf(module: string): string {
  const file = new URL(`../../../../ffi/program/${module}.ts`, import.meta.url);
  const lines = Deno.readTextFileSync(file).matchAll(LINE);
  return [...lines].map(([, assembly]) => `${assembly}\n`).join("");
}

for (const { module, bytes, as, head } of CODES) {
  Deno.test(`the bytes of ${module} are what an assembler makes of the lines beside them`, () => {
    using scratch = scratchFolder();
    const [source, object, raw] = ["s", "o", "bin"].map((end) => `${scratch.path}/code.${end}`);
    Deno.writeTextFileSync(source as string, head + assemblyOf(module));
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
    assertEquals(assembled.subarray(0, bytes.length).toHex(), bytes.toHex());
    assert(assembled.length - bytes.length < 16, "nothing follows but the section's padding");
  });
}
