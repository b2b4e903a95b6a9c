import { assert, assertEquals, assertMatch } from "@std/assert";
import { SYSCALL_NUMBERS } from "../../ffi/c/syscalls.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { FROM_SOURCES, GivenHull } from "../fixtures/cli.ts";
import { differences, LOOK } from "../fixtures/container_look.ts";
import { HIDDEN, type Hidden, NOTHING } from "../fixtures/hidden_calls.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";

const WRAPPER = fromFileUrl(new URL("../fixtures/without_calls.ts", import.meta.url));
const PAGE = Deno.readTextFileSync(new URL("../../docs/kernels.md", import.meta.url));
/** The number of the first call that all CPUs have alike: it came with Linux 5.1. */
const FIRST_ALIKE = 424;
const ID = "hull-kernel";

/** hull on a kernel that lacks what a rule hides. */
function hullWithout(rule: string): GivenHull {
  return new GivenHull(...FROM_SOURCES, WRAPPER, rule);
}

/** What the first process and a further one see of themselves. */
async function looks(rule: string, change: Hidden["change"]): Promise<[string, string]> {
  const seen: [string, string] = ["", ""];
  await leavesNothing(ID, async () => {
    await using hull = hullWithout(rule);
    using looking = makeBundle(LOOK, change);
    seen[0] = await hull.must("run", "--bundle", looking.folder, ID);
    using waiting = makeBundle("sleep 1000", change);
    await hull.detach("create", "--bundle", waiting.folder, ID);
    await hull.must("start", ID);
    seen[1] = await hull.must("exec", ID, "sh", "-c", LOOK);
    assertEquals(await hull.status(ID), "running");
    await hull.must("kill", ID, "KILL");
    await hull.must("delete", "--force", ID);
  });
  return [sameFolder(seen[0]), sameFolder(seen[1])];
}

function sameFolder(look: string): string {
  return look.replaceAll(/hull-test-\w+/g, "bundle");
}

/** What hull says in the place of doing it. */
async function refusal({ rule = "", change, command, init }: Hidden): Promise<string> {
  let line = "";
  await leavesNothing(ID, async () => {
    await using hull = hullWithout(rule);
    using bundle = makeBundle(command === undefined ? "exit 0" : "sleep 1000", change);
    if (command === undefined) {
      const way = init === undefined ? [] : ["--init", init];
      line = await hull.refuse("run", ...way, "--bundle", bundle.folder, ID);
    } else {
      await using whole = hullWithout(NOTHING);
      await whole.detach("run", "--detach", "--bundle", bundle.folder, ID);
      const words = command === "kill" ? ["kill", ID, "TERM"] : ["exec", ID, "true"];
      const { code, stderr } = await hull.call(["--root", whole.root, ...words]);
      assert(code !== 0);
      line = stderr.trimEnd();
    }
  });
  return line;
}

Deno.test("docs/kernels.md names what the tests hide, and each call that came with Linux 5.1 or later", () => {
  const named = [...PAGE.matchAll(/^\| +(.*?) +\|/gm)].map(([, first = ""]) => first)
    .filter((first) => first !== "what" && !/^-+$/.test(first));
  assertEquals(named, Object.keys(HIDDEN));
  for (const [call, [number]] of Object.entries(SYSCALL_NUMBERS)) {
    if (number >= FIRST_ALIKE) assert(PAGE.includes(`\`${call}\``), call);
  }
});

for (const [name, hidden] of Object.entries(HIDDEN)) {
  const { rule, change, says } = hidden;
  if (rule === undefined) continue;
  if (says === undefined) {
    Deno.test(`without ${name} containers are the same`, async () => {
      const whole = await looks(NOTHING, change);
      const seen = await looks(rule, change);
      for (const [k, look] of seen.entries()) {
        assert(look.includes("== session"));
        assertEquals(differences(look, whole[k] ?? ""), {});
      }
    });
  } else {
    Deno.test(`without ${name} hull says what it needs, and leaves nothing`, async () => {
      assertMatch(await refusal(hidden), says);
    });
  }
}
