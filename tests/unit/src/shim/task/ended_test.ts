import { assertEquals } from "@std/assert";
import { encodeEnd, SIGINFO_SIZE } from "../../../../../ffi/processes/process.ts";
import { Ended } from "../../../../../src/shim/task/ended.ts";

/** The file of a starter that writes how processes end. */
class Bench implements Disposable {
  readonly ended: Ended;
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-test-" });

  constructor() {
    this.ended = new Ended(this.#path);
  }

  get #path(): string {
    return `${this.#folder}/ended`;
  }

  /** How many ends are in it. */
  get count(): number {
    return Deno.statSync(this.#path).size / SIGINFO_SIZE;
  }

  write(pid: number, code: number): void {
    const bytes = encodeEnd(pid, { code, signal: undefined });
    Deno.writeFileSync(this.#path, bytes, { append: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test("how a process ended is not what is said of one that had its number before", () => {
  using bench = new Bench();
  const { ended } = bench;
  using _other = ended.await();
  ended.forget(7); // there is no file yet
  bench.write(7, 3);
  bench.write(8, 4);
  assertEquals([7, 8, 9].map((pid) => ended.codeOf(pid)), [3, 4, undefined]);
  ended.forget(7);
  ended.forget(9);
  assertEquals([7, 8, 9].map((pid) => ended.codeOf(pid)), [undefined, 4, undefined]);
  bench.write(7, 0);
  assertEquals(ended.codeOf(7), 0);
  assertEquals(bench.count, 4);
});

Deno.test("ends that nobody waits for are not kept for ever", () => {
  using bench = new Bench();
  const { ended } = bench;
  assertEquals(ended.tidy(), true);
  bench.write(7, 3);
  {
    using _one = ended.await();
    using _another = ended.await();
    assertEquals(ended.tidy(), false);
    assertEquals(ended.codeOf(7), 3);
  }
  ended.forget(8);
  assertEquals(bench.count, 0);
  bench.write(7, 3);
  assertEquals(ended.tidy(), true);
  assertEquals(bench.count, 0);
});
