/** Starts of units by a systemd that the test plays, with cgroups of the kernel's. */

import { assertEquals } from "@std/assert";
import { SystemdManager } from "../../src/cgroups/systemd/manager.ts";
import { UNIT_EXISTS } from "../../src/cgroups/systemd/systemd_bus.ts";
import { ContainerError } from "../../src/errors.ts";
import { ERROR, type Message } from "../../src/systemd/message.ts";
import { FakeBus } from "../fixtures/fake_bus.ts";
import { host, TestCgroup } from "../fixtures/test_cgroup.ts";

const JOB = "/org/freedesktop/systemd1/job/7";
const REFUSED = "org.freedesktop.DBus.Error.LimitsExceeded";

/** What becomes of a start: it is refused with an error, or its connection is lost. */
interface Start {
  /** Whether the unit was made before. */
  readonly isMade?: boolean;
  readonly refusal?: string;
}

/** A user's systemd: a unit of the cgroup's runs, be it another's or the one that was asked for. */
class Systemd implements AsyncDisposable {
  /** What it was asked for. */
  readonly asked: string[] = [];
  readonly #group: TestCgroup;
  readonly #starts: Start[];
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-systemd-" });
  readonly #listener: Deno.UnixListener;
  readonly #serving: Promise<unknown>;
  readonly #before = Deno.env.get("XDG_RUNTIME_DIR");

  constructor(group: TestCgroup, starts: readonly Start[]) {
    this.#group = group;
    this.#starts = [...starts];
    Deno.mkdirSync(`${this.#folder}/systemd`);
    Deno.env.set("XDG_RUNTIME_DIR", this.#folder);
    this.#listener = Deno.listen({ transport: "unix", path: `${this.#folder}/systemd/private` });
    this.#serving = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    if (this.#before === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", this.#before);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #serve(): Promise<void> {
    const talks: Promise<void>[] = [];
    for await (const connection of this.#listener) talks.push(this.#talk(connection));
    await Promise.all(talks);
  }

  async #talk(connection: Deno.UnixConn): Promise<void> {
    using _connection = connection;
    const bus = new FakeBus(connection);
    await bus.letIn();
    for (let call = await bus.message(); call !== undefined; call = await bus.message()) {
      this.asked.push(call.member ?? "");
      const isStart = call.member === "StartTransientUnit";
      const { isMade = false, refusal } = isStart ? this.#starts.shift() ?? {} : {};
      if (isMade) this.#enter(call);
      if (isStart && refusal === undefined) return;
      if (refusal === undefined) await answer(bus, call);
      else await refuse(bus, call, refusal);
    }
  }

  /** Moves the process that is to hold the unit. */
  #enter({ body }: Message): void {
    const properties = body?.[2] as [string, { value: number[] }][];
    const pids = properties.find(([name]) => name === "PIDs")?.[1].value;
    const file = `${this.#group.folder("name=systemd")}/cgroup.procs`;
    Deno.writeTextFileSync(file, String(pids?.[0]));
  }
}

async function answer(bus: FakeBus, call: Message): Promise<void> {
  switch (call.member) {
    case "GetUnit":
      return await bus.answer(call, "o", ["/org/freedesktop/systemd1/unit/a"]);
    case "Get":
      return await bus.answer(call, "v", [
        call.body?.[1] === "Job"
          ? { signature: "(uo)", value: [0, "/"] }
          : { signature: "s", value: "active" },
      ]);
    case "StopUnit":
      return await refuse(bus, call, "org.freedesktop.systemd1.NoSuchUnit");
    default:
      return await bus.answer(call, "o", [JOB]);
  }
}

async function refuse(bus: FakeBus, call: Message, errorName: string): Promise<void> {
  await bus.send({ type: ERROR, serial: 4, replySerial: call.serial, errorName });
}

/** Starts a unit, and undoes that if it fails: the code it failed with. */
async function start(starts: readonly Start[]): Promise<{ code?: string; asked: string[] }> {
  await using group = new TestCgroup();
  await using systemd = new Systemd(group, starts);
  const unit = { name: `${group.id}.scope`, slice: "user.slice", whose: "user" } as const;
  const manager = new SystemdManager(group.manager, host, unit);
  const own = await manager.create(undefined, { unit: { id: group.id } });
  try {
    await manager.made();
    manager.settle();
    return { asked: systemd.asked };
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    await manager.destroy(own);
    return { code: error.code, asked: systemd.asked };
  }
}

Deno.test("a unit that was made before the connection was lost is the container's", async () => {
  const { code, asked } = await start([{ isMade: true }]);
  assertEquals([code, asked.filter((member) => member === "StartTransientUnit").length], [
    undefined,
    1,
  ]);
});

Deno.test("another's unit of that name is not taken after a lost connection, and not stopped", async () => {
  const exists = { refusal: UNIT_EXISTS };
  const { code, asked } = await start([{}, exists, exists]);
  assertEquals([code, asked.includes("StopUnit")], ["IdInUse", false]);
});

Deno.test("after a start that failed only a unit that holds what was to hold it is stopped", async () => {
  for (const isMade of [false, true]) {
    const { code, asked } = await start([{ isMade, refusal: REFUSED }]);
    assertEquals([code, asked.includes("StopUnit")], ["SystemError", isMade]);
  }
});
