/**
 * The network of a sandbox that may send to some addresses: a bridge of its own, whose rules let
 * nothing else pass. Names are looked up before, on the host, and stand in the sandbox's /etc/hosts.
 *
 * @module
 */

import { randomHex } from "../../ffi/c/random.ts";
import type { AbortOptions } from "../../ffi/waiting/abort.ts";
import { type Destination, parseDestination, splitPort } from "../config/destination.ts";
import { parseIp } from "../config/ip_address.ts";
import type { BridgeNetwork } from "../config/types/network_mode.ts";
import { ContainerError } from "../errors.ts";
import { reason } from "../failures/reason.ts";
import { forwardsIpv6, hasIpv6 as hostHasIpv6 } from "../network/links/sysctls.ts";

/** Looks a name up. */
export type Lookup = (
  name: string,
  type: "A" | "AAAA",
  options: { signal?: AbortSignal },
) => Promise<readonly string[]>;

/** How the host's side is seen; by default as it is. */
export interface AllowedOptions extends AbortOptions {
  readonly lookUp?: Lookup | undefined;
  /** Whether the host sends on what a container sends by IPv6. */
  readonly hasIpv6?: boolean | undefined;
}

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
 * @throws {ContainerError} `SystemError` for a name without an address, `Unsupported` for what can be
 *   reached by IPv6 alone, which the host does not forward
 * @throws the signal's reason
 */
export async function allowedNetwork(
  allowNet: readonly string[],
  options: AllowedOptions = {},
): Promise<AllowedNetwork | undefined> {
  if (allowNet.length === 0) return undefined;
  const { lookUp = Deno.resolveDns, signal } = options;
  const { hasIpv6 = hostHasIpv6() && forwardsIpv6() } = options;
  const allow = new Set<string>();
  const hosts = new Set<string>();
  const all = await Promise.all(allowNet.map(async (text, k) => {
    const pointer = `/allowNet/${k}`;
    const known = parseDestination(text);
    const { host = "", port } = splitPort(text) ?? {};
    const addresses = typeof known === "string"
      ? await addressesOf(host, pointer, { lookUp, signal })
      : [known.address];
    const reached = addresses.filter((address) => hasIpv6 || !address.includes(":"));
    if (reached.length === 0) throw needsIpv6(text, pointer);
    return { known, host, port, reached };
  }));
  for (const { known, host, port, reached } of all) {
    if (typeof known !== "string") {
      allow.add(destinationText(known));
      continue;
    }
    for (const address of reached) {
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

/** What it sends would go nowhere, and a program would wait for an answer. */
function needsIpv6(text: string, pointer: string): ContainerError {
  const what = `${text} can be reached by IPv6 alone, which this host does not forward`;
  return new ContainerError("Unsupported", what, {
    step: "network",
    pointer,
    hint: "give an IPv4 address, or have the host forward: sysctl net.ipv6.conf.all.forwarding=1",
  });
}

/** Those that may be reached: who has the name must not thereby reach what is only the host's. */
async function addressesOf(
  name: string,
  pointer: string,
  { lookUp, signal }: AbortOptions & { readonly lookUp: Lookup },
): Promise<string[]> {
  const ask = (type: "A" | "AAAA") => lookUp(name, type, signal === undefined ? {} : { signal });
  const answers = await Promise.allSettled([ask("A"), ask("AAAA")]);
  signal?.throwIfAborted();
  const found = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
  const addresses = found.filter(isElsewhere);
  if (addresses.length > 0) return addresses;
  const details = { step: "network", path: name, pointer };
  if (found.length > 0) {
    const what = `${name} leads to the host itself or to its neighbours alone: ${found.join(", ")}`;
    throw new ContainerError("SystemError", what, {
      ...details,
      hint: "give the address of this host in its network, which containers can reach",
    });
  }
  const failed = answers.find((answer) => answer.status === "rejected");
  const cause: unknown = failed?.reason;
  throw new ContainerError("SystemError", `there is no address for ${name}${whyOf(cause)}`, {
    ...details,
    hint: "give its address, or see whether this host can look names up",
    cause,
  });
}

/** That name servers answered without an address says nothing more. */
function whyOf(cause: unknown): string {
  const why = cause === undefined ? "" : reason(cause).replace(/^proto error: /, "");
  return why === "" || why.startsWith("no records found") ? "" : ` (${why})`;
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
  const isMapped = ip.bytes.subarray(10, 12).every((byte) => byte === 0xff);
  return ip.bytes.subarray(0, 10).some((byte) => byte !== 0) || // neither ::, ::1 nor an IPv4 in it
    !isMapped && ip.bytes.subarray(10, 12).some((byte) => byte !== 0);
}
