import { assertEquals } from "@std/assert";
import { programImage } from "../../../../../ffi/program/program_image.ts";
import { starterProgram } from "../../../../../src/shim/keeper/starter_program.ts";
import { startProgram } from "../../../../../src/process/memory_program.ts";
import { Ended } from "../../../../../src/shim/task/ended.ts";
import { until } from "../../../../fixtures/until.ts";

/** A starter, of a shell that starts a process in the background and waits to be killed. */
class Bench implements Disposable {
  readonly ended: Ended;
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  readonly #starter: number;

  constructor(isFull: boolean) {
    if (isFull) Deno.symlinkSync("/dev/full", this.#path("ended"));
    const served = `echo $$ >>${this.#path("servers")}; [ -e ${this.#path("orphan")} ] || {
      sh -c 'while [ ! -e ${this.#path("go")} ]; do sleep 0.02; done; exit 7' &
      echo $! >${this.#path("orphan")}; }
      exec sleep 60`;
    const image = programImage(starterProgram({
      path: "/bin/sh",
      args: ["sh", "-c", served],
      env: ["PATH=/usr/bin:/bin"],
      log: this.#path("log"),
      ended: this.#path("ended"),
      lock: this.#path("lock"),
    }));
    const words = ["hull-test-starter", this.#folder] as const;
    this.#starter = startProgram(image, { words, inherited: [], who: "a starter" });
    this.ended = new Ended(this.#path("ended"));
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  #numbers(name: string): number[] {
    try {
      return Deno.readTextFileSync(this.#path(name)).trim().split("\n").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  /** Kills what serves; gives the number of the process that the starter adopts. */
  async kill(): Promise<number> {
    await until(() => this.#numbers("orphan").length === 1);
    Deno.kill(this.#numbers("servers").at(-1) as number, "SIGKILL");
    await until(() => this.#numbers("servers").length === 2);
    return this.#numbers("orphan")[0] as number;
  }

  /** Lets that process end. */
  letEnd(): void {
    Deno.writeTextFileSync(this.#path("go"), "");
  }

  /** Makes room for what is written. */
  makeRoom(): void {
    Deno.removeSync(this.#path("ended"));
  }

  [Symbol.dispose](): void {
    for (const pid of [this.#starter, ...this.#numbers("servers")]) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // it was killed before
      }
    }
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function stateOf(pid: number): string {
  try {
    return /\) (\w)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))?.[1] as string;
  } catch {
    return "gone";
  }
}

Deno.test("the starter writes how those end that it adopts, and takes their statuses", async () => {
  using bench = new Bench(false);
  const orphan = await bench.kill();
  bench.letEnd();
  await until(() => bench.ended.codeOf(orphan) === 7);
  await until(() => stateOf(orphan) === "gone");
});

Deno.test("without room for how a process ended it stays as it is, and what serves is started", async () => {
  using bench = new Bench(true);
  const orphan = await bench.kill();
  bench.letEnd();
  await until(() => stateOf(orphan) === "Z");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(stateOf(orphan), "Z");
  bench.makeRoom();
  await until(() => bench.ended.codeOf(orphan) === 7);
  await until(() => stateOf(orphan) === "gone");
});
