/**
 * Draws a trace of `hull --trace` as a waterfall, for docs/tour.md:
 *
 *     deno run -A scripts/draw_trace.ts trace.json trace.svg
 *
 * The start of the runtime is left out, since it would take most of the width.
 *
 * @module
 */

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly cat?: string;
  readonly pid: number;
  /** In microseconds. */
  readonly ts: number;
  readonly dur?: number;
}

interface Bar {
  readonly name: string;
  readonly kind: "parent" | "child";
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

const WIDTH = 760;
const LABELS = 230;
const TIMES = 60;
const SCALE = WIDTH - LABELS - TIMES;
const ROW = 17;
const TOP = 64;
const RUNTIME = "load the runtime and hull";

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .note { fill: #57606a }
  .parent { fill: #8c959f }
  .child { fill: #1f6feb }
  .grid { stroke: #8c959f; stroke-opacity: 0.3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .parent { fill: #6e7681 }
    .child { fill: #58a6ff }
  }`;

/** The bars of a trace in the order of their beginnings, what holds others before these. */
function barsOf(events: readonly TraceEvent[]): Bar[] {
  const timed = events.filter(({ ph, name }) => ph === "X" && name !== RUNTIME)
    .map(({ name, cat, ts, dur = 0 }) => ({
      name,
      kind: cat === "parent" ? "parent" as const : "child" as const,
      from: ts,
      to: ts + dur,
    }))
    .sort((a, b) => a.from - b.from || b.to - a.to);
  return timed.map((bar, index) => {
    const around = timed.slice(0, index).filter(({ kind, to }) =>
      kind === bar.kind && to >= bar.to
    );
    return { ...bar, depth: bar.kind === "child" ? 0 : around.length };
  });
}

/** The picture of a trace. */
function asSvg(events: readonly TraceEvent[]): string {
  const bars = barsOf(events);
  const start = Math.min(...bars.map(({ from }) => from));
  const end = Math.max(...bars.map(({ to }) => to));
  const x = (time: number) => LABELS + (time - start) / (end - start) * SCALE;
  const height = TOP + bars.length * ROW + 8;
  const ms = (time: number) => (time / 1000).toFixed(time < 1000 ? 2 : 1);
  const rows = bars.map(({ name, kind, from, to, depth }, k) => {
    const y = TOP + k * ROW;
    const width = Math.max(1, x(to) - x(from));
    return `<text x="${kind === "child" ? 12 : depth * 8}" y="${y + 12}">${escape(name)}</text>
<rect class="${kind}" x="${x(from).toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${
      ROW - 6
    }" rx="2"/>
<text class="note" x="${(x(from) + width + 5).toFixed(1)}" y="${y + 12}">${ms(to - from)}</text>`;
  });
  const step = stepOf((end - start) / 1000);
  const grid = Array.from({ length: Math.floor((end - start) / 1000 / step) + 1 }, (_, k) => {
    const at = x(start + k * step * 1000).toFixed(1);
    return `<line class="grid" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - 4}"/>
<text class="note" x="${at}" y="${TOP - 10}" text-anchor="middle">${k * step}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>What happens when a container starts</title>
<style>${STYLE}
</style>
<text class="title" x="0" y="16">What happens when a container starts</text>
<text class="note" x="0" y="34">Milliseconds since hull has been loaded.</text>
<rect class="parent" x="300" y="25" width="12" height="10" rx="2"/>
<text x="317" y="34">hull</text>
<rect class="child" x="360" y="25" width="12" height="10" rx="2"/>
<text x="377" y="34">the child, on its way to the program</text>
${grid.join("\n")}
${rows.join("\n")}
</svg>
`;
}

/** How many milliseconds are between two lines. */
function stepOf(ms: number): number {
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => ms / step <= 10) ?? 1000;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const [from, to] = Deno.args;
if (from === undefined || to === undefined) {
  console.error("usage: draw_trace.ts <trace.json> <picture.svg>");
  Deno.exit(2);
}
const { traceEvents } = JSON.parse(Deno.readTextFileSync(from)) as {
  readonly traceEvents: readonly TraceEvent[];
};
Deno.writeTextFileSync(to, asSvg(traceEvents));
