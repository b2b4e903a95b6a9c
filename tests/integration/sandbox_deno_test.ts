import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { refused, withSandbox } from "../fixtures/sandbox.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

Deno.test("Deno in a sandbox evaluates code and remembers what it has evaluated", async () => {
  await withSandbox("hull-sb-repl", async ({ deno, fs }) => {
    await using repl = await deno.repl({
      stdout: "null",
      stderr: "null",
      scriptArgs: ["an argument"],
    });
    await repl.eval("const x: number = 40; let y = 1; console.log('not an answer')");
    assertEquals(await repl.eval("y++; x + y"), 42);
    assertEquals(await repl.eval("await Promise.resolve(Deno.args[0])"), "an argument");
    assertEquals(await repl.eval("import { join } from 'node:path'; join('a', 'b')"), "a/b");
    assertEquals(await repl.eval("{ of: 'an object' }"), { of: "an object" });
    assertEquals(
      await repl.eval("new Map([[1, new Set([new Date(5), 7n, undefined])]])"),
      new Map([[1, new Set([new Date(5), 7n, undefined])]]),
    );
    await repl.eval("function add(a: number, b: number) { return a + b; }");
    assertEquals(await repl.call("add", 1, 2), 3);
    assertEquals(
      await repl.call("async (map) => { await 0; return map.get('k') }", new Map([["k", -0]])),
      -0,
    );
    const thrown = await assertRejects(() => repl.eval("throw new RangeError('too far')"), Error);
    assertEquals([thrown.name, thrown.message], ["RangeError", "too far"]);
    await assertRejects(() => repl.eval("no code"), Error, "Expected ';'");
    await assertRejects(() => repl.eval("() => 1"), Error, "a function can't be passed on");
    assertEquals(await repl.eval("y"), 2); // it has gone on
    await repl.eval("let _ = 'shadow'; var _error = 4; undefined");
    assertEquals(await repl.eval("Promise.resolve(new Date(5))"), new Date(5));
    await assertRejects(() => repl.eval("Promise.reject(new Error('late'))"), Error, "late");
    for (let k = 0; k < 20; k++) { // garbage is collected meanwhile
      assertEquals(await repl.eval(`await 0; "x".repeat(4_000_000).length + ${k}`), 4_000_000 + k);
    }
    assertEquals(((await repl.eval("'y'.repeat(5_000_000)")) as string).length, 5_000_000);
    await repl.eval("void Promise.reject(new Error('nobody heeds it')); await 0");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(await repl.eval("y"), 2);
    await refused("ContainerNotRunning", () => repl.eval("Deno.exit(3)"));
    assertEquals((await repl.status).code, 3);
    await using other = await deno.repl({ stdout: "null", stderr: "null" });
    const ends = "import { exit } from 'node:process'; Deno.exitCode = 4; exit();";
    await refused("ContainerNotRunning", () => other.eval(ends));
    assertEquals((await other.status).code, 4);
    await using stuck = await deno.repl({ stdout: "null", stderr: "null" });
    const waiting = stuck.eval("await new Promise(() => {})");
    const later = stuck.eval("1");
    for (const one of [waiting, later]) one.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stuck.close();
    for (const one of [waiting, later]) await refused("ContainerNotRunning", () => one);
    const names: string[] = [];
    for await (const { name } of fs.readDir("/tmp")) names.push(name);
    assertEquals(names, []);
  });
});

testWhere(
  ROOT,
  "a Deno program in a sandbox serves requests of this program and of others",
  async () => {
    await withSandbox("hull-sb-serve", async (sandbox) => {
      await sandbox.fs.writeTextFile("greeting.ts", "export const greeting: string = 'hello';");
      const code = `
      import { greeting } from "./greeting.ts";
      Deno.serve({ port: 8123, onListen() {} }, async (request) => {
        const { pathname } = new URL(request.url);
        return new Response(greeting + pathname + await request.text(), { status: 201 });
      });`;
      const server = await sandbox.deno.run({
        code,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      });
      assertEquals(await server.httpReady, true);
      const first = await server.fetch("https://any.example/a", { method: "POST", body: "!" });
      assertEquals([first.status, await first.text()], [201, "hello/a!"]);
      const body = "x".repeat(300_000);
      const second = await sandbox.fetch("http://localhost:8123/b", { method: "POST", body });
      assertEquals(await second.text(), `hello/b${body}`);
      const url = await sandbox.exposeHttp({ pid: server.pid });
      assertEquals(await sandbox.exposeHttp({ port: 8123 }), url);
      assertEquals(url, sandbox.url);
      const third = await fetch(`${url}/c`);
      assertEquals(await third.text(), "hello/c");
      await assertRejects(() => sandbox.fetch("http://localhost:8124/"), TypeError);
      for (const wrong of ["http://example.com/", "https://localhost:8123/"]) {
        await refused("Unsupported", () => sandbox.fetch(wrong));
      }
      const idle = await sandbox.deno.run({ code: "1", stdin: "null", stdout: "null" });
      assertEquals(await idle.httpReady, false);
      await refused("ContainerNotRunning", () => idle.fetch("http://localhost/"));
      await refused("ContainerNotRunning", () => sandbox.exposeHttp({ pid: idle.pid }));
      await sandbox.kill();
      await assertRejects(() => fetch(url), TypeError);
    }, { port: 8123 });
  },
);

Deno.test("a Deno program in a sandbox is run from a file, with arguments", async () => {
  await withSandbox("hull-sb-run", async ({ deno, fs, sh }) => {
    await fs.mkdir("app");
    await fs.writeTextFile(
      "app/main.ts",
      "console.log(Deno.args.join(), Deno.cwd()); Deno.exit(4)",
    );
    const program = await deno.run({
      entrypoint: "main.ts",
      cwd: "app",
      scriptArgs: ["a", "b"],
      stdin: "null",
    });
    const { status, stdoutText } = await program.output();
    assertEquals([status.code, stdoutText], [4, "a,b /home/app/app\n"]);
    const code = "export const page = <p>text</p>; console.log(typeof page)";
    const jsx = await deno.run({
      code: `/** @jsx h */ const h = () => 1; ${code}`,
      extension: "tsx",
      stdin: "null",
    });
    assertEquals((await jsx.output()).stdoutText, "number\n");
    assert((await sh`deno --version`.text()).startsWith("deno "));
    assertEquals(await sh`ls -A . app`.text(), ".:\n.cache\napp\n\napp:\nmain.ts\n");
  });
});

/** Code that writes to the connection itself, by libc: /proc/self/fd opens no socket. */
function writeToFd3(bytes: readonly number[], times: number): string {
  return `
    const { symbols } = Deno.dlopen(null, {
      write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    });
    const bytes = new Uint8Array(${JSON.stringify(bytes)});
    for (let k = 0; k < ${times}; k++) symbols.write(3, bytes, BigInt(bytes.length));
    await new Promise(() => {});`;
}

Deno.test("what is said in place of an answer keeps this program neither busy nor waiting", async () => {
  await withSandbox("hull-sb-garbage", async ({ deno }) => {
    const begin = performance.now();
    const answer = '{"type":"RunSuccess","output":"[[]]"}';
    const header = (size: number) => [...new Uint8Array(new Uint32Array([size]).buffer)];
    const message = (text: string) => [
      ...header(text.length),
      ...new TextEncoder().encode(text),
    ];
    const longest = header(64 << 20);
    for (
      const [bytes, times] of [
        [header(2 ** 32 - 1), 1],
        [longest, 1 << 16], // the first tells the length of all others
        [header(0), 1],
        [message("null"), 1],
        [message("no JSON"), 1],
        [message(answer), 10_000],
      ] as const
    ) {
      await using repl = await deno.repl({ stdout: "null", stderr: "null" });
      const asked = repl.eval(writeToFd3(bytes, times));
      if (bytes === longest) {
        asked.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 500));
        await repl.close(); // the rest of the message never comes
      }
      await assertRejects(() => asked, Error);
    }
    assertLess(performance.now() - begin, 30_000);
  });
});

testWhere(
  ROOT,
  "what a request takes lies with the sandbox's state, and ends with it",
  async () => {
    await withSandbox("hull-sb-doors", async (sandbox, factory) => {
      const temporary = () => [...Deno.readDirSync("/tmp")].map(({ name }) => name).sort();
      const before = temporary().filter((name) => name.startsWith("hull-sandbox-"));
      await assertRejects(() => sandbox.fetch("http://localhost:80/"), TypeError);
      const after = temporary().filter((name) => name.startsWith("hull-sandbox-"));
      assertEquals(after, before);
      for (const port of [0, -1, 65536, 1.5]) {
        await refused("ConfigInvalid", () => sandbox.exposeHttp({ port }));
      }
      await sandbox.exposeHttp({ port: 80 });
      await sandbox.kill();
      await refused("ContainerNotRunning", () => sandbox.fetch("http://localhost:80/"));
      await refused("ContainerNotRunning", () => sandbox.exposeHttp({ port: 80 }));
      await refused("ContainerNotRunning", () => sandbox.env.set("A", "1"));
      assertEquals(factory.ids(), []);
    });
  },
);

Deno.test("a request to a program that never serves can be given up", async () => {
  await withSandbox("hull-sb-no-server", async ({ deno, fs }) => {
    await fs.mkdir("a folder");
    await using program = await deno.run({
      code: "setInterval(() => {}, 60_000)",
      cwd: new URL("file:///home/app/a%20folder"),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const signal = AbortSignal.timeout(100);
    const error = await assertRejects(() => program.fetch("http://localhost/", { signal }));
    assertEquals((error as Error).name, "TimeoutError");
  });
});

testWhere(
  ROOT,
  "a request that is sent on stays in the sandbox, and finds the right server",
  async () => {
    await withSandbox("hull-sb-redirect", async (sandbox) => {
      const code = `
      const to = (url, status = 302) => new Response(null, { status, headers: { location: url } });
      Deno.serve({ port: 8001, onListen() {} }, (request) => {
        switch (new URL(request.url).pathname) {
          case "/other": return to("http://localhost:8002/there", 303);
          case "/kept": return to("http://127.0.0.1:8002/there", 307);
          case "/out": return to("http://example.com/");
          case "/loop": return to("/loop");
          default: return new Response("the first");
        }
      });
      Deno.serve({ port: 8002, onListen() {} }, async (request) =>
        new Response(String([request.method, request.headers.get("authorization"), await request.text()])));`;
      const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
      const server = await sandbox.deno.run({ code, ...quiet });
      assert(await server.httpReady);
      const post = { method: "POST", body: "text", headers: { authorization: "secret" } };
      const asked = async (path: string, init = {}) =>
        await (await sandbox.fetch(`http://localhost:8001${path}`, { ...post, ...init })).text();
      assertEquals(await asked("/"), "the first");
      assertEquals(await asked("/other"), "GET,,");
      assertEquals(await asked("/kept"), "POST,,text");
      assertEquals(await asked("/out", { redirect: "manual" }), "");
      await refused("Unsupported", () => asked("/out"));
      await assertRejects(() => asked("/loop"), TypeError, "more than 20 times");
      await assertRejects(() => asked("/kept", { body: new Blob(["x"]).stream() }), TypeError);
    });
  },
);
