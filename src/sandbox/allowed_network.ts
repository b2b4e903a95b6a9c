/**
 * The network of a sandbox that may send to some addresses: a bridge of its own, whose rules let
 * nothing else pass. Names are looked up before, on the host, and stand in the sandbox's /etc/hosts.
 *
 * @module
 */

import { randomHex } from "../../ffi/c/random.ts";
import { type Destination, parseDestination, splitPort } from "../config/destination.ts";
import { parseIp } from "../config/ip_address.ts";
import type { BridgeNetwork } from "../config/types/network_mode.ts";
import { ContainerError } from "../errors.ts";

/** Looks a name up. */
export type Lookup = (name: string, type: "A" | "AAAA") => Promise<readonly string[]>;

/** A network, and the names that stand for its addresses. */
export interface AllowedNetwork {
  readonly network: BridgeNetwork;
  /** The lines of hosts(5). */
  readonly hosts: readonly string[];
}

/**
 * The network for what is allowed; undefined if that is nothing.
 *
 * @param allowNet which was checked
 * @throws {ContainerError} `SystemError` for a name without an address
 */
export async function allowedNetwork(
  allowNet: readonly string[],
  lookUp: Lookup = Deno.resolveDns,
): Promise<AllowedNetwork | undefined> {
  if (allowNet.length === 0) return undefined;
  const allow = new Set<string>();
  const hosts = new Set<string>();
  for (const text of allowNet) {
    const known = parseDestination(text);
    if (typeof known !== "string") {
      allow.add(destinationText(known));
      continue;
    }
    const { host = "", port } = splitPort(text) ?? {};
    for (const address of await addressesOf(host, lookUp)) {
      const family = address.includes(":") ? 6 : 4;
      allow.add(destinationText({ address, family, port }));
      hosts.add(`${address}\t${host}`);
    }
  }
  // Nobody else's container is on it: containers of one bridge reach each other.
  const bridge = `hsb${randomHex(5)}`;
  return { network: { bridge, allow: [...allow] }, hosts: [...hosts] };
}

function destinationText({ address, family, port }: Destination): string {
  if (port === undefined) return address;
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Those that may be reached: who has the name must not thereby reach what is only the host's. */
async function addressesOf(name: string, lookUp: Lookup): Promise<string[]> {
  const answers = await Promise.allSettled([lookUp(name, "A"), lookUp(name, "AAAA")]);
  const found = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
  const addresses = found.filter(isElsewhere);
  if (addresses.length > 0) return addresses;
  const failed = answers.find((answer) => answer.status === "rejected");
  throw new ContainerError("SystemError", `there is no address for ${name}`, {
    step: "network",
    path: name,
    pointer: "/allowNet",
    hint: "give its address, or see whether this host can look names up",
    cause: failed?.reason,
  });
}

/** Not a loopback, link-local, multicast or unspecified address: RFC 6890. */
function isElsewhere(address: string): boolean {
  const ip = parseIp(address);
  const [first = 0, second = 0] = ip?.bytes ?? [];
  if (ip?.family === 4) {
    return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
  }
  if (ip === undefined || first === 0xff || (first === 0xfe && (second & 0xc0) === 0x80)) {
    return false;
  }
  return ip.bytes.subarray(0, 12).some((byte) => byte !== 0); // neither ::, ::1 nor an IPv4 in it
}
