/**
 * `hull top` for other programs: plain lines, or an object of JSON for each round.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { bytesText, percentText } from "./marks.ts";
import { type Order, ordered } from "./order.ts";
import type { Round, Row } from "./round.ts";
import { shown } from "./text.ts";
import type { Watch } from "./watch.ts";

/** What is printed, and for how long. */
export interface LinesOptions {
  readonly watch: Watch;
  readonly intervalMs: number;
  readonly iterations: number;
  readonly order: Order;
  readonly isJson: boolean;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Prints; false once nobody reads it. */
  readonly print: (text: string) => boolean;
}

/**
 * Prints a round at the end of each interval, so that the first one has rates as well.
 */
export async function printRounds(options: LinesOptions): Promise<void> {
  const { watch, intervalMs, iterations, isJson, order, signal, print } = options;
  let due = performance.now() + intervalMs;
  watch.round();
  for (let k = 0; k < iterations; k++) {
    await pause(Math.max(0, due - performance.now()), signal);
    due = Math.max(due + intervalMs, performance.now());
    const round = watch.round();
    const rows = ordered(round.rows, order);
    const text = isJson
      ? JSON.stringify(roundJson({ ...round, rows }, new Date())) + "\n"
      : (k === 0 ? HEADING : "") + rows.map((row) => lineOf(row, new Date())).join("");
    if (!print(text)) return;
  }
}

const WIDTHS = [9, 24, 9, 7, 8, 8, 7, 8, 8, 8, 8, 12];
const HEADINGS = [
  ...["TIME", "NAME", "STATUS", "CPU%", "MEMORY", "LIMIT", "PIDS"],
  ...["READ/s", "WRITE/s", "RX/s", "TX/s", "PRESSURE%"],
];
const HEADING = joined(HEADINGS);

function joined(cells: readonly string[]): string {
  return cells.map((cell, k) => cell.padEnd((WIDTHS[k] ?? 1) - 1)).join(" ").trimEnd() + "\n";
}

/** A row as a line of words. */
export function lineOf({ id, status, usage }: Row, now: Date): string {
  const bytes = (value: number | undefined) => value === undefined ? "-" : bytesText(value);
  const waits = [usage.cpuWait, usage.memoryWait, usage.ioWait];
  return joined([
    now.toTimeString().slice(0, 8),
    shown(id),
    status,
    usage.cpu === undefined ? "-" : percentText(usage.cpu),
    bytes(usage.memory),
    usage.memoryLimit === "max" ? "max" : bytes(usage.memoryLimit),
    String(usage.pids ?? "-"),
    bytes(usage.read),
    bytes(usage.written),
    bytes(usage.received),
    bytes(usage.sent),
    waits.map((wait) => wait === undefined ? "-" : Math.round(wait)).join("/"),
  ]);
}

/**
 * A round as an object. Bytes, per cent and bytes in a second; what is not known is null, and a
 * limit that is not set is "max".
 */
export function roundJson({ rows }: Pick<Round, "rows">, now: Date): object {
  return {
    time: now.toISOString(),
    containers: rows.map(({ id, status, usage, counted }) => ({
      id,
      status,
      cpuPercent: number(usage.cpu),
      cpuNanoseconds: number(counted?.gauges.cpuTime),
      memoryBytes: number(usage.memory),
      memoryLimit: usage.memoryLimit ?? null,
      pids: number(usage.pids),
      pidsLimit: usage.pidsLimit ?? null,
      readBytes: number(counted?.gauges.readBytes),
      writtenBytes: number(counted?.gauges.writtenBytes),
      readPerSecond: number(usage.read),
      writtenPerSecond: number(usage.written),
      receivedBytes: number(counted?.traffic?.received),
      sentBytes: number(counted?.traffic?.sent),
      receivedPerSecond: number(usage.received),
      sentPerSecond: number(usage.sent),
      cpuPressure: number(usage.cpuWait),
      memoryPressure: number(usage.memoryWait),
      ioPressure: number(usage.ioWait),
    })),
  };
}

/** With three digits behind the point at most. */
function number(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}
