import { assert, assertEquals } from "@std/assert";
import { machineCode } from "../../../../ffi/program/trampoline.ts";
import { run, scratchFolder } from "../../../fixtures/bundle.ts";

const ASSEMBLERS = [
  { arch: "x86_64", as: "x86_64-linux-gnu-as", head: ".intel_syntax noprefix\n" },
  { arch: "aarch64", as: "aarch64-linux-gnu-as", head: "" },
] as const;

/** A line of the code: its bytes, none for a label, and behind them the assembly as a comment. */
const LINE = /^ {2}(?:"[0-9a-f]+"(?: \+|;) )?\/\/ ([^;\n]+)/gm;

/** The assembly that the module's comments give. */
function assemblyOf(arch: string): string {
  const module = new URL(`../../../../ffi/program/trampoline_${arch}.ts`, import.meta.url);
  const lines = Deno.readTextFileSync(module).matchAll(LINE);
  return [...lines].map(([, assembly]) => `${assembly}\n`).join("");
}

for (const { arch, as, head } of ASSEMBLERS) {
  Deno.test(`the bytes for ${arch} are what an assembler makes of the lines beside them`, () => {
    using scratch = scratchFolder();
    const [source, object, raw] = ["s", "o", "bin"].map((end) => `${scratch.path}/code.${end}`);
    Deno.writeTextFileSync(source as string, head + assemblyOf(arch));
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
