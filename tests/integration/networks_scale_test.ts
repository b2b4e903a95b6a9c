/**
 * Many containers with interfaces on one bridge: a small run of what `scripts/soak networks` does
 * with 200, in a network namespace of its own.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { hasVeth } from "../fixtures/network.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { SLOWNESS } from "../fixtures/until.ts";

const SOAK = fromFileUrl(new URL("../../scripts/soak_networks.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
/** None may wait for the others' use of the bridge for ten seconds. */
const AT_ONCE = Math.ceil(10 / SLOWNESS);

testWhere(
  hasVeth() ? undefined : "veth network devices",
  "20 containers on one bridge, some at once, leave nothing",
  () =>
    leavesNothing("hull-soaknet", async () => {
      const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-lock"];
      const args = ["--net", ...deno, "--config", CONFIG, SOAK, "20", `${AT_ONCE}`];
      const { code, stdout, stderr } = await new Deno.Command("unshare", { args }).output();
      const decoder = new TextDecoder();
      const printed = decoder.decode(stdout);
      assertEquals({ code, stderr: decoder.decode(stderr) }, { code: 0, stderr: "" }, printed);
      assertStringIncludes(printed, "nothing was left");
    }),
);
