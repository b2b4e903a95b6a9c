import { assertEquals } from "@std/assert";
import { RecentPlans } from "../../../../src/state/recent_plans.ts";
import { RecentStates } from "../../../../src/state/recent_states.ts";
import { StateLook } from "../../../../src/state/state_look.ts";
import type { Snapshot } from "../../../../src/state/stored_state.ts";

function snapshot(text: string): Snapshot {
  return { text, state: {} as Snapshot["state"] };
}

Deno.test("a state is found by its place, for as long as its text is the same", () => {
  const states = new RecentStates();
  const one = snapshot("one");
  states.keep("/run/a", one);
  assertEquals(states.find("/run/a", "one"), one);
  assertEquals(states.find("/run/a", "two"), undefined);
  assertEquals(states.find("/run/b", "one"), undefined);
});

Deno.test("only the states that were kept last stay", () => {
  const states = new RecentStates();
  for (let k = 0; k < 200; k++) states.keep(`/run/${k}`, snapshot(String(k)));
  assertEquals(states.find("/run/0", "0"), undefined);
  assertEquals(states.find("/run/199", "199")?.text, "199");
});

Deno.test("the text of a state is read as it is; what stands there otherwise is left to others", () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-look-" });
  const look = new StateLook();
  assertEquals(look.text(folder), undefined);
  for (const text of ["{}", "", "ü".repeat(9000), "x".repeat(70_000)]) {
    Deno.writeTextFileSync(`${folder}/state.json`, text);
    assertEquals(look.text(folder), text.length < 65_536 ? text : undefined);
    assertEquals(look.text(`${folder}/nothing`), undefined);
  }
  Deno.writeTextFileSync(`${folder}/state.json`, "{}");
  Deno.symlinkSync(folder, `${folder}/link`);
  assertEquals(look.text(`${folder}/link`), undefined);
  Deno.renameSync(`${folder}/state.json`, `${folder}/other.json`);
  Deno.symlinkSync("other.json", `${folder}/state.json`);
  assertEquals(look.text(folder), undefined);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a plan is used by one at a time, and for the very state that it was made for", () => {
  const gone: string[] = [];
  const plan = (name: string) => ({ [Symbol.dispose]: () => void gone.push(name) });
  const plans = new RecentPlans();
  const { state } = snapshot("one");
  const first = plan("first");
  plans.keep(state, "wish", plan("of the first wish"));
  assertEquals(gone.splice(0), ["of the first wish"]);
  assertEquals(plans.take(state, "wish"), undefined);
  plans.keep(state, "wish", first);
  plans.keep(state, "wish", plan("of one beside it"));
  assertEquals(gone.splice(0), ["of one beside it"]);
  assertEquals(plans.take({ ...state }, "wish"), undefined);
  assertEquals(plans.take(state, "another"), undefined);
  assertEquals(plans.take(state, "wish"), first);
  assertEquals(plans.take(state, "wish"), undefined);
  for (let k = 0; k < 66; k++) {
    plans.keep(state, String(k >> 1), plan(k % 2 === 0 ? "of a first wish" : String(k >> 1)));
  }
  assertEquals(gone.splice(0).filter((name) => name !== "of a first wish"), ["0"]);
  plans[Symbol.dispose]();
  assertEquals(gone.length, 32);
  assertEquals(plans.take(state, "32"), undefined);
});
