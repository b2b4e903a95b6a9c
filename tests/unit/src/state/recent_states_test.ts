import { assertEquals } from "@std/assert";
import { RecentStates } from "../../../../src/state/recent_states.ts";
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
