import { assertEquals } from "@std/assert";
import { soak } from "../../scripts/differential/soak.ts";
import { missingCompiler } from "../fixtures/c_programs.ts";
import { missingRunc } from "../fixtures/runc.ts";

const SEED = Number(Deno.env.get("HULL_DIFFERENTIAL_SEED") ?? 7);
const CASES = Number(Deno.env.get("HULL_DIFFERENTIAL_CASES") ?? 60);
const missing = missingRunc() ?? missingCompiler();

Deno.test({
  name: `hull does as runc on ${CASES} drawn cases of seed ${SEED}` +
    (missing === undefined ? "" : ` SKIP: no ${missing}`),
  ignore: missing !== undefined,
  fn: async () => {
    const said: string[] = [];
    const cases = Array.from({ length: CASES }, (_, k) => k);
    const say = (text: string) => said.push(text);
    const failures = await soak({ seed: SEED, cases, workers: 1, say });
    assertEquals(failures.length, 0, said.join("\n"));
  },
});
