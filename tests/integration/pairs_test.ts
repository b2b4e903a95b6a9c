/**
 * Two calls of a container at once: each ends as if one of them had come first. What each does alone
 * is the table; the pairs follow from it. A run tries half of the pairs in each state, each by one of the
 * three ways of making two calls; with HULL_PAIRS=N it tries all by all three, N times.
 */

import { assert } from "@std/assert";
import { type Container, Factory, type Process } from "../../mod.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { FROM_SOURCES } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { type Call, call, type Outcome } from "../fixtures/pair_calls.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { inTime } from "../fixtures/until.ts";

/** `held` is a created container that is paused. */
type State = "creating" | "created" | "held" | "running" | "paused" | "stopped" | "gone";

/** How a call ends, and what the container may be then. */
type End = readonly [outcome: Outcome, ...next: State[]];

const GONE: End = ["ContainerNotExists", "gone"];
const no = (code: string, state: State): End => [`Container${code}`, state];

/** What every call does in every state. A kill is not awaited, so it may not have come yet. */
const TABLE: Readonly<Record<Call, Readonly<Record<State, End>>>> = {
  start: {
    creating: ["ok", "created"],
    created: ["ok", "created"],
    held: no("Paused", "held"),
    running: ["ok", "running"],
    paused: no("Paused", "paused"),
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  run: {
    creating: ["ok", "running"],
    created: ["ok", "created"],
    held: no("Paused", "held"),
    running: ["ok", "running"],
    paused: no("Paused", "paused"),
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  exec: {
    creating: no("NotRunning", "creating"),
    created: ["ok", "running"],
    held: no("NotStopped", "held"),
    running: no("NotStopped", "running"),
    paused: no("NotStopped", "paused"),
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  destroy: {
    creating: ["ok", "gone"],
    created: ["ok", "gone"],
    held: no("NotStopped", "held"),
    running: no("NotStopped", "running"),
    paused: no("NotStopped", "paused"),
    stopped: ["ok", "gone"],
    gone: GONE,
  },
  force: {
    creating: ["ok", "gone"],
    created: ["ok", "gone"],
    held: ["ok", "gone"],
    running: ["ok", "gone"],
    paused: ["ok", "gone"],
    stopped: ["ok", "gone"],
    gone: GONE,
  },
  pause: {
    creating: no("NotRunning", "creating"),
    created: ["ok", "held"],
    held: ["ok", "held"],
    running: ["ok", "paused"],
    paused: ["ok", "paused"],
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  resume: {
    creating: no("NotPaused", "creating"),
    created: no("NotPaused", "created"),
    held: ["ok", "created"],
    running: no("NotPaused", "running"),
    paused: ["ok", "running"],
    stopped: no("NotPaused", "stopped"),
    gone: GONE,
  },
  set: {
    creating: no("NotRunning", "creating"),
    created: ["ok", "created"],
    held: ["ok", "held"],
    running: ["ok", "running"],
    paused: ["ok", "paused"],
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  kill: {
    creating: no("NotRunning", "creating"),
    created: ["ok", "created", "stopped"],
    held: ["ok", "held", "created", "stopped"],
    running: ["ok", "running", "stopped"],
    paused: ["ok", "paused", "running", "stopped"],
    stopped: no("NotRunning", "stopped"),
    gone: GONE,
  },
  stats: {
    creating: no("NotRunning", "creating"),
    created: ["ok", "created"],
    held: ["ok", "held"],
    running: ["ok", "running"],
    paused: ["ok", "paused"],
    stopped: ["ok", "stopped"],
    gone: GONE,
  },
  state: {
    creating: ["ok", "creating"],
    created: ["ok", "created"],
    held: ["ok", "held"],
    running: ["ok", "running"],
    paused: ["ok", "paused"],
    stopped: ["ok", "stopped"],
    gone: GONE,
  },
};

const CALLS = Object.keys(TABLE) as Call[];
const BEGINNINGS = ["creating", "created", "running", "paused"] as const;

/**
 * What ends a container waits for nobody who joins, signals or measures it: that ends in the middle,
 * when the first process has ended, or is frozen to be killed.
 */
const CUT_SHORT: ReadonlySet<string> = new Set([
  "InitFailed",
  "ContainerNotRunning",
  "ContainerPaused",
]);

function isAllowed(state: State, calls: readonly [Call, Call], seen: readonly Outcome[]): boolean {
  const [one, other] = calls;
  const [ofOne = "", ofOther = ""] = seen;
  if (inOrder(state, one, ofOne, other, ofOther) || inOrder(state, other, ofOther, one, ofOne)) {
    return true;
  }
  return [[one, ofOne, other, ofOther], [other, ofOther, one, ofOne]].some(
    ([begun = "", ofBegun = "", ending = "", ofEnding]) => {
      if (ofEnding !== "ok") return false;
      // Force lets a paused container go on so that it dies: who joins in that moment dies with it.
      if (state === "paused" && ending === "force" && /^(start|run)$/.test(begun)) {
        return ofBegun === "ok" || CUT_SHORT.has(ofBegun);
      }
      return /^(start|run|exec|kill|stats)$/.test(begun) && CUT_SHORT.has(ofBegun) &&
        /^(kill|force|destroy)$/.test(ending);
    },
  );
}

function inOrder(state: State, first: Call, its: Outcome, then: Call, thens: Outcome): boolean {
  const [outcome, ...next] = TABLE[first][state];
  return outcome === its && next.some((after) => TABLE[then][after][0] === thens);
}

/** Another program, which makes calls too. */
class Other implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #read = "";

  constructor(root: string) {
    const program = fromFileUrl(new URL("../fixtures/pair_calls.ts", import.meta.url));
    const [command, ...words] = FROM_SOURCES;
    this.#child = new Deno.Command(command, {
      args: [...words, program, root],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Begins a call, which is being made when this returns. */
  async begin(id: string, name: Call): Promise<() => Promise<Outcome>> {
    await this.#writer.write(new TextEncoder().encode(`${id} ${name}\n`));
    await this.#line();
    return () => this.#line();
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#read.indexOf("\n");
      if (end >= 0) {
        const line = this.#read.slice(0, end);
        this.#read = this.#read.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the other program ended");
      this.#read += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}

async function begin(factory: Factory, id: string, state: State, processes: Process[]) {
  const container = await factory.create(id);
  if (state !== "creating") await call(container, "start", processes);
  if (state === "running" || state === "paused") await container.release();
  if (state === "paused") await container.pause();
  return container;
}

async function clear(container: Container, processes: Process[]): Promise<void> {
  await container[Symbol.asyncDispose]();
  await Promise.all(processes.map((process) => process.wait()));
}

const WAYS = ["one object", "two objects", "two programs"] as const;
const ROUNDS = Number(Deno.env.get("HULL_PAIRS") ?? "0");

/** Every state with every pair of calls; if they are shared out, each way has a sixth of them, one run this, the next that. */
function racesOf(way: number): readonly (readonly [State, Call, Call])[] {
  const all = BEGINNINGS.flatMap((state) =>
    CALLS.flatMap((one, k) => CALLS.slice(k).map((two) => [state, one, two] as const))
  );
  if (ROUNDS > 0) return Array.from({ length: ROUNDS }, () => all).flat();
  return all.filter((_, k) => k % (2 * WAYS.length) === 2 * way + Deno.pid % 2);
}

for (const [way, where] of WAYS.entries()) {
  Deno.test(`two calls at once end as in one order or the other: ${where}`, async () => {
    await leavesNothing(`hull-pair-${Deno.pid}`, async () => {
      await using scratch = rootFolder();
      const [factory, second] = [0, 1].map(() =>
        new Factory({ ...DRIVER, root: scratch.path })
      ) as [
        Factory,
        Factory,
      ];
      await using other = where === "two programs" ? new Other(scratch.path) : undefined;
      const wrong: string[] = [];
      let count = 0;
      for (const [state, one, two] of racesOf(way)) {
        const id = `hull-pair-${Deno.pid}-${count++}`;
        const processes: Process[] = [];
        const container = await begin(factory, id, state, processes);
        const isSwapped = count % 2 === 0;
        const [here, there] = isSwapped ? [two, one] : [one, two];
        const begun = other === undefined
          ? () => call(where === "one object" ? container : second.load(id), there, processes)
          : await other.begin(id, there);
        const both = Promise.all([call(container, here, processes), begun()]);
        const seen = await inTime(`${state}: ${here}, ${there}`, both);
        if (!isAllowed(state, [here, there], seen)) {
          wrong.push(`${state}: ${here} ${seen[0]}, ${there} ${seen[1]}`);
        }
        await clear(container, processes);
      }
      assert(wrong.length === 0, `no order of the two explains:\n${wrong.join("\n")}`);
      assert([...Deno.readDirSync(scratch.path)].length === 0, "a folder is left");
    });
  });
}
