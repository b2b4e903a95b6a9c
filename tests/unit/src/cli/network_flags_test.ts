import { assertEquals, assertThrows } from "@std/assert";
import type { GivenFlags } from "../../../../src/cli/command.ts";
import { NETWORK_FLAGS, networkOf } from "../../../../src/cli/network_flags.ts";
import { parseFlags } from "../../../../src/cli/options.ts";

function flags(...args: string[]): GivenFlags {
  return parseFlags(args, NETWORK_FLAGS, "hull run").flags;
}

Deno.test("the network's flags are read", () => {
  assertEquals(networkOf(flags()), undefined);
  assertEquals(networkOf(flags("--network", "none")), "none");
  assertEquals(networkOf(flags("--network=bridge")), { bridge: "hull0", publish: [] });
  assertEquals(networkOf(flags("--network=bridge=web0", "-p", "80:80", "--publish=1:2/udp")), {
    bridge: "web0",
    publish: ["80:80", "1:2/udp"],
  });
});

Deno.test("mistakes in them are told", () => {
  const refuse = (says: string, ...args: string[]) => {
    assertThrows(() => networkOf(flags(...args)), Error, says);
  };
  refuse('unknown network "bridges"', "--network", "bridges");
  refuse('unknown network "none=x"', "--network", "none=x");
  refuse("add --network bridge", "-p", "80:80");
  refuse("add --network bridge", "--network", "host", "-p", "80:80");
  refuse("--publish 80 must be", "--network", "bridge", "-p", "80");
});
