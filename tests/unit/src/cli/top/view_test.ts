import { assertEquals } from "@std/assert";
import type { Key } from "../../../../../src/cli/top/keys.ts";
import { ordered, SORT_KEYS } from "../../../../../src/cli/top/order.ts";
import { type Action, firstView, pressed, type View } from "../../../../../src/cli/top/view.ts";
import { row } from "./rows.ts";

const ROWS = [
  row("web", { cpu: 80, memory: 10, pids: 2 }, { command: ["nginx", "-g"] }),
  row("db", { cpu: 5, memory: 300, pids: 40, read: 1, written: 9 }, { command: ["postgres"] }),
  row("job", { cpu: undefined }, { status: "stopped" }),
  row("api", { cpu: 5, memory: 20, cpuWait: 3, ioWait: 70 }),
];
const START = firstView({ sort: "cpu", isReversed: false, filter: "" });
const NAMED: Readonly<Record<string, Key>> = {
  "^": { kind: "escape" },
  "$": { kind: "enter" },
  "<": { kind: "backspace" },
  "↓": { kind: "down" },
  "↑": { kind: "up" },
  "⤓": { kind: "end" },
  "⇟": { kind: "pageDown" },
};

/** What is there after some keys. */
function after(keys: string, view = START): View & { readonly actions: readonly Action["kind"][] } {
  const actions: Action["kind"][] = [];
  for (const letter of keys) {
    const key: Key = NAMED[letter] ?? { kind: "text", text: letter };
    const [next, action] = pressed(view, key, ROWS, 2);
    if (action.kind !== "none") actions.push(action.kind);
    view = next;
  }
  return { ...view, actions };
}

const ids = (view: View) => ordered(ROWS, view).map(({ id }) => id).join(" ");

Deno.test("a column's key orders by it, and once more the other way; what is not known is last", () => {
  assertEquals(ids(START), "web api db job");
  assertEquals(ids(after("m")), "db api web job");
  assertEquals(ids(after("mm")), "web api db job");
  assertEquals(ids(after("n")), "api db job web");
  assertEquals(ids(after("nr")), "web job db api");
  assertEquals(ids(after("p")), "db web api job");
  assertEquals(ids(after("i")), "db api job web");
  assertEquals(ids(after("s")), "api db job web");
  assertEquals(ids(after("cmc")), "web api db job");
});

Deno.test("no column's key has another meaning", () => {
  const letters = Object.values(SORT_KEYS).map(({ letter }) => letter);
  assertEquals(new Set([...letters, ..."qrhk/?"]).size, letters.length + 6);
});

Deno.test("what is typed behind / chooses rows, by all of its words; Esc brings the former back", () => {
  assertEquals(ids(after("/post")), "db");
  assertEquals(ids(after("/POST")), "db");
  assertEquals(ids(after("/stop")), "job");
  assertEquals(ids(after("/sleep ap$")), "api");
  assertEquals(ids(after("/nothing")), "");
  assertEquals(after("/db<<<").filter, "");
  assertEquals(after("/db$").mode, "table");
  assertEquals(after("/db$/web^").filter, "db");
  assertEquals(after("/db$^").filter, "");
  // no key of a command counts while a filter is typed
  assertEquals(after("/qk").actions, []);
  assertEquals(after("/qk").filter, "qk");
});

Deno.test("the selected row stays selected while the order changes", () => {
  assertEquals(after("↓").selected, "api");
  assertEquals(after("↓↓↑").selected, "api");
  assertEquals(after("⤓↓").selected, "job");
  assertEquals(after("⇟").selected, "db");
  assertEquals(after("↑").selected, "web");
  assertEquals(after("↓m").selected, "api");
});

Deno.test("a kill asks; only y sends, at first SIGTERM and then SIGKILL", () => {
  assertEquals(after("k").question?.signal, "SIGTERM");
  assertEquals(after("k").question?.row.id, "web");
  for (const no of ["kn", "kN", "kq", "k^"]) {
    assertEquals([after(no).actions, after(no).mode], [[], "table"], no);
  }
  // neither Enter nor any other key is an answer
  assertEquals([after("k$x↓").actions, after("k$x↓").mode], [[], "question"]);
  assertEquals(after("ky").actions, ["kill"]);
  assertEquals(after("kyk").question?.signal, "SIGKILL");
  assertEquals(after("kyky").actions, ["kill", "kill"]);
  const [image] = pressed(START, { kind: "text", text: "k" }, [
    row("web", {}, { stopSignal: "SIGQUIT" }),
  ], 2);
  assertEquals(image.question?.signal, "SIGQUIT");
  // of another container it is SIGTERM again
  assertEquals(after("ky↓k").question?.signal, "SIGTERM");
});

Deno.test("a container that has ended is not asked about", () => {
  assertEquals(after("⤓k").mode, "table");
  assertEquals(after("⤓k").message, "job is stopped: there is nothing to end");
  assertEquals(after("/nothing$k").message, "there is nothing to end");
});

Deno.test("q quits, h shows the help until a key, and others say so", () => {
  assertEquals(after("q").actions, ["quit"]);
  assertEquals([after("h").mode, after("hq").mode], ["help", "table"]);
  assertEquals(after("hq").actions, []);
  assertEquals(after("x").message, "h shows the keys");
});
