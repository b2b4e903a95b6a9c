import { assertEquals, assertRejects } from "@std/assert";
import type { GivenFlags } from "../../../../../src/cli/flags/command.ts";
import { NETWORK_FLAGS, networkOf } from "../../../../../src/cli/flags/network_flags.ts";
import { parseFlags } from "../../../../../src/cli/flags/options.ts";

function flags(...args: string[]): GivenFlags {
  return parseFlags(args, NETWORK_FLAGS, "hull run").flags;
}

Deno.test("the network's flags are read", async () => {
  assertEquals(await networkOf(flags()), undefined);
  assertEquals(await networkOf(flags("--network", "none")), "none");
  assertEquals(await networkOf(flags("--network=bridge")), { bridge: "hull0", publish: [] });
  assertEquals(
    await networkOf(flags("--network=bridge=web0", "-p", "80:80", "--publish=1:2/udp")),
    {
      bridge: "web0",
      publish: ["80:80", "1:2/udp"],
    },
  );
});

Deno.test("mistakes in them are told", async () => {
  const refuse = async (says: string, ...args: string[]) => {
    await assertRejects(() => networkOf(flags(...args)), Error, says);
  };
  await refuse('unknown network "bridges"', "--network", "bridges");
  await refuse('unknown network "none=x"', "--network", "none=x");
  await refuse("add --network bridge", "-p", "80:80");
  await refuse("add --network bridge", "--network", "host", "-p", "80:80");
  await refuse("--publish 80 must be", "--network", "bridge", "-p", "80");
});
