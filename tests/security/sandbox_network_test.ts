/**
 * A sandbox that may send to one port of one address reaches nothing else: no other port, no other
 * address of the host, not the host behind its bridge.
 */
import { assert, assertEquals } from "@std/assert";
import { withSandbox } from "../fixtures/sandbox.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const own = Deno.networkInterfaces().find(({ family, address, name }) =>
  family === "IPv4" && !address.startsWith("127.") && !name.startsWith("hsb")
)?.address;
const MISSING = ROOT ?? (own === undefined ? "an IPv4 address beside the loopback's" : undefined);

testWhere(MISSING, "a sandbox reaches what it may, and nothing else", async () => {
  using allowed = new Server();
  using other = new Server();
  const options = { allowNet: [`${own}:${allowed.port}`] };
  await withSandbox("hull-sb-net", async ({ sh, container }) => {
    const gateway = (await sh`ip route show default`.text()).split(" ")[2] ?? "";
    assert(/^\d+\.\d+\.\d+\.\d+$/.test(gateway), gateway);
    const send = async (address: string, port: number, protocol = "tcp") => {
      const command = `echo hello >/dev/${protocol}/${address}/${port}`;
      const { status } = await sh`timeout 1 bash -c ${command}`.noThrow().stderr("null");
      return status.success;
    };
    assertEquals(await send(own ?? "", allowed.port), true);
    for (const address of [own ?? "", gateway, "127.0.0.1"]) {
      assertEquals(await send(address, other.port), false, address);
    }
    assertEquals(await send(gateway, allowed.port), false);
    assertEquals(
      await sh`cat /etc/resolv.conf`.noThrow().stderr("null").stdout("null")
        .then(({ status }) => status.success),
      false,
    );
    assertEquals([allowed.count, other.count], [1, 0]);
    assertEquals(container.networks().length > 0, true);
  }, options);
});

/** Counts who comes. */
class Server implements Disposable {
  readonly #listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  count = 0;

  constructor() {
    this.#accept().catch(() => {});
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.count++;
      connection.close();
    }
  }
}
