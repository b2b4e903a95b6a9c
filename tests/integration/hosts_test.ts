/** `scripts/test --host` says in one line why it makes no machine. @module */

import { assertEquals, assertMatch } from "@std/assert";
import { scratchFolder } from "../fixtures/bundle.ts";
import { fromFileUrl } from "../fixtures/paths.ts";

const MAIN = fromFileUrl(new URL("../hosts/main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
/** A user who may read Deno and the project, wherever they lie. */
const RIGHT = "+dac_read_search";
const USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** What it says; `before` is a program that runs the rest. */
function refusal(before: readonly string[], ...words: string[]): string {
  const deno = [Deno.execPath(), "run", "--quiet", "-A", "--no-lock", "--config", CONFIG, MAIN];
  const [program = "", ...args] = [...before, ...deno, ...words];
  const { code, stdout, stderr } = new Deno.Command(program, { args, stdin: "null" }).outputSync();
  assertEquals([code, new TextDecoder().decode(stdout)], [2, ""]);
  const said = new TextDecoder().decode(stderr);
  assertMatch(said, /^scripts\/test: .*\n$/);
  return said;
}

Deno.test("a kind of host that is not known is refused, and the known ones are named", () => {
  const said = refusal([], "v3", "trixie", "false", "");
  assertMatch(said, /no kind of host is called v3; .*v2 \(.*systemd \(.*rootless \(/);
});

Deno.test("a section that is the same on every host is refused", () => {
  const said = refusal([], "v2", "trixie", "false", "", "lint");
  assertMatch(said, /lint is the same on every host; .*unit, integration, clients/);
});

Deno.test({
  name: "an ordinary user, who can't make a machine, is told what it takes",
  ignore: Deno.uid() !== 0,
  fn: () => {
    using folder = scratchFolder();
    Deno.chmodSync(folder.path, 0o777);
    const user = [...USER, `--inh-caps=${RIGHT}`, `--ambient-caps=${RIGHT}`, "env"];
    const own = [`HOME=${folder.path}`, `DENO_DIR=${folder.path}/deno`, "XDG_CACHE_HOME="];
    const said = refusal([...user, ...own], "v2", "trixie", "false", "", "unit");
    assertMatch(said, /only root can (install these packages|make the root of a machine)/);
  },
});
