import { assertEquals } from "@std/assert";
import {
  checkPublishedPort,
  formatPublishedPort,
  parsePublishedPort,
} from "../../../../src/config/published_port.ts";

Deno.test("published ports are read as they are written", () => {
  const good = ["8080:80/tcp", "1:65535/udp", "127.0.0.1:53:53/udp", "[2001:db8::7]:80:81/tcp"];
  for (const text of good) {
    const port = parsePublishedPort(text);
    if (typeof port === "string") throw new Error(`${text}: ${port}`);
    assertEquals(formatPublishedPort(port), text);
  }
  assertEquals(parsePublishedPort("80:80"), { hostPort: 80, containerPort: 80, protocol: "tcp" });
  assertEquals(
    parsePublishedPort("[2001:DB8:0::7]:80:80"),
    parsePublishedPort("[2001:db8::7]:80:80"),
  );
});

Deno.test("what is no published port is refused with what is wrong", () => {
  const bad: Readonly<Record<string, string>> = {
    "": "must be",
    "80": "must be",
    "80:80:80:80": "must be",
    ":80": 'has the port ""',
    "80:": 'has the port ""',
    "0:80": 'has the port "0"',
    "80:65536": "has the port 65536",
    "080:80": 'has the port "080"',
    "8e1:80": 'has the port "8e1"',
    "-1:80": 'has the port "-1"',
    " 80:80": 'has the port " 80"',
    "8000-8010:80": 'has the port "8000-8010"',
    "80:80/sctp": 'must be of tcp or udp, not of "sctp"',
    "80:80/": 'must be of tcp or udp, not of ""',
    "80:80/TCP": 'must be of tcp or udp, not of "TCP"',
    "localhost:80:80": 'has the host address "localhost"',
    ":80:80": 'has the host address ""',
    "1.2.3:80:80": 'has the host address "1.2.3"',
    "2001:db8::7:80:80": "must be",
    "[198.51.100.7]:80:80": 'has the host address "198.51.100.7"',
    "[fe80::1%eth0]:80:80": 'has the host address "fe80::1%eth0"',
    "[::1]:80:80": "can't be published on ::1",
    "80:80\n": "has the port",
    '80:80/tcp dnat to "x': "must be of tcp or udp",
  };
  for (const [text, says] of Object.entries(bad)) {
    const fault = parsePublishedPort(text);
    assertEquals(typeof fault === "string" && fault.startsWith(says), true, `${text}: ${fault}`);
  }
  assertEquals(
    checkPublishedPort({ hostPort: 80.5, containerPort: 80 }).toString().slice(0, 8),
    "has the ",
  );
  assertEquals(typeof checkPublishedPort({ hostPort: 80, containerPort: "80" }), "string");
  assertEquals(typeof checkPublishedPort({ hostIp: 7, hostPort: 80, containerPort: 80 }), "string");
});
