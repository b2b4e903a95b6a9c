/**
 * The traffic of a container's interfaces, counted at their ends on the host: what one end has
 * received, the other has sent.
 *
 * It imports little, because a container whose stats are asked for rarely has such interfaces.
 *
 * @module
 */

import { readText } from "../../ffi/files/file.ts";

/** Counters of one interface since it was made, as the container sees them. */
export interface InterfaceStats {
  /** The name of the end on the host. */
  readonly name: string;
  /** Bytes that the container has received. */
  readonly rxBytes: number;
  /** Packets that it has received. */
  readonly rxPackets: number;
  /** Packets for it that were damaged. */
  readonly rxErrors: number;
  /** Packets for it that were dropped, for want of room, for example. */
  readonly rxDropped: number;
  /** Bytes that it has sent. */
  readonly txBytes: number;
  /** Packets that it has sent. */
  readonly txPackets: number;
  /** Packets of its that could not be sent. */
  readonly txErrors: number;
  /** Packets of its that were dropped before they were sent. */
  readonly txDropped: number;
}

/** The kernel's names of what is counted. */
const COUNTERS = ["bytes", "packets", "errors", "dropped"];
/** The columns of /proc/net/dev behind an interface's name: proc_net(5). */
const COLUMNS = [
  ...["rx_bytes", "rx_packets", "rx_errors", "rx_dropped"],
  ...["rx_fifo", "rx_frame", "rx_compressed", "rx_multicast"],
  ...["tx_bytes", "tx_packets", "tx_errors", "tx_dropped"],
];

/**
 * The counters of an interface whose other end is in a container; undefined if it is gone.
 *
 * @param name the name of the end on the host
 * @param sys the folder of the host's sysfs
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { interfaceStats } from "./interface_stats.ts";
 *
 * assertEquals(interfaceStats("nowhere"), undefined);
 * assertEquals(interfaceStats("lo")?.name, "lo");
 * ```
 */
export function interfaceStats(name: string, sys = "/sys"): InterfaceStats | undefined {
  const counters = fromSysfs(`${sys}/class/net/${name}/statistics`) ?? fromProc(name);
  if (counters === undefined) return undefined;
  const count = (counter: string) => counters.get(counter) ?? 0;
  return {
    name,
    rxBytes: count("tx_bytes"),
    rxPackets: count("tx_packets"),
    rxErrors: count("tx_errors"),
    rxDropped: count("tx_dropped"),
    txBytes: count("rx_bytes"),
    txPackets: count("rx_packets"),
    txErrors: count("rx_errors"),
    txDropped: count("rx_dropped"),
  };
}

/** One file a counter, however many interfaces there are. */
function fromSysfs(folder: string): ReadonlyMap<string, number> | undefined {
  try {
    const names = COUNTERS.flatMap((counter) => [`rx_${counter}`, `tx_${counter}`]);
    return new Map(names.map((name) => [name, Number(Deno.readTextFileSync(`${folder}/${name}`))]));
  } catch {
    return undefined; // gone, or this sysfs is of another network namespace: the list tells
  }
}

/** The list of this program's own network namespace, whatever /sys is of. */
function fromProc(name: string): ReadonlyMap<string, number> | undefined {
  const lines = readText("/proc/thread-self/net/dev").split("\n");
  const line = lines.map((text) => text.trim()).find((text) => text.startsWith(`${name}:`));
  const values = line?.slice(name.length + 1).trim().split(/\s+/);
  if (values === undefined) return undefined;
  return new Map(COLUMNS.map((column, k) => [column, Number(values[k])]));
}
