/**
 * Many containers with interfaces on one bridge: a small run of what `scripts/soak networks` does
 * with 200, in a network namespace of its own.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { hasVeth } from "../fixtures/network.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";

const SOAK = fromFileUrl(new URL("../../scripts/soak_networks.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

testWhere(
  hasVeth() ? undefined : "veth network devices",
  "20 containers on one bridge, 10 at once, leave nothing",
  () =>
    leavesNothing("hull-soaknet", async () => {
      const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-lock"];
      const args = ["--net", ...deno, "--config", CONFIG, SOAK, "20", "10"];
      const { code, stdout, stderr } = await new Deno.Command("unshare", { args }).output();
      const decoder = new TextDecoder();
      const printed = decoder.decode(stdout);
      assertEquals({ code, stderr: decoder.decode(stderr) }, { code: 0, stderr: "" }, printed);
      assertStringIncludes(printed, "nothing was left");
    }),
);
