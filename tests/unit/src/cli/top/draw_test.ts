import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TerminalSize } from "../../../../../src/cli/output/terminal_size.ts";
import { draw, type Look, pageOf } from "../../../../../src/cli/top/draw.ts";
import type { Row } from "../../../../../src/cli/top/round.ts";
import { widthOf } from "../../../../../src/cli/top/text.ts";
import { firstView, type View } from "../../../../../src/cli/top/view.ts";
import { row } from "./rows.ts";

const PLAIN: Look = { charset: "ascii", hasColours: false };
const COLOURED: Look = { charset: "unicode", hasColours: true };
const START = firstView({ sort: "cpu", isReversed: false, filter: "" });
const BUSY = row("web", {
  cpu: 150.26,
  memory: 48 * 2 ** 20,
  memoryLimit: 64 * 2 ** 20,
  pids: 12,
  pidsLimit: 100,
  read: 2048,
  written: 0,
  received: 10_000_000,
  sent: 512,
  cpuWait: 33.3,
  memoryWait: 0,
  ioWait: 1.5,
});
const IDLE = row("idle", { cpu: 0, memory: 4096, memoryLimit: "max", pids: 1, pidsLimit: "max" });
const ENDED = row("ended", {}, { status: "stopped" });

function drawn(
  rows: readonly Row[],
  size: TerminalSize,
  view: Partial<View> = {},
  look = PLAIN,
): string[] {
  const round = { at: 600_000, rows };
  return draw(
    { round, view: { ...START, ...view }, root: "/run/hull", intervalMs: 1000 },
    size,
    look,
  );
}

// deno-lint-ignore no-control-regex -- ESC begins them
const unstyled = (line: string) => line.replaceAll(/\x1b\[[0-9;]*m/g, "");

Deno.test("the table as it looks on a wide terminal", () => {
  assertEquals(
    drawn([IDLE, ENDED, BUSY], { columns: 150, rows: 8 }).map((line) => unstyled(line).trimEnd()),
    [
      "hull top  3 containers, 2 running  cpu 150.3%  memory 48M  pids 13  /run/hull",
      "NAME     STATUS    vCPU% LAST MINUTE          MEMORY OF LIMIT          PIDS  READ WRITE    RX    TX   PRESSURE% COMMAND",
      "web      running   150.3                         48M ########..   64M    12  2.0K     0  9.5M   512  33   0   2 sleep 1000",
      "idle     running     0.0                        4.0K no limit             1     -     -     -     -   -   -   - sleep 1000",
      "ended    stopped       -                           -                      -     -     -     -     -   -   -   - sleep 1000",
      "",
      "web  cpu                  mem                  io                  net",
      "q quit  / filter  k kill  r reverse  h help  every 1s",
    ],
  );
});

Deno.test("every line fits, and there are as many as the terminal has, whatever its size", () => {
  const wide = row("x".repeat(255), BUSY.usage, { command: ["名前", "🚀", "q\u0301".repeat(300)] });
  const rows = [BUSY, IDLE, ENDED, wide];
  const modes: Partial<View>[] = [
    {},
    { mode: "filter", filter: "名".repeat(200) },
    { mode: "question", question: { row: wide, signal: "SIGKILL" } },
    { mode: "help" },
    { message: "m".repeat(300) },
    { filter: "none of them" },
  ];
  for (const look of [PLAIN, COLOURED]) {
    for (const view of modes) {
      for (let columns = 1; columns < 260; columns += columns < 20 ? 1 : 17) {
        for (const rowCount of [1, 2, 3, 4, 7, 8, 24]) {
          const size = { columns, rows: rowCount };
          const lines = drawn(rows, size, view, look);
          assertEquals(lines.length, rowCount);
          for (const line of lines) {
            assert(widthOf(unstyled(line)) <= columns, `${JSON.stringify(line)} in ${columns}`);
          }
        }
      }
    }
  }
});

Deno.test("nothing that a container or a name holds acts on the terminal", () => {
  const evil = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\x08\u202e";
  const rows = [row(evil, {}, { command: [evil, evil] })];
  const views: Partial<View>[] = [
    {},
    { filter: evil },
    { mode: "filter", filter: evil },
    { message: evil },
    { mode: "question", question: { row: rows[0] as Row, signal: "SIGTERM" } },
  ];
  for (const view of views) {
    for (const line of drawn(rows, { columns: 200, rows: 10 }, view, COLOURED)) {
      assertEquals(/[\p{Cc}\p{Cf}]/u.test(unstyled(line)), false, JSON.stringify(line));
    }
  }
});

Deno.test("a narrow terminal has the columns that matter most, and that by which is ordered", () => {
  const headings = (columns: number, view: Partial<View> = {}) =>
    unstyled(drawn([BUSY], { columns, rows: 8 }, view)[1] ?? "").trim().split(/\s+/);
  assertEquals(headings(30), ["NAME", "vCPU%", "MEMORY", "PIDS"]);
  assertEquals(headings(30, { sort: "net" }), ["NAME", "CPU%", "RX", "TX"]);
  assert(headings(80).includes("WRITE"));
  assert(headings(120).includes("PRESSURE%"));
  assert(headings(140).includes("COMMAND"));
});

Deno.test("the rows around the selected one are shown", () => {
  const rows = Array.from({ length: 100 }, (_, k) => row(`c${String(k).padStart(2, "0")}`));
  const size = { columns: 80, rows: 10 };
  const shownOf = (view: Partial<View>) =>
    drawn(rows, size, { sort: "name", ...view }).slice(2, 2 + pageOf(size)).map((line) =>
      unstyled(line).slice(0, 3)
    );
  assertEquals(shownOf({}), ["c00", "c01", "c02", "c03", "c04", "c05"]);
  assertEquals(shownOf({ selected: "c50" }), ["c47", "c48", "c49", "c50", "c51", "c52"]);
  assertEquals(shownOf({ selected: "c99" }), ["c94", "c95", "c96", "c97", "c98", "c99"]);
  assertEquals(shownOf({ selected: "gone" }), shownOf({}));
});

Deno.test("the bottom line asks, shows what is typed, and says what was done", () => {
  const bottom = (view: Partial<View>) => drawn([BUSY], { columns: 90, rows: 10 }, view).at(-1);
  const question = (signal: string) =>
    bottom({
      mode: "question",
      question: { row: BUSY, signal },
      terminated: new Set(signal === "SIGKILL" ? [BUSY.container] : []),
    });
  assertEquals(unstyled(question("SIGTERM") ?? ""), "send SIGTERM to web? (y/n)");
  assertEquals(unstyled(question("SIGQUIT") ?? ""), "send SIGQUIT to web? (y/n)");
  assertEquals(
    unstyled(question("SIGKILL") ?? ""),
    "web was sent SIGTERM; kill it (SIGKILL)? (y/n)",
  );
  assertEquals(bottom({ mode: "filter", filter: "we" }), "/we_");
  assertEquals(bottom({ message: "web was sent SIGTERM" }), "web was sent SIGTERM");
  assertEquals(
    bottom({ filter: "web" }),
    "q quit  / filter  k kill  r reverse  h help  every 1s  filter: web (Esc: all)",
  );
});

Deno.test("what is said of a container is shown, however long its name is", () => {
  const long = row("n".repeat(255));
  const lines = (columns: number, view: Partial<View>) =>
    drawn([long], { columns, rows: 10 }, view).slice(-2).map(unstyled);
  const question = { row: long, signal: "SIGTERM" };
  const [minute = "", asked = ""] = lines(90, { mode: "question", question });
  assertMatch(asked, /^send SIGTERM to n+~n+\? \(y\/n\)$/);
  assertMatch(minute, /^n+~n+ {2}cpu .* mem .* io .* net /);
  assertMatch(lines(30, { mode: "question", question })[1] ?? "", /^send SIG.*~n+\? \(y\/n\)$/);
  assertMatch(lines(90, { message: `${long.id} goes on` })[1] ?? "", /^n+~n+ goes on$/);
});

Deno.test("an empty root, and a filter that fits nothing, are told", () => {
  assertEquals(drawn([], { columns: 80, rows: 6 })[2], "no container in /run/hull");
  assertEquals(
    drawn([BUSY], { columns: 80, rows: 6 }, { filter: "x y" })[2],
    'no container fits "x y"',
  );
});

Deno.test("the minute of CPU time is drawn, in the terminal's characters", () => {
  BUSY.history.cpu.add(597_000, 600_000, 100);
  BUSY.history.cpu.add(570_000, 573_000, 50);
  const line = (look: Look) =>
    unstyled(drawn([BUSY], { columns: 150, rows: 8 }, {}, look)[2] ?? "");
  assertEquals(line(COLOURED).slice(25, 45), "          ▄        █");
  assertEquals(line(PLAIN).slice(25, 45), "          -        #");
});
