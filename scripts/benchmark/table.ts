/** The report as tables: for a terminal, and as Markdown. @module */

import type { Report, TimedCase } from "./report.ts";

/** What a case is called. */
export const CASE_TITLES: Readonly<Record<string, string>> = {
  run: "run",
  lifecycle: "create, start, delete",
  exec: "exec",
  sequential: "one after another",
  "at-once": "at once",
};

/** A heading, the names of the columns, and the rows. */
interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns of spaces, numbers to the right. */
export function asText(report: Report): string {
  const parts = tables(report).map(({ title, columns, rows }) => {
    const all = [columns, ...rows];
    const widths = columns.map((_, k) => Math.max(...all.map((row) => row[k]?.length ?? 0)));
    const line = (row: readonly string[]) =>
      row.map((cell, k) => k < 1 ? cell.padEnd(widths[k] ?? 0) : cell.padStart(widths[k] ?? 0))
        .join("  ").trimEnd();
    return [title, ...all.map((row) => `  ${line(row)}`)].join("\n");
  });
  return [heading(report), ...parts, ...report.leftOut.map((what) => `left out: ${what}`)]
    .join("\n\n");
}

/** Markdown's tables. */
export function asMarkdown(report: Report): string {
  const parts = tables(report).map(({ title, columns, rows }) => {
    const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
    const rule = columns.map((_, k) => k === 0 ? "---" : "---:");
    return [`### ${title}`, "", line(columns), line(rule), ...rows.map(line)].join("\n");
  });
  return [heading(report), ...parts].join("\n\n") + "\n";
}

function heading({ date, machine, versions }: Report): string {
  const { kernel, processor, cpus, memoryMib, load } = machine;
  const programs = Object.entries(versions).map(([name, version]) => `${name}: ${version}`);
  return `${date.slice(0, 10)}, Linux ${kernel}, ${cpus} x ${processor}, ` +
    `${Math.round(memoryMib / 1024)} GiB, load ${load.toFixed(1)}; ${programs.join("; ")}`;
}

function tables(report: Report): Table[] {
  const { latency, memory, limits } = report;
  const others = memory.length === 0 && limits.length === 0;
  return [
    ...report.cases.map(timeTable),
    ...(latency.length === 0 ? [] : [latencyTable(report)]),
    ...(others ? [] : [memoryTable(report)]),
  ];
}

function timeTable({ name, bundle, rounds, containers, timings }: TimedCase): Table {
  const others = Object.keys(timings[0]?.ratio ?? {});
  const count = containers === 1 ? "" : `${containers} `;
  const each = containers === 1 ? "" : ", times of one container";
  const filter = bundle === "plain" ? "no filter" : "a filter such as Docker's";
  return {
    title: `${count}${CASE_TITLES[name]}, ${filter}: medians of ${rounds} rounds${each}`,
    columns: ["", "wall ms", "middle half", "cpu ms", ...others.flatMap(ratioColumns), "per s"],
    rows: timings.map((timing) => [
      timing.runtime,
      timing.wallMs.toFixed(1),
      timing.middleHalfMs.map((ms) => ms.toFixed(1)).join(" to "),
      timing.cpuMs.toFixed(1),
      ...others.flatMap((other) => ratioCells(timing.runtime, other, timing.ratio[other])),
      (1000 / timing.wallMs).toFixed(0),
    ]),
  };
}

function ratioColumns(other: string): string[] {
  return [`wall / ${other}`, `cpu / ${other}`];
}

function ratioCells(
  runtime: string,
  other: string,
  ratio: { readonly wall: number; readonly cpu: number } | undefined,
): string[] {
  if (runtime === other || ratio === undefined) return ["", ""];
  return [ratio.wall.toFixed(2), ratio.cpu.toFixed(2)];
}

function latencyTable({ latency }: Report): Table {
  return {
    title: "From a running program, milliseconds",
    columns: ["", "heap MiB", "starts", "p50", "p99", "max", "loop p99", "loop max", "idle loop"],
    rows: latency.map((row) => [
      row.what,
      String(row.heapMib),
      String(row.starts),
      ...[row.p50Ms, row.p99Ms, row.maxMs, row.blockP99Ms, row.longestBlockMs]
        .map((ms) => ms.toFixed(1)),
      row.longestIdleBlockMs.toFixed(1),
    ]),
  };
}

function memoryTable({ memory, limits }: Report): Table {
  const names = [...new Set([...memory, ...limits].map(({ runtime }) => runtime))];
  return {
    title: "Memory, KiB",
    columns: ["", "peaks of a run", "left created", "left running", "smallest limit"],
    rows: names.map((name) => {
      const use = memory.find(({ runtime }) => runtime === name);
      const limit = limits.find(({ runtime }) => runtime === name);
      const peaks = use?.peaks.map(({ command, peakKib }) => `${command} ${peakKib}`).join(", ");
      return [
        name,
        peaks ?? "",
        use === undefined ? "" : String(use.createdKib),
        use === undefined ? "" : `${use.runningKib} in ${use.processesLeft} processes`,
        limit === undefined ? "" : String(limit.kib ?? "none works"),
      ];
    }),
  };
}
