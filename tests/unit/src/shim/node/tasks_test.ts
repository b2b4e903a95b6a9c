import { assertEquals, assertRejects } from "@std/assert";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { Places } from "../../../../../src/shim/host/places.ts";
import { Publisher } from "../../../../../src/shim/host/publisher.ts";
import { Tasks } from "../../../../../src/shim/node/tasks.ts";
import { Ended } from "../../../../../src/shim/task/ended.ts";
import { Records, type TaskRecord } from "../../../../../src/shim/task/record.ts";
import { StatusError } from "../../../../../src/ttrpc/messages.ts";

/** The tasks of a program that was killed, as another one finds them. */
class Bench implements Disposable {
  readonly client = { namespace: "n", address: "a", ttrpcAddress: "" };
  readonly places = new Places(Deno.makeTempDirSync({ prefix: "hull-test-" }));
  readonly records = new Records(this.places);
  readonly #poller = new Poller();

  constructor() {
    this.places.make();
  }

  tasks(): Tasks {
    const { client, places } = this;
    const poller = this.#poller;
    const fail = (error: unknown) => {
      throw error;
    };
    const publisher = new Publisher("", `${places.events}/e`, poller, fail);
    return new Tasks(client, publisher, {
      places,
      poller,
      ended: new Ended(places.ended),
      freeSocket: () => `${places.sockets}/t`,
      keep: () => ({ [Symbol.dispose]: () => {} }),
      warn: fail,
    });
  }

  /** What is kept of a task that has ended. */
  record(id: string): TaskRecord {
    return {
      id,
      bundle: `${this.places.folder}/${id}`,
      client: this.client,
      root: this.places.state("n"),
      isSystemd: false,
      streams: { terminal: false, stdin: "", stdout: "", stderr: "" },
      owner: { uid: 0, gid: 0 },
      pid: 4711,
      isStarted: true,
      exit: { status: 3, atMs: 1_700_000_000_000 },
    };
  }

  [Symbol.dispose](): void {
    this.#poller[Symbol.dispose]();
    Deno.removeSync(this.places.root, { recursive: true });
  }
}

/** The timers that forget it in the end outlive these tests. */
const test = (name: string, act: () => Promise<void>) =>
  Deno.test({ name, fn: act, sanitizeOps: false, sanitizeResources: false });

test("a deletion that a killed program had done, and not answered, tells how it ended", async () => {
  using bench = new Bench();
  const record = bench.record("c1");
  bench.records.write(record);
  const { exit, pid } = record;
  const first = bench.tasks();
  for (const kept of bench.records.all()) first.restore(kept, new Map()); // its container is gone
  await assertRejects(() => first.delete("c1", false), StatusError, "not found");
  assertEquals(await first.delete("c1", true), { exit, pid });
  assertEquals(bench.records.all(), []);
  const second = bench.tasks(); // the first one is killed as well
  for (const kept of bench.records.buried()) second.remember(kept);
  assertEquals(await second.delete("c1", true), { exit, pid });
  assertEquals(await second.cleanUp("c1", ""), { exit, pid });
  bench.records.forget("n", "c1");
  assertEquals(bench.records.buried(), []);
});
