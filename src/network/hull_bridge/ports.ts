/**
 * Whether a port of the host is free to be published.
 *
 * Source: proc_net_tcp.rst of Linux (the tables of sockets).
 *
 * @module
 */

import { formatIp, parseIp } from "../../config/ip_address.ts";
import { type CheckedPort, formatPublishedPort } from "../../config/published_port.ts";
import { ContainerError } from "../../errors.ts";
import { attempt } from "../links/failure.ts";
import { listAddresses } from "../netlink/address.ts";
import type { RouteSocket } from "../netlink/socket.ts";
import type { BridgeRecords } from "./records.ts";

/** States in which a socket accepts any peer: TCP_LISTEN, and UDP without a peer. */
const WAITING = { tcp: "0A", udp: "07" } as const;

/**
 * Refuses ports that another container or a program on the host uses, and addresses that the host
 * does not have.
 *
 * @throws {ContainerError} `SystemError` with EADDRINUSE or EADDRNOTAVAIL
 */
export function requireFreePorts(
  ports: readonly CheckedPort[],
  records: BridgeRecords,
  here: RouteSocket,
): void {
  if (ports.length === 0) return;
  const given = Object.values(records.bridges).flatMap(({ leases }) =>
    leases.flatMap(({ id, ports }) => ports.map((port) => ({ id, port })))
  );
  const own = hostAddresses(here);
  ports.forEach((port, k) => {
    const refuse = refusal(port, k);
    const { hostIp } = port;
    if (hostIp !== undefined && !isAny(hostIp) && !own.has(hostIp) && !hostIp.startsWith("127.")) {
      throw refuse(
        "EADDRNOTAVAIL",
        `the host has no address ${hostIp}`,
        "leave it out for all of the host's",
      );
    }
    const other = given.find((each) => collide(port, each.port));
    if (other !== undefined) {
      throw refuse("EADDRINUSE", `container ${other.id} has it`, "choose another port of the host");
    }
    if (ports.slice(0, k).some((each) => collide(port, each))) {
      throw refuse("EADDRINUSE", "it is published twice", "publish it once");
    }
    const listener = listeners(port.protocol).find((each) => collide(port, each));
    if (listener !== undefined) {
      const where = listener.hostIp ?? "all addresses";
      const hint = "end that program, or choose another port";
      throw refuse("EADDRINUSE", `a program of the host listens on it at ${where}`, hint);
    }
  });
}

type Refusal = (errno: string, why: string, hint: string) => ContainerError;

function refusal(port: CheckedPort, k: number): Refusal {
  return (errno, why, hint) =>
    new ContainerError("SystemError", `cannot publish ${formatPublishedPort(port)}: ${why}`, {
      step: "network",
      errno,
      pointer: `/network/publish/${k}`,
      hint,
    });
}

/** A place that packets are sent to. */
type Place = Pick<CheckedPort, "hostIp" | "hostPort" | "protocol">;

/** Whether there is an address at which both would be reached. */
function collide(one: Place, other: Place): boolean {
  if (one.hostPort !== other.hostPort || one.protocol !== other.protocol) return false;
  const [a, b] = [one.hostIp, other.hostIp];
  if (a === undefined || b === undefined) return true;
  if (a.includes(":") !== b.includes(":")) return false;
  return a === b || isAny(a) || isAny(b);
}

function isAny(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

function hostAddresses(here: RouteSocket): ReadonlySet<string> {
  const addresses = attempt("cannot list the host's addresses", {}, () => listAddresses(here));
  return new Set(addresses.map(({ local }) => formatIp(local)));
}

/** The sockets of the host that accept any peer. */
function listeners(protocol: "tcp" | "udp"): Place[] {
  return [protocol, `${protocol}6`].flatMap((table) => {
    const lines = readTable(`/proc/thread-self/net/${table}`).split("\n").slice(1);
    return lines.flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      return state === WAITING[protocol] ? [decodeListener(local, protocol)] : [];
    });
  });
}

/**
 * An address and port of those tables, such as `0100007F:1F90`: hexadecimal words of 32 bits in the
 * CPU's order. A socket at `::` counts as one at all addresses, including those of IPv4, as most
 * such sockets are.
 */
export function decodeListener(local: string, protocol: "tcp" | "udp"): Place {
  const [address = "", port = ""] = local.split(":");
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => parseInt(byte, 16))
  );
  const text = formatIp(Uint8Array.from(bytes)).replace(/^::ffff:/, "");
  const isEverywhere = text === "::";
  return {
    hostIp: isEverywhere ? undefined : parseIp(text) === undefined ? undefined : text,
    hostPort: parseInt(port, 16),
    protocol,
  };
}

function readTable(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // without IPv6
    throw error;
  }
}
