import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { allowedNetwork } from "../../../../src/sandbox/allowed_network.ts";
import { checkOptions } from "../../../../src/sandbox/options/sandbox_options.ts";

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "a.example A": ["198.51.100.1", "198.51.100.2"],
  "a.example AAAA": ["2001:db8::1"],
  "evil.example A": ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "198.51.100.3"],
  "evil.example AAAA": ["::1", "fe80::1", "ff02::1", "::127.0.0.1", "::ffff:127.0.0.1", "::"],
  "inner.example A": ["127.0.0.1"],
  "six.example AAAA": ["2001:db8::1"],
};

const SAID: Readonly<Record<string, string>> = {
  "inner.example": "inner.example leads to the host itself or to its neighbours alone: 127.0.0.1",
  "nobody.example": "there is no address for nobody.example (no such name)",
};

function lookUp(name: string, type: string): Promise<readonly string[]> {
  const found = KNOWN[`${name} ${type}`];
  return found === undefined ? Promise.reject(new Error("no such name")) : Promise.resolve(found);
}

const WITH_IPV6 = { lookUp, hasIpv6: true };

Deno.test("names are looked up, and reach nothing that is the host's alone", async () => {
  const allowed = await allowedNetwork(
    ["a.example:443", "evil.example", "203.0.113.9:53"],
    WITH_IPV6,
  );
  assertEquals(allowed?.network.allow, [
    "198.51.100.1:443",
    "198.51.100.2:443",
    "[2001:db8::1]:443",
    "198.51.100.3",
    "203.0.113.9:53",
  ]);
  assertEquals(allowed?.hosts, [
    "198.51.100.1\ta.example",
    "198.51.100.2\ta.example",
    "2001:db8::1\ta.example",
    "198.51.100.3\tevil.example",
  ]);
  assertEquals(await allowedNetwork([], WITH_IPV6), undefined);
  for (const name of ["inner.example", "nobody.example"]) {
    const error = await assertRejects(() => allowedNetwork([name], WITH_IPV6), ContainerError);
    assertEquals([error.code, error.path], ["SystemError", name]);
    assertEquals(error.summary, SAID[name]);
  }
});

Deno.test("where the host does not forward IPv6, its addresses are left out, or refused", async () => {
  const options = { lookUp, hasIpv6: false };
  const allowed = await allowedNetwork(["a.example:443"], options);
  assertEquals(allowed?.network.allow, ["198.51.100.1:443", "198.51.100.2:443"]);
  assertEquals(allowed?.hosts.length, 2);
  for (const text of ["six.example:443", "[2001:db8::1]:443", "2001:db8::1"]) {
    const all = ["a.example", text];
    const error = await assertRejects(() => allowedNetwork(all, options), ContainerError);
    assertEquals([error.code, error.pointer], ["Unsupported", "/allowNet/1"]);
    assertEquals(error.message.startsWith(`${text} can be reached by IPv6 alone`), true);
  }
  assertEquals((await allowedNetwork(["six.example"], WITH_IPV6))?.network.allow, ["2001:db8::1"]);
});

Deno.test("names are looked up side by side, until the signal", async () => {
  const asked: string[] = [];
  const controller = new AbortController();
  const never = (name: string, type: string, { signal }: { signal?: AbortSignal }) => {
    if (asked.push(`${name} ${type}`) === 4) controller.abort("enough");
    return new Promise<string[]>((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason))
    );
  };
  const { signal } = controller;
  const reason = await allowedNetwork(["a.b", "c.d"], { lookUp: never, signal }).catch((e) => e);
  assertEquals([reason, asked.length], ["enough", 4]);
});

Deno.test("what is no address and no name is refused before anything is looked up", () => {
  const bad = ["*.example.com", "a b", "1.2.3", "http://a", "a.example:0", "-a", "[a]:1", "a\n1"];
  const error = assertThrows(() => checkOptions({ allowNet: bad }), ContainerError);
  assertEquals(error.faults?.map(({ pointer }) => pointer), bad.map((_, k) => `/allowNet/${k}`));
  const good = ["localhost", "a.example:443", "1.2.3.4", "[::1]:80", "2001:db8::1"];
  assertEquals(checkOptions({ allowNet: good }).allowNet, good);
});
