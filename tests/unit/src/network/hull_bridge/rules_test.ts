import { assertEquals } from "@std/assert";
import { parsePublishedPort } from "../../../../../src/config/published_port.ts";
import { requireNft, rulesOf } from "../../../../../src/network/hull_bridge/nft.ts";
import { decodeListener } from "../../../../../src/network/hull_bridge/ports.ts";

function translations(...ports: string[]): string[] {
  const leases = [{
    id: "web",
    owner: 1,
    creator: { pid: 1, startTime: 1, bootId: "" },
    address: "10.88.0.2",
    ipv6Address: "fd00::2",
    ports: ports.map((text) => {
      const port = parsePublishedPort(text);
      if (typeof port === "string") throw new Error(port);
      return port;
    }),
  }];
  const record = { hardwareAddress: "", subnet: "10.88.0.0/16", last: "10.88.0.2", leases };
  let chain = "";
  return rulesOf("web0", record).split("\n").flatMap((line) => {
    chain = /^ {2}chain (\w+)/.exec(line)?.[1] ?? chain;
    return line.includes("dport") ? [`${chain}: ${line.trim()}`] : [];
  });
}

Deno.test("a port is translated where it is published, and there alone", () => {
  assertEquals(translations("0.0.0.0:8080:80"), [
    "prerouting: meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.88.0.2:80",
    "output: meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.88.0.2:80",
  ]);
  assertEquals(translations("8080:80").length, 4);
  assertEquals(translations("127.0.0.1:8080:80/udp"), [
    "output: ip daddr 127.0.0.1 udp dport 8080 dnat ip to 10.88.0.2:80",
  ]);
  assertEquals(translations("[2001:db8::7]:8080:80"), [
    "prerouting: ip6 daddr 2001:db8::7 tcp dport 8080 dnat ip6 to [fd00::2]:80",
    "output: ip6 daddr 2001:db8::7 tcp dport 8080 dnat ip6 to [fd00::2]:80",
  ]);
});

Deno.test("the kernel's tables of sockets are read", () => {
  const at = (local: string) => decodeListener(local, "tcp");
  assertEquals(at("0100007F:1F90"), { hostIp: "127.0.0.1", hostPort: 8080, protocol: "tcp" });
  assertEquals(at("00000000:0035").hostIp, "0.0.0.0");
  assertEquals(at("00000000000000000000000000000000:0050").hostIp, undefined);
  assertEquals(at("B80D0120000000000000000007000000:0050").hostIp, "2001:db8::7");
  assertEquals(at("0000000000000000FFFF00000100007F:0050").hostIp, "127.0.0.1");
});

Deno.test("nft is looked for in absolute folders alone", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const refusal = () => {
      try {
        return requireNft(`${folder}:.:`);
      } catch (error) {
        return (error as Error).message.slice(0, 33);
      }
    };
    assertEquals(refusal(), "a bridge needs the nft command, w");
    Deno.writeTextFileSync(`${folder}/nft`, "", { mode: 0o644 });
    assertEquals(refusal(), "a bridge needs the nft command, w");
    Deno.chmodSync(`${folder}/nft`, 0o755);
    assertEquals(refusal(), `${folder}/nft`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
