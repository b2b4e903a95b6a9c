/** The report as a chart: SVG that can be read on a light and on a dark page. @module */

import type { Report, TimedCase } from "./report.ts";
import { CASE_TITLES } from "./table.ts";

const WIDTH = 760;
const LABELS = 170;
const BARS = WIDTH - LABELS - 90;
const ROW = 20;
const GAP = 46;
const TOP = 56;
const THICKNESS = 14;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .case { font-weight: 600 }
  .note { fill: #57606a }
  .hull { fill: #1f6feb }
  .other { fill: #8c959f }
  .axis { stroke: #8c959f; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .hull { fill: #58a6ff }
    .other { fill: #6e7681 }
  }`;

/** A chart of the times without a filter: a group of bars for each case, with a scale of its own. */
export function asChart(report: Report): string {
  const cases = report.cases.filter(({ bundle }) => bundle === "plain");
  let y = TOP;
  const groups = cases.map((one) => {
    const group = groupOf(one, y);
    y += GAP + ROW * one.timings.length;
    return group;
  });
  const { machine, date } = report;
  const note = `Medians, milliseconds of wall time for one container; shorter is better. ` +
    `Linux ${machine.kernel}, ${machine.cpus} CPUs, ${date.slice(0, 10)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img">
<title>Time to start a container, by runtime</title>
<style>${STYLE}
</style>
<text class="title" x="0" y="16">Time to start a container</text>
<text class="note" x="0" y="34">${escape(note)}</text>
${groups.join("\n")}
</svg>
`;
}

function groupOf({ name, containers, timings }: TimedCase, top: number): string {
  const most = Math.max(...timings.map(({ wallMs }) => wallMs));
  const count = containers === 1 ? "" : `${containers} `;
  const first = top + 14;
  const bars = timings.map(({ runtime, wallMs }, k) => {
    const y = first + 8 + k * ROW;
    const width = Math.max(1, wallMs / most * BARS).toFixed(1);
    const middle = y + THICKNESS - 3;
    const kind = runtime.startsWith("hull") ? "hull" : "other";
    return `<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${escape(runtime)}</text>
<rect class="${kind}" x="${LABELS}" y="${y}" width="${width}" height="${THICKNESS}" rx="2"/>
<text x="${LABELS + Number(width) + 6}" y="${middle}">${wallMs.toFixed(1)} ms</text>`;
  });
  const bottom = first + 6 + timings.length * ROW;
  return `<text class="case" x="0" y="${first}">${
    escape(count + (CASE_TITLES[name] ?? name))
  }</text>
${bars.join("\n")}
<line class="axis" x1="${LABELS}" y1="${first + 5}" x2="${LABELS}" y2="${bottom}"/>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
