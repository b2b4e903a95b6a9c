import { assertEquals } from "@std/assert";
import { resolverConfig } from "../../../../src/network/resolver_config.ts";

Deno.test("the host's resolvers are given where a container reaches them", () => {
  const path = Deno.makeTempFileSync();
  try {
    const text = "search example.com\nnameserver 127.0.0.53\nnameserver ::1\n" +
      "nameserver fe80::1%eth0\n nameserver 198.51.100.53\nnameserver 2001:db8::53\n";
    Deno.writeTextFileSync(path, text);
    assertEquals(
      resolverConfig(false, path),
      "search example.com\n nameserver 198.51.100.53\nnameserver 2001:db8::53\n",
    );
    assertEquals(resolverConfig(true, path), text);
    assertEquals(resolverConfig(false, `${path}.none`), undefined);
  } finally {
    Deno.removeSync(path);
  }
});
