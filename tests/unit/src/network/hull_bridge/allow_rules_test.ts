import { assertEquals } from "@std/assert";
import { type Destination, parseDestination } from "../../../../../src/config/destination.ts";
import { allowRules } from "../../../../../src/network/hull_bridge/allow_rules.ts";

function destination(text: string): Destination {
  const found = parseDestination(text);
  if (typeof found === "string") throw new Error(found);
  return found;
}

Deno.test("what a bridge may send to is let pass, and all else dropped, on every way", () => {
  assertEquals(allowRules("b0", undefined), []);
  const allow = ["198.51.100.7", "198.51.100.8:443", "[2001:db8::1]:53"].map(destination);
  const rules = allowRules("b0", allow).map((line) => line.trim());
  const passed = [
    'iifname != "b0" accept',
    "ct state established accept",
    "ip daddr 198.51.100.7 accept",
    "ip daddr 198.51.100.8 meta l4proto { tcp, udp } th dport 443 accept",
    "ip6 daddr 2001:db8::1 meta l4proto { tcp, udp } th dport 53 accept",
    "drop",
  ];
  assertEquals(rules.slice(2, 8), passed);
  assertEquals(rules.slice(-7, -1), passed);
  assertEquals(allowRules("b0", []).filter((line) => line.trim() === "drop").length, 2);
});

Deno.test("a destination is an address, with a port or without", () => {
  assertEquals(parseDestination("::1"), { address: "::1", family: 6 });
  for (
    const bad of [
      "",
      "a.example",
      "1.2.3",
      "1.2.3.4:0",
      "1.2.3.4:70000",
      "[1.2.3.4]:1",
      "1.2.3.4:",
      "1.2.3.4/8",
      "::1:x",
      "1.2.3.4;drop",
    ]
  ) {
    assertEquals(typeof parseDestination(bad), "string", bad);
  }
});
