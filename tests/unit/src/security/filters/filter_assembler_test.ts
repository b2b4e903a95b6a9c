import { assertEquals, assertThrows } from "@std/assert";
import {
  assemble,
  type Instruction,
} from "../../../../../src/security/filters/filter_assembler.ts";
import { answerOf } from "../../../../fixtures/filter_machine.ts";

Deno.test("each instruction has the kernel's code", () => {
  const program = assemble([
    { load: 4 },
    { equals: 1, yes: "end" },
    { above: 2, no: "end" },
    { hasBits: 3 },
    { goto: "end" },
    { answer: 5, label: "end" },
  ]);
  assertEquals(
    program.toHex().match(/.{16}/g),
    [
      "2000000004000000",
      "1500030001000000",
      "2500000202000000",
      "4500000003000000",
      "0500000000000000",
      "0600000005000000",
    ],
  );
});

Deno.test("a program answers as it reads", () => {
  const program = assemble([
    { load: 0 },
    { hasBits: 0x100, yes: "flagged" },
    { above: 9, yes: "large" },
    { equals: 5, no: "small" },
    { answer: 1 },
    { answer: 2, label: "flagged" },
    { answer: 3, label: "large" },
    { answer: 4, label: "small" },
  ]);
  const answers = [5, 0x105, 10, 9].map((number) => answerOf(program, { number }));
  assertEquals(answers, [1, 2, 3, 4]);
});

Deno.test("a way that the machine doesn't have is an error", () => {
  const far: Instruction[] = Array.from({ length: 256 }, () => ({ load: 0 }));
  const reject = (...program: Instruction[]) => assertThrows(() => assemble(program), RangeError);
  reject({ goto: "nowhere" });
  reject({ load: 0, label: "back" }, { goto: "back" });
  reject({ equals: 1, yes: "far" }, ...far, { answer: 0, label: "far" });
  assemble([{ goto: "far" }, ...far, { answer: 0, label: "far" }]);
});
