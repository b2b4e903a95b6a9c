import { assert, assertEquals, assertInstanceOf, assertLess, assertRejects } from "@std/assert";
import type { DenoRepl } from "../../mod.ts";
import { refused, withSandbox } from "../fixtures/sandbox.ts";

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

/** What a call throws. */
async function thrownBy(call: () => Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return await assertRejects(call, Error) as Error & Record<string, unknown>;
}

Deno.test("code in a sandbox may have variables of any name, and change what is built in", async () => {
  await withSandbox("hull-sb-shadow", async ({ deno }) => {
    const answers = async (codes: readonly string[]) => {
      await using repl = await deno.repl(QUIET);
      for (const code of codes) await repl.eval(`${code}; 0`);
      assertEquals(await repl.eval("({ a: [1, 'b'] })"), { a: [1, "b"] }, codes.join());
      assertEquals(await repl.call("(it) => it", [new Date(3), 2n]), [new Date(3), 2n]);
      assertEquals((await thrownBy(() => repl.eval("null.x"))).name, "TypeError");
    };
    await answers([
      "class Map {}",
      "let JSON = 1",
      "const Error = 2",
      "let globalThis = 3",
      "let Symbol = 4",
      "const Object = 5, Array = 6",
    ]);
    await answers([
      "Array.prototype.toJSON = Object.prototype.toJSON = () => 'x'",
      "JSON.stringify = () => { throw 1 }",
      "Symbol.for = () => { throw 1 }",
      "Array.prototype.push = Array.prototype.flatMap = null",
    ]);
    const all = "Object.getOwnPropertyNames(world)";
    await answers([
      `const world = globalThis, { deleteProperty } = Reflect;
      for (const name of ${all}) deleteProperty(world, name)`,
    ]);
  });
});

Deno.test("an error that nobody catches is told, and the evaluation goes on", async () => {
  await withSandbox("hull-sb-uncaught", async ({ deno }) => {
    await using repl = await deno.repl({ ...QUIET, stderr: "piped" });
    const pause = "await new Promise((resolve) => setTimeout(resolve, 50));";
    assertEquals(
      await repl.eval(`setTimeout(() => { throw new TypeError("late") }); ${pause} 1`),
      1,
    );
    assertEquals(await repl.eval(`queueMicrotask(() => { throw 4 }); ${pause} 2`), 2);
    const emits = `import { EventEmitter } from "node:events";
      process.nextTick(() => new EventEmitter().emit("error", new Error("emitted"))); ${pause} 3`;
    assertEquals(await repl.eval(emits), 3);
    await repl.kill("SIGKILL");
    const { stderrText } = await repl.output();
    assert(
      /^Uncaught TypeError: late\n[^]*^Uncaught 4\n[^]*^Uncaught Error: emitted\n/m
        .test(stderrText ?? ""),
      stderrText ?? "",
    );
  });
});

Deno.test("what is no text, or too large, ends no evaluation but its own", async () => {
  await withSandbox("hull-sb-odd", async ({ deno }) => {
    await using repl = await deno.repl(QUIET);
    assertEquals(await repl.eval("'\ud800'"), "\ufffd");
    assertEquals(await repl.call("(text) => text.length", "\ud800"), 1);
    const large = await thrownBy(() => repl.eval("new Uint8Array(60_000_000)"));
    assertInstanceOf(large, RangeError);
    await assertRejects(
      () => repl.eval("throw new Error('x'.repeat(70_000_000))"),
      Error,
      "64 MiB",
    );
    const sparse = await repl.eval<unknown[]>("new Array(2_000_000)");
    assertEquals([sparse.length, sparse[1]], [2_000_000, undefined]);
    assertEquals(await repl.eval("import 'node:fs'"), undefined);
    assertEquals(await repl.eval("1 // the end"), 1);
    await repl.eval("[4]");
    assertEquals(await repl.eval("_.concat(5)"), [4, 5]); // as in a terminal
    assertEquals(await repl.eval("_.length"), 2);
    await repl.eval("_ = 'kept'");
    assertEquals(await repl.eval("6; _"), "kept");
  });
});

Deno.test("an error from inside keeps its class, its cause and what it holds", async () => {
  await withSandbox("hull-sb-errors", async ({ deno }) => {
    await using repl = await deno.repl(QUIET);
    const range = await thrownBy(() =>
      repl.eval("throw new RangeError('far', { cause: new TypeError('of this') })")
    );
    assertInstanceOf(range, RangeError);
    assertInstanceOf(range.cause, TypeError);
    const code = "throw Object.assign(new Error('m'), { code: 'ENOENT', retry() {}, held: [1] })";
    const { code: told, held, retry } = await thrownBy(() => repl.eval(code));
    assertEquals([told, held, retry], ["ENOENT", [1], undefined]);
    const holder = "throw Object.assign(new Error('m2'), { response: { json() {} } })";
    assertEquals((await thrownBy(() => repl.eval(holder))).message, "m2");
    const hostile = "throw new (class extends Error { get message() { throw 1 } })()";
    assertEquals(
      (await thrownBy(() => repl.eval(hostile))).message.slice(0, 15),
      "what was thrown",
    );
  });
});

Deno.test("a program that evaluates code ends with what it has started", async () => {
  await withSandbox("hull-sb-repl-end", async (sandbox) => {
    const { deno } = sandbox;
    const child = `new Deno.Command("sleep", { args: ["1000"], stdin: "null" }).spawn().pid`;
    const end = async (use: (repl: DenoRepl) => Promise<unknown>) => {
      const repl = await deno.repl({ ...QUIET, stdout: "inherit" });
      const pid = await repl.eval<number>(child);
      await use(repl);
      return pid;
    };
    const pids = [
      await end((repl) => repl.close()),
      await end((repl) => repl[Symbol.asyncDispose]()),
      await deno.eval<number>(child),
    ];
    for (const pid of pids) {
      const isThere = async () =>
        await sandbox.sh`cat /proc/${pid}/cmdline`.stderr("null").noThrow().text() !== "";
      for (let k = 0; k < 100 && await isThere(); k++) await new Promise((r) => setTimeout(r, 20));
      assertEquals(await isThere(), false);
    }
    // It ends by itself, and leaves a program that holds its output and the connection.
    await end((repl) => refused("ContainerNotRunning", () => repl.eval("Deno.exit(3)")));
  });
});

Deno.test("what a program that evaluates code logs takes no memory", async () => {
  await withSandbox("hull-sb-logs", async ({ deno }) => {
    await using repl = await deno.repl(QUIET);
    const used = async () => {
      await repl.eval("for (let k = 0; k < 30_000; k++) console.log(k)");
      return await repl.eval<number>("Deno.memoryUsage().rss");
    };
    await used();
    const before = await used();
    assertLess(await used() - before, 60_000_000); // it was 130 MB
    await using other = await deno.repl({ ...QUIET, stdout: "piped", stderr: "piped" });
    await other.eval("console.group('a'); console.log({ b: 1 }, 'c'); console.error('d')");
    await other.kill("SIGKILL");
    const { stdoutText, stderrText } = await other.output();
    assertEquals([stdoutText, stderrText], ["a\n  { b: 1 } c\n", "  d\n"]);
  });
});
