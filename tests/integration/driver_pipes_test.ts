import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError, type ExecDriver, type Pipes } from "../../mod.ts";
import { run } from "../fixtures/bundle.ts";
import { until } from "../fixtures/until.ts";
import { type Bytes, called, sh, textSink, withDriver } from "../fixtures/driver.ts";

/** A stream that gives a chunk, and then fails in a way. */
function failingSource(how: "errors" | "throws" | "yields text"): ReadableStream<Bytes> {
  let pulls = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode("half\n"));
      if (how === "yields text") return controller.enqueue("text" as unknown as Bytes);
      if (how === "throws") throw new Error("the source is broken");
      controller.error(new Error("the source is broken"));
    },
  });
}

/** A sink that fails in a way. */
function failingSink(how: "throws" | "errors" | "rejects its close"): WritableStream<Bytes> {
  const broken = new Error("the disk is full");
  return new WritableStream<Bytes>({
    start: (controller) => how === "errors" ? controller.error(broken) : undefined,
    write: () => how === "throws" ? Promise.reject(broken) : undefined,
    close: () => how === "rejects its close" ? Promise.reject(broken) : undefined,
  });
}

Deno.test("100 MB through the pipes to a slow reader, byte for byte, in little memory", async () => {
  await withDriver("hull-ed-slow", async (driver, id, folder) => {
    const size = 100 << 20;
    const file = `${folder}/data`;
    run("sh", "-c", `head -c ${size} /dev/urandom > ${file}`);
    const sum = run("md5sum", file).slice(0, 32);
    const md5 = new Deno.Command("md5sum", { stdin: "piped", stdout: "piped" }).spawn();
    const writer = md5.stdin.getWriter();
    const before = Deno.memoryUsage().rss;
    let most = 0;
    let count = 0;
    const slow = new WritableStream<Bytes>({
      async write(chunk) {
        if (count++ % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        await writer.write(chunk);
        if (count % 50 === 0) most = Math.max(most, Deno.memoryUsage().rss - before);
      },
      close: () => writer.close(),
    });
    using input = await Deno.open(file);
    const stdin = input.readable;
    const { code } = await driver.run({ id, args: ["cat"] }, { stdin, stdout: slow });
    const { stdout } = await md5.output();
    assertEquals([code, new TextDecoder().decode(stdout).slice(0, 32)], [0, sum]);
    assert(most < 64 << 20, `the program grew by ${most >> 20} MiB`);
  });
});

Deno.test("a program stops writing while its reader is busy", async () => {
  await withDriver("hull-ed-stops", async (driver, id) => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    let bytes = 0;
    const stdout = new WritableStream<Bytes>({
      async write(chunk) {
        await go;
        bytes += chunk.length;
      },
    });
    const script = "head -c 10000000 /dev/zero; touch /tmp/done; sleep 0.1";
    const started = called();
    const running = driver.run({ id, args: sh(script) }, { stdout }, started.callback);
    const root = `/proc/${await started.pid}/root`;
    await new Promise((resolve) => setTimeout(resolve, 500));
    assertEquals(await Deno.stat(`${root}/tmp/done`).catch(() => "not yet"), "not yet");
    resolve();
    assertEquals([(await running).code, bytes], [0, 10_000_000]);
  });
});

Deno.test("a reader that goes away is a broken pipe to the program, and no failure of the run", async () => {
  await withDriver("hull-ed-gone", async (driver, id) => {
    const { readable, writable } = new TransformStream<Bytes>();
    const reader = readable.getReader();
    const read = reader.read().then(() => reader.cancel());
    const script = "cat /dev/zero; exit $?";
    const broken = await driver.run({ id, args: sh(script) }, { stdout: writable });
    assertEquals(broken.code, 128 + 13); // SIGPIPE
    await read;
    // So is one who closes the pipe that a program reads.
    const { sink, text } = textSink();
    const endless = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    });
    const args = sh("head -c 5000 | wc -c");
    const { code } = await driver.run({ id, args }, { stdin: endless, stdout: sink });
    assertEquals([code, await text], [0, "5000\n"]);
    // One that never gives anything more does not keep the run from ending.
    let cancelled = false;
    const silent = new ReadableStream<Bytes>({ cancel: () => void (cancelled = true) });
    await driver.run({ id, args: ["true"] }, { stdin: silent });
    assert(cancelled);
  });
});

Deno.test("a stdin that fails ends the program before it takes half an input for all of it", async () => {
  await withDriver("hull-ed-source", async (driver, id, folder) => {
    const took = `${folder}/took`;
    // Who reads to the end of its input says so; the group has it once the shell has died.
    const args = sh("cat > /dev/null && echo took it all");
    const attempts = async (attempt: (stdin: ReadableStream<Bytes>) => Promise<unknown>) => {
      for (const how of ["errors", "throws", "yields text"] as const) {
        const error = await assertRejects(() => attempt(failingSource(how)), Error);
        assertEquals(error.name, how === "yields text" ? "TypeError" : "Error");
        assertStringIncludes(error.message, how === "yields text" ? "string" : "broken");
      }
    };
    await attempts((stdin) => driver.run({ id, args }, { stdin, stdout: { file: took } }));
    assertEquals([driver.factory.ids(), Deno.readTextFileSync(took)], [[], ""]);
    // A further program ends with what it has started.
    const { callback, pid } = called();
    const running = driver.run({ id, args: ["sleep", "600"] }, {}, callback);
    await pid;
    await attempts((stdin) => driver.exec(id, { args }, { stdin, stdout: { file: took } }));
    await until(() => driver.pids(id).length === 1); // what was killed may still be ending
    assertEquals(Deno.readTextFileSync(took), "");
    await driver.terminate(id);
    await running;
  });
});

Deno.test("a run does not wait for a stdin that takes no end", async () => {
  await withDriver("hull-ed-stays", async (driver, id) => {
    const never = () => new Promise<void>(() => {});
    const stdin = new ReadableStream<Bytes>({ pull: never, cancel: never });
    assertEquals((await driver.run({ id, args: sh("exit 3") }, { stdin })).code, 3);
  });
});

Deno.test("a sink that fails ends the program, and is what the call rejects with", async () => {
  await withDriver("hull-ed-sink", async (driver, id) => {
    const attempts = async (
      attempt: (pipes: Pipes, args: readonly string[]) => Promise<unknown>,
    ) => {
      for (const how of ["throws", "errors", "rejects its close"] as const) {
        const args = sh(`echo a; echo b >&2; ${how === "rejects its close" ? ":" : "sleep 600"}`);
        for (const name of ["stdout", "stderr"]) {
          const failing = () => attempt({ [name]: failingSink(how) }, args);
          await assertRejects(failing, Error, "the disk is full");
        }
      }
    };
    await attempts((pipes, args) => driver.run({ id, args }, pipes));
    assertEquals(driver.factory.ids(), []);
    const { callback, pid } = called();
    const running = driver.run({ id, args: ["sleep", "600"] }, {}, callback);
    await pid;
    await attempts((pipes, args) => driver.exec(id, { args }, pipes));
    await driver.terminate(id);
    await running;
  });
});

Deno.test("what is no pipe is refused before anything is made", async () => {
  await withDriver("hull-ed-nopipe", async (driver, id, folder) => {
    run("mkfifo", `${folder}/fifo`);
    const refused: readonly (readonly [unknown, string])[] = [
      [{ stdin: new Blob(["text"]) }, "ConfigInvalid"],
      [{ stdin: "text" }, "ConfigInvalid"],
      [{ stdin: () => {} }, "ConfigInvalid"],
      [{ stdin: new WritableStream() }, "ConfigInvalid"],
      [{ stdout: new ReadableStream() }, "ConfigInvalid"],
      [{ stderr: -1 }, "ConfigInvalid"],
      [{ stdin: { file: `${folder}/fifo` } }, "SystemError"],
      [{ stdout: { file: `${folder}/fifo` } }, "SystemError"],
      [{ stdin: { file: folder } }, "SystemError"],
    ];
    for (const [pipes, code] of refused) {
      const error = await assertRejects(() => driver.run({ id }, pipes as Pipes), ContainerError);
      assertEquals(error.code, code);
    }
  });
});

Deno.test("what fails before the start tells the other ends of the pipes, and leaves nothing", async () => {
  await withDriver("hull-ed-fails", async (driver, id, folder) => {
    const failing = async (code: string, command: Parameters<ExecDriver["run"]>[0]) => {
      let reason: unknown;
      const stdout = new WritableStream<Bytes>({ abort: (error) => void (reason = error) });
      let cancelled: unknown;
      const stdin = new ReadableStream<Bytes>({ cancel: (error) => void (cancelled = error) });
      const stderr = { file: `${folder}/stderr` };
      const error = await assertRejects(
        () => driver.run(command, { stdin, stdout, stderr }),
        ContainerError,
      );
      assertEquals([error.code, reason, cancelled], [code, error, error]);
    };
    await failing("InvalidIdFormat", { id: "a/b" });
    await failing("ConfigInvalid", { id, config: { ociVersion: "none" } });
    await failing("InitFailed", { id, args: ["/no/such/program"] });
    await failing("ConfigInvalid", { id, user: "nobody-here" });
    const running = driver.run({ id, args: ["sleep", "600"] });
    await until(() => driver.factory.list().some(({ status }) => status === "running"));
    await failing("IdInUse", { id });
    await assertRejects(() => driver.clean(id), ContainerError); // it is a run as before
    await driver.terminate(id);
    await running;
    const missing = await assertRejects(
      () => driver.run({ id }, { stdin: { file: `${folder}/none` } }),
      ContainerError,
    );
    assertEquals([missing.errno, missing.path], ["ENOENT", `${folder}/none`]);
    const { sink } = textSink();
    const twice = await assertRejects(
      () => driver.run({ id }, { stdout: sink, stderr: sink }),
      ContainerError,
    );
    assertEquals(twice.code, "ConfigInvalid");
  });
});

Deno.test("pipes to files and fds, and a terminal", async () => {
  await withDriver("hull-ed-files", async (driver, id, folder) => {
    const file = `${folder}/out`;
    Deno.writeTextFileSync(`${folder}/in`, "from a file\n");
    using stderr = await Deno.open(`${folder}/err`, { write: true, create: true });
    const { openFd } = await import("../fixtures/fds.ts");
    using err = openFd(`${folder}/err`, "w");
    for (const word of ["one", "two"]) {
      await driver.run({ id, args: sh(`cat; echo ${word}; echo problem >&2`) }, {
        stdin: { file: `${folder}/in` },
        stdout: { file },
        stderr: err.number,
      });
    }
    assertEquals(Deno.readTextFileSync(file), "from a file\none\nfrom a file\ntwo\n");
    assertEquals(Deno.readTextFileSync(`${folder}/err`), "problem\nproblem\n");
    assertEquals(((await stderr.stat()).mode ?? 0) & 0o077, 0o044);
    assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);

    const { sink, text } = textSink();
    const consoleSize = { width: 77, height: 33 };
    const { code } = await driver.run(
      {
        id,
        args: sh("read line; stty size; echo [$line]; test -t 1"),
        terminal: true,
        consoleSize,
      },
      { stdin: new Blob(["typed\n"]).stream(), stdout: sink },
    );
    assertEquals(code, 0);
    assertEquals((await text).replaceAll("\r", "").split("\n").slice(0, 3), [
      "typed",
      "33 77",
      "[typed]",
    ]);
    // A terminal that nobody reads keeps the program from nothing.
    const args = sh("head -c 300000 /dev/zero; test -t 0");
    assertEquals((await driver.run({ id, args, terminal: true })).code, 0);
    const refused = await assertRejects(
      () => driver.run({ id, terminal: true }, { stdout: { file } }),
      ContainerError,
    );
    assertEquals(refused.code, "ConfigInvalid");
  });
});
