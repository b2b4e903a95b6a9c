import { assertEquals } from "@std/assert";
import { checkConfig } from "../../../../../src/config/validate/validate.ts";
import { badSamples, goodSamples } from "../../../../fixtures/samples.ts";
import { faultsOf, lines } from "../faults.ts";

Deno.test("every good sample is taken", async (t) => {
  for (const { name, document } of goodSamples()) {
    await t.step(name, () => {
      assertEquals(lines(faultsOf(document)), []);
      assertEquals(checkConfig(document).warnings, []);
    });
  }
});

Deno.test("every bad sample is refused for its one fault, by its place", async (t) => {
  for (const { name, document, pointer } of badSamples()) {
    await t.step(name, () => {
      assertEquals(faultsOf(document).map((fault) => fault.pointer), [pointer]);
    });
  }
});
