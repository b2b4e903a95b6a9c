import { assertEquals } from "@std/assert";
import { pastaPorts } from "../../../../src/network/user_network.ts";

Deno.test("pasta publishes what was asked for, and nothing that it finds", () => {
  assertEquals(pastaPorts([]), ["--tcp-ports", "none", "--udp-ports", "none"]);
  const ports = [
    { hostPort: 8080, containerPort: 80, protocol: "tcp" },
    { hostIp: "127.0.0.1", hostPort: 53, containerPort: 5353, protocol: "udp" },
    { hostPort: 443, containerPort: 443, protocol: "tcp" },
  ] as const;
  assertEquals(pastaPorts(ports), [
    ...["--tcp-ports", "8080:80", "--tcp-ports", "443:443"],
    ...["--udp-ports", "127.0.0.1/53:5353"],
  ]);
});
