/**
 * The rules of a bridge: two nftables tables of hull's own, `inet hull_NAME` and `bridge
 * hull_NAME`, replaced as a whole in one transaction. Nothing outside them is touched.
 *
 * Source: nft(8).
 *
 * @module
 */

import { parseIp } from "../../config/ip_address.ts";
import { type CheckedPort, isLoopback } from "../../config/published_port.ts";
import { ContainerError } from "../../errors.ts";
import { allowRules } from "./allow_rules.ts";
import { guardRules } from "./guard_rules.ts";
import type { BridgeRecord, Lease } from "./records.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The tables' name. */
export function tableOf(bridge: string): string {
  return `hull_${bridge}`;
}

/**
 * Finds the `nft` command.
 *
 * @throws {ContainerError} `Unsupported` if there is none
 */
export function requireNft(path: string = Deno.env.get("PATH") ?? DEFAULT_PATH): string {
  for (const folder of path.split(":")) {
    if (!folder.startsWith("/")) continue;
    const file = `${folder}/nft`;
    try {
      const { isFile, mode } = Deno.statSync(file);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return file;
    } catch { /* not in this folder */ }
  }
  throw new ContainerError("Unsupported", "a bridge needs the nft command, which is not here", {
    step: "network",
    path: "nft",
    errno: "ENOENT",
    pointer: "/network",
    hint: "install nftables (Debian: apt-get install nftables), or put nft's folder on the PATH",
  });
}

/**
 * The transaction that makes the table, whether there is one or not.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { rulesOf } from "./nft.ts";
 *
 * const record = { hardwareAddress: "", subnet: "10.88.0.0/16", last: "10.88.0.1", leases: [] };
 * assertStringIncludes(rulesOf("web0", record), "ip saddr 10.88.0.0/16 oifname != \"web0\" masquerade");
 * ```
 */
export function rulesOf(bridge: string, record: BridgeRecord): string {
  const { subnet, ipv6Subnet, leases, allow } = record;
  const table = `inet ${tableOf(bridge)}`;
  const name = `"${bridge}"`;
  const published = (isOutput: boolean) =>
    leases.flatMap((lease) =>
      lease.ports.flatMap((port) =>
        translations(port, lease, isOutput).map((line) => `    ${line}`)
      )
    );
  const networks = [`ip saddr ${subnet}`, ...(ipv6Subnet ? [`ip6 saddr ${ipv6Subnet}`] : [])];
  const ipv6Sources = [...(ipv6Subnet ? [ipv6Subnet] : []), "fe80::/10", "::"].join(", ");
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    "  chain guard {",
    "    type filter hook prerouting priority raw; policy accept;",
    // Without these rules route_localnet would let a container reach programs that listen only on
    // the host's loopback, or send from a loopback address; and a packet whose source is not of the
    // bridge's network would leave the host untranslated.
    `    iifname ${name} ip daddr 127.0.0.0/8 drop`,
    `    iifname ${name} ip saddr != ${subnet} drop`,
    `    iifname ${name} ip6 saddr != { ${ipv6Sources} } drop`,
    `    iifname ${name} icmpv6 type { nd-router-advert, nd-redirect } drop`,
    "  }",
    ...allowRules(bridge, allow),
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    oifname != ${name} accept`,
    `    iifname ${name} accept`,
    "    ct state established,related accept",
    "    ct status dnat accept",
    "    drop",
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority dstnat; policy accept;",
    ...published(false),
    "  }",
    "  chain output {",
    "    type nat hook output priority -100; policy accept;",
    ...published(true),
    "  }",
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    ...networks.map((source) => `    ${source} oifname != ${name} masquerade`),
    // A packet from a container to a published port must be answered through the host, since only
    // the host can translate the answer. A packet from the host must have a source address to which
    // the container can answer.
    ...networks.map((source) => `    ${source} oifname ${name} ct status dnat masquerade`),
    `    fib saddr type local oifname ${name} ct status dnat masquerade`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** The rules of one port: for IPv4, for IPv6, or for both. */
function translations(port: CheckedPort, lease: Lease, isOutput: boolean): string[] {
  const { hostIp, hostPort, containerPort, protocol } = port;
  const ip = hostIp === undefined ? undefined : parseIp(hostIp);
  // Packets from outside must not reach a loopback address, whatever the host's routes are.
  if (ip !== undefined && isLoopback(ip) && !isOutput) return [];
  const isAny = ip === undefined || ip.bytes.every((byte) => byte === 0);
  const line = (word: "ip" | "ip6", to: string) => {
    const where = isAny
      ? `meta nfproto ${word === "ip" ? "ipv4" : "ipv6"} fib daddr type local`
      : `${word} daddr ${hostIp}`;
    const but = word === "ip6" && isAny && isOutput ? " ip6 daddr != ::1" : "";
    const target = word === "ip" ? to : `[${to}]`;
    return `${where}${but} ${protocol} dport ${hostPort} dnat ${word} to ${target}:${containerPort}`;
  };
  const { address, ipv6Address } = lease;
  return [
    ...(ip?.family === 6 ? [] : [line("ip", address)]),
    ...(ip?.family === 4 || ipv6Address === undefined ? [] : [line("ip6", ipv6Address)]),
  ];
}

/** The transaction that makes the table of the bridge's ports. */
function portRulesOf(bridge: string, record: BridgeRecord): string {
  const table = `bridge ${tableOf(bridge)}`;
  const rules = guardRules(record);
  const head = `table ${table}\ndelete table ${table}\n`;
  return rules.length === 0 ? head : [`${head}table ${table} {`, ...rules, "}", ""].join("\n");
}

/**
 * Applies the rules by nft. A kernel without nftables for bridges only gets the rules of the host;
 * there the containers of one bridge are not protected from each other.
 *
 * @throws {ContainerError} `SystemError` with what nft says
 */
export async function applyRules(bridge: string, record: BridgeRecord): Promise<void> {
  const rules = rulesOf(bridge, record);
  const { success, stderr } = await transact(rules, portRulesOf(bridge, record));
  if (success) return;
  throw new ContainerError("SystemError", `nft refuses the rules of ${bridge}: ${reason(stderr)}`, {
    step: "network",
    syscall: "nft",
    path: bridge,
    pointer: "/network",
    hint: "it takes CAP_NET_ADMIN and a kernel with nftables, its NAT and its fib expression",
  });
}

/**
 * Removes a bridge's tables, if there are any.
 *
 * @throws {ContainerError} `SystemError` with what nft says
 */
export async function deleteRules(bridge: string): Promise<void> {
  // Each table is made first, so that deleting it can't fail.
  const [inet, ports] = ["inet", "bridge"].map((family) => {
    const table = `${family} ${tableOf(bridge)}`;
    return `table ${table}\ndelete table ${table}\n`;
  });
  const { success, stderr } = await transact(inet ?? "", ports ?? "");
  if (success) return;
  const table = `inet ${tableOf(bridge)}`;
  throw new ContainerError("SystemError", `nft can't remove ${table}: ${reason(stderr)}`, {
    step: "network",
    syscall: "nft",
    path: bridge,
    hint: `remove it by nft delete table ${table}`,
  });
}

/** Applies both in one transaction, or only the first if the kernel has no tables for bridges. */
async function transact(rules: string, portRules: string): Promise<Answer> {
  const answer = await callNft(["-f", "-"], `${rules}${portRules}`);
  if (answer.success || (await callNft(["-c", "-f", "-"], "table bridge hull_probe\n")).success) {
    return answer;
  }
  return await callNft(["-f", "-"], rules);
}

/** Whether rules of somebody else translate or filter forwarded packets. */
export async function othersForward(): Promise<boolean> {
  let answer: Answer;
  try {
    answer = await callNft(["list", "chains"], "");
  } catch {
    return true; // without nft nobody can tell
  }
  const { success, stdout } = answer;
  return !success || /hook forward|type nat hook/.test(stdout);
}

interface Answer {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

async function callNft(args: readonly string[], input: string): Promise<Answer> {
  const child = new Deno.Command(requireNft(), {
    args: [...args],
    clearEnv: true,
    env: { LC_ALL: "C" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch { /* it ended before it read all, and says why */ }
  const { success, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * The first line of nft's error, without the place in the input, since the reader does not see the
 * input.
 */
function reason(stderr: string): string {
  const [line = ""] = stderr.trim().split("\n");
  return line.replace(/^\S+:\d+:\d+-\d+: /, "") || "it says nothing";
}
