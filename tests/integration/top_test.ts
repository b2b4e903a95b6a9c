import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Bundle, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { Desk } from "../fixtures/desk.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { parseTrace } from "../fixtures/strace.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";
import { missingTmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const EVIL = "\x1b[2J\x1b]0;owned\x07名前";
const SHOWN = "\\u001b[2J\\u001b]0;owned\\u0007名前";

/** A container as `hull top --json` tells of it. */
interface Seen {
  readonly id: string;
  readonly status: string;
  readonly cpuPercent: number | null;
  readonly cpuNanoseconds: number | null;
  readonly memoryBytes: number | null;
  readonly memoryLimit: number | "max" | null;
  readonly pids: number | null;
  readonly pidsLimit: number | "max" | null;
}

function limitedBundle(script: string): Bundle {
  return makeBundle(script, (config) => {
    config.process = {
      ...config.process,
      args: ["sh", "-c", script, EVIL],
    } as typeof config.process;
    config.linux = {
      ...config.linux,
      resources: { memory: { limit: 64 * 2 ** 20 }, pids: { limit: 50 } },
    };
  });
}

testWhere(
  ROOT,
  "top prints an object or lines for each round, of what each container uses",
  async () => {
    await leavesNothing("hull-top-lines", async () => {
      await using hull = new Hull();
      using bundle = limitedBundle("while :; do :; done");
      using quiet = makeBundle("sleep 1000");
      assertEquals(await hull.must("top", "-n", "1", "--interval", "10ms"), await heading(hull));
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-top-lines-busy");
      await hull.detach("create", "-b", quiet.folder, "hull-top-lines-made");
      const text = await hull.must("top", "--json", "-n", "2", "--interval", "300ms");
      const rounds = text.trimEnd().split("\n").map((line) => JSON.parse(line));
      assertEquals(rounds.length, 2);
      const [busy, made] = rounds[1].containers as [Seen, Seen];
      assertEquals([busy.id, busy.status], ["hull-top-lines-busy", "running"]);
      assertEquals([made.id, made.status], ["hull-top-lines-made", "created"]);
      assertEquals([busy.memoryLimit, busy.pids, busy.pidsLimit], [64 * 2 ** 20, 1, 50]);
      assertEquals([made.memoryLimit, made.cpuPercent], ["max", 0]);
      assert((busy.cpuPercent ?? 0) > 1 && (busy.memoryBytes ?? 0) > 0, text);
      assert((busy.cpuNanoseconds ?? 0) > rounds[0].containers[0].cpuNanoseconds, text);
      const lines = await hull.must("top", "-n", "1", "--interval", "50ms", "--sort=name", "-r");
      assertMatch(
        lines,
        /^TIME .*\n.* hull-top-lines-made +created .*\n.* hull-top-lines-busy +running .* 64M /,
      );
      assertEquals(lines.includes("\x1b"), false);
      const one = await hull.must("top", "-n1", "--interval=50ms", "--filter", "made");
      assertEquals(one.trimEnd().split("\n").length, 2);
    });
  },
);

async function heading(hull: Hull): Promise<string> {
  const text = await hull.must("top", "-n", "1", "--interval", "10ms");
  assertMatch(text, /^TIME +NAME +STATUS .*\n$/);
  return text;
}

testWhere(
  ROOT,
  "top follows containers through their lives, and a new one with an old id",
  async () => {
    await leavesNothing("hull-top-life", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 1000");
      using top = new Following(hull);
      const id = "hull-top-life";
      await top.shows([]);
      await hull.detach("run", "-d", "--keep", "-b", bundle.folder, id);
      await top.shows([[id, "running"]]);
      await hull.must("pause", id);
      await top.shows([[id, "paused"]]);
      await hull.must("resume", id);
      await top.shows([[id, "running"]]);
      await hull.must("update", "--pids-limit", "77", id);
      await until(() => top.last?.[0]?.pidsLimit === 77, 20);
      await hull.must("kill", id, "KILL");
      await top.shows([[id, "stopped"]]);
      assertEquals(top.last?.[0]?.memoryBytes, null);
      await hull.must("delete", id);
      await hull.detach("create", "-b", bundle.folder, id);
      await top.shows([[id, "created"]]);
      await hull.must("delete", id);
      await top.shows([]);
    });
  },
);

/** `hull top --json` while it runs. */
class Following implements Disposable {
  readonly #child: Deno.ChildProcess;
  /** The containers of the last round. */
  last: readonly Seen[] | undefined;

  constructor(hull: Hull) {
    const words = ["top", "--json", "--interval", "50ms"];
    this.#child = hull.command(words, { stdin: "null", stdout: "piped" }).spawn();
    void this.#read();
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const piece of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + piece).split("\n");
      text = lines.pop() ?? "";
      const line = lines.at(-1);
      if (line !== undefined) this.last = JSON.parse(line).containers;
    }
  }

  /** Waits for a round with these containers. */
  async shows(wanted: readonly (readonly [string, string])[]): Promise<void> {
    const seen = () => JSON.stringify(this.last?.map(({ id, status }) => [id, status]));
    await until(() => seen() === JSON.stringify(wanted), 20);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

testWhere(
  ROOT ?? missingStrace(),
  "a round opens no file of a container that goes on",
  async () => {
    await leavesNothing("hull-top-cost", async () => {
      using scratch = scratchFolder();
      const trace = `${scratch.path}/trace`;
      const opens = ["-f", "-s", "300", "-e", "trace=openat,openat2,open", "-o", trace];
      await using hull = new Hull();
      using bundle = makeBundle("sleep 1000");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-top-cost");
      run("strace", ...opens, ...hull.words(["top", "--json", "-n", "40", "--interval", "10ms"]));
      const opened = parseTrace(Deno.readTextFileSync(trace)).filter(({ result }) => result >= 0);
      const count = (part: string) => opened.filter(({ args }) => args.includes(part)).length;
      assertEquals(count("/hull-top-cost/pids.current"), 1);
      const states = count('"state.json"') + count("/hull-top-cost/state.json");
      assert(states > 0 && states <= 12, `the state was read ${states} times in 41 rounds`);
    });
  },
);

function missingStrace(): string | undefined {
  return new Deno.Command("sh", { args: ["-c", "command -v strace"] }).outputSync().success
    ? undefined
    : "strace";
}

testWhere(ROOT, "top refuses what it can't mean", async () => {
  await using hull = new Hull();
  const refusals: [string[], RegExp][] = [
    [["--sort", "colour"], /"colour" is no column; use name, cpu, memory, /],
    [["--interval", "0s"], /--interval 0s is no duration above 0/],
    [["-n", "0"], /--iterations 0 is no whole number/],
    [["web"], /"web" is one argument too many for hull top/],
  ];
  for (const [words, message] of refusals) assertMatch(await hull.refuse("top", ...words), message);
});

testWhere(
  ROOT ?? missingTmux(),
  "top at a terminal: order, filter, resize, a kill with a question",
  async (t) => {
    await leavesNothing("hull-top-live", async () => {
      await using hull = new Hull();
      using busy = limitedBundle("while :; do :; done");
      using quiet = makeBundle("sleep 1000");
      await hull.detach("run", "-d", "-b", busy.folder, "hull-top-live-z");
      await hull.detach("run", "-d", "--keep", "-b", quiet.folder, "hull-top-live-a");
      using desk = await Desk.open(hull);
      const { tmux } = desk;
      /** The names of the rows, in their order. */
      const names = () =>
        tmux.screen.split("\n").flatMap((line) =>
          /^hull-top-live-(\w) +\d|^hull-top-live-(\w) .*(?:running|stopped)/.exec(line)?.slice(1)
            .filter(Boolean) ?? []
        ).join("");
      const isOrdered = (order: string) => until(() => names() === order, 20);
      tmux.type("LC_ALL=C.UTF-8 TERM=xterm hull top --interval 200ms");
      await t.step("the busiest is first, with the bar of its memory", async () => {
        await isOrdered("za");
        await tmux.shows(/^hull-top-live-z +running .*[▁▂▃▄▅▆▇█].*·+ +64M/);
        await tmux.shows(/^hull top +2 containers, 2 running +cpu [1-9]/);
        assertEquals(tmux.isOther, { screen: true, cursor: false });
      });
      await t.step("a column's key orders by it, r the other way", async () => {
        tmux.press("n");
        await isOrdered("az");
        tmux.press("r");
        await isOrdered("za");
      });
      await t.step("the size follows the window's", async () => {
        tmux.resize(200, 9);
        await until(() => tmux.screen.split("\n")[8]?.startsWith("q quit") === true, 20);
        // what the container's command holds is shown, and does nothing
        await until(() => tmux.screen.includes(SHOWN), 20);
        tmux.resize(40, 6);
        await until(() => tmux.screen.split("\n")[5]?.startsWith("q quit") === true, 20);
        assert(tmux.screen.split("\n").every((line) => line.length <= 40), tmux.screen);
        tmux.resize(90, 20);
        await isOrdered("za");
      });
      await t.step("what is typed behind / chooses rows, by the command too", async () => {
        tmux.press("/");
        for (const key of "owned") tmux.press(key);
        await isOrdered("z");
        await tmux.shows(/^\/owned_$/);
        tmux.press("Escape");
        await isOrdered("za");
      });
      await t.step("a kill asks, sends SIGTERM, and SIGKILL the next time", async () => {
        tmux.press("/");
        for (const key of "live-a") tmux.press(key);
        tmux.press("Enter");
        await isOrdered("a");
        tmux.press("k");
        await tmux.shows(/^send SIGTERM to hull-top-live-a\? \(y\/n\)$/);
        tmux.press("n");
        await tmux.shows(/^hull-top-live-a goes on$/);
        tmux.press("k");
        tmux.press("y");
        await tmux.shows(/^hull-top-live-a was sent SIGTERM$/); // which it does not answer
        assertEquals(await hull.status("hull-top-live-a"), "running");
        tmux.press("k");
        await tmux.shows(/^hull-top-live-a was sent SIGTERM; kill it \(SIGKILL\)\? \(y\/n\)$/);
        tmux.press("y");
        await until(async () => await hull.status("hull-top-live-a") === "stopped", 20);
        await tmux.shows(/^hull-top-live-a +stopped/);
        assertEquals(await hull.status("hull-top-live-z"), "running");
      });
      await t.step("a kill of one that is gone meanwhile says so", async () => {
        await hull.detach("run", "-d", "-b", quiet.folder, "hull-top-live-v");
        tmux.press("/");
        tmux.press("C-u");
        for (const key of "live-v") tmux.press(key);
        tmux.press("Enter");
        await isOrdered("v");
        tmux.press("k");
        await tmux.shows(/^send SIGTERM to hull-top-live-v\? \(y\/n\)$/);
        await hull.must("delete", "--force", "hull-top-live-v");
        tmux.press("y");
        await tmux.shows(/^container hull-top-live-v does not exist in \S+$/);
      });
      await t.step("q gives the terminal back", async () => {
        tmux.press("q");
        await desk.isSane(0);
        assertEquals(tmux.isOther, { screen: false, cursor: true });
      });
    });
  },
);

testWhere(
  ROOT ?? missingTmux(),
  "the terminal is as it was after every way in which top ends",
  async (t) => {
    await using hull = new Hull();
    using desk = await Desk.open(hull);
    const { tmux } = desk;
    const start = async () => {
      tmux.type(`sh -c 'echo $$ > ${desk.pidFile}; exec hull top --interval 200ms'`);
      await tmux.shows(/^no container in /);
    };
    const isSane = async (code: number) => {
      await desk.isSane(code);
      assertEquals(tmux.isOther, { screen: false, cursor: true });
    };
    for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129], ["SIGINT", 130]] as const) {
      await t.step(signal, async () => {
        await start();
        Deno.kill(desk.hullPid, signal);
        await isSane(code);
      });
    }
    await t.step("^C", async () => {
      await start();
      tmux.press("C-c");
      await isSane(130);
    });
    await t.step("the end of its rounds", async () => {
      tmux.type("hull top -n 2 --interval 50ms");
      await isSane(0);
    });
    await t.step("^Z lends it, fg takes it again", async () => {
      await start();
      tmux.press("C-z");
      await tmux.shows(/Stopped/);
      assertEquals(tmux.isOther, { screen: false, cursor: true });
      await tmux.say("stty -g | cmp - before && echo sa''ne", /^sane$/);
      tmux.type("fg");
      await tmux.shows(/^no container in /);
      tmux.press("q");
      await isSane(0);
    });
    for (const shell of ["sh", "bash"]) {
      await t.step(`kill -9, below ${shell}`, async () => {
        if (shell === "bash") {
          await tmux.say("PS1='OUT$ ' exec bash --norc; echo no bash", /^OUT\$$/);
        }
        for (let k = 0; k < 3; k++) {
          await tmux.clear();
          await start();
          const pid = desk.hullPid;
          Deno.kill(pid, "SIGKILL");
          await until(() => !tmux.isOther.screen, 20);
          // a key, since the prompt may have been on the other screen already; while nothing is echoed
          // yet, the next prompt comes behind it
          await tmux.say("", /^(OUT\$ )*OUT\$$/);
          await tmux.say(`ec''ho "ended $?"; stty -g | cmp - before && echo sa''ne`, /^sane$/);
          assertEquals(tmux.isOther, { screen: false, cursor: true });
          await until(() => !isThere(`hull-top-guard\0${pid}\0`), 20);
        }
      });
    }
  },
);

/** Whether there is a process with these words. */
function isThere(words: string): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`) === words;
    } catch {
      return false; // it has ended meanwhile
    }
  });
}
