import { assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError, ExecDriver, Factory } from "../../mod.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { until } from "../fixtures/until.ts";

const DAEMON = fromFileUrl(new URL("../fixtures/driver_daemon.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** A daemon's folder with its root folder and notes. */
interface Books extends AsyncDisposable {
  readonly path: string;
  readonly root: string;
  readonly notes: string;
}

function startDaemon({ root, notes }: Books, ...args: string[]): Deno.ChildProcess {
  const words = ["run", "--quiet", "-A", "--no-lock", "--config", CONFIG, DAEMON];
  return new Deno.Command(Deno.execPath(), {
    args: [...words, root, notes, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function killDaemon(daemon: Deno.ChildProcess): Promise<void> {
  daemon.kill("SIGKILL");
  await daemon.status;
}

/** The lines of a daemon's notes that begin with a word, without it, sorted. */
function notesOf({ notes }: Books, word: string): string[] {
  return Deno.readTextFileSync(notes).split("\n")
    .filter((line) => line.startsWith(`${word} `) || line === word)
    .map((line) => line.slice(word.length + 1))
    .sort();
}

/** They go with their scope, and the containers with them. */
function openBooks(): Books {
  const folder = scratchFolder();
  const { path } = folder;
  const root = rootFolder(`${path}/root`);
  const notes = `${path}/notes`;
  Deno.writeTextFileSync(notes, "");
  const close = async () => {
    using _folder = folder;
    await root[Symbol.asyncDispose]();
  };
  return { path, root: root.path, notes, [Symbol.asyncDispose]: close };
}

Deno.test("a daemon that was killed finds its ten containers again, and loses no exit code", async () => {
  await leavesNothing("hull-dr-ten", async () => {
    await using books = openBooks();
    const ids = Array.from({ length: 10 }, (_, k) => `hull-dr-ten-${k}`);
    await using daemon = startDaemon(
      books,
      "once",
      ...ids.flatMap((id, k) => [id, `trap 'exit ${20 + k}' TERM; sleep 600 & wait`]),
    );
    const factory = new Factory({ root: books.root });
    // Each has its shell, which has set the trap by then, and the sleep.
    await until(() => notesOf(books, "started").length === 10, 60);
    await until(() => ids.every((id) => factory.load(id).processes().length === 2));
    await killDaemon(daemon);
    const [early, late] = [ids.slice(0, 5), ids.slice(5)];
    for (const id of early) factory.load(id).signal("TERM");
    await until(() => early.every((id) => factory.load(id).status() === "stopped"));
    assertEquals(late.map((id) => factory.load(id).status()), late.map(() => "running"));

    const { success } = await startDaemon(books, "restore", "TERM").status;
    assertEquals(success, true);
    assertEquals(notesOf(books, "found"), [
      ...early.map((id) => `${id} stopped`),
      ...late.map((id) => `${id} running`),
    ]);
    assertEquals(notesOf(books, "ended"), ids.map((id, k) => `${id} ${20 + k}`));
    assertEquals(factory.ids(), []);
  });
});

Deno.test("killed at whatever moment of a run, a daemon leaves nothing that restore does not settle", async () => {
  await leavesNothing("hull-dr-moment", async () => {
    for (let round = 0; round < 12; round++) {
      await using books = openBooks();
      await using daemon = startDaemon(books, "forever", `hull-dr-moment-${round}`);
      await until(() => notesOf(books, "ready").length === 1, 60);
      await new Promise((resolve) => setTimeout(resolve, 20 + 37 * round));
      await killDaemon(daemon);

      const driver = new ExecDriver({ root: books.root });
      const settled = await Promise.all((await driver.restore()).map(async (found) => {
        const status = await found.wait();
        await driver.clean(found.id);
        return `${found.id} ${status?.code}`;
      }));
      assertEquals(driver.factory.ids(), []);
      const ended = [...new Set([...notesOf(books, "ended"), ...settled])].sort();
      const started = notesOf(books, "started").map((id) => `${id} 5`);
      assertEquals(ended.filter((line) => started.includes(line)), started);
      assertEquals(ended.filter((line) => !line.endsWith(" 5")), []);
    }
  });
});

Deno.test("output to a file goes on without the daemon, a stream's pipe breaks", async () => {
  await leavesNothing("hull-dr-file", async () => {
    await using books = openBooks();
    const { path } = books;
    const code = `
      import { ExecDriver } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
      const driver = new ExecDriver({ root: "${path}/root" });
      const script = () =>
        "trap '' PIPE; trap 'echo late; echo \\$? >/tmp/said; sleep 600 & wait' TERM; echo early; sleep 600 & wait; wait";
      const run = (id, stdout) => driver.run({ id, args: ["sh", "-c", script()] }, { stdout });
      await Promise.all([
        run("hull-dr-file-1", { file: "${path}/out" }),
        run("hull-dr-file-2", new WritableStream({
          write: (chunk) => Deno.writeFileSync("${path}/stream", chunk, { append: true }),
        })),
      ]);`;
    Deno.writeTextFileSync(`${path}/daemon.ts`, code);
    await using daemon = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", "--no-lock", "--config", CONFIG, `${path}/daemon.ts`],
      stdin: "null",
    }).spawn();
    const text = (name: string) => {
      try {
        return Deno.readTextFileSync(`${path}/${name}`);
      } catch {
        return ""; // it is not there yet
      }
    };
    await until(() => text("out") === "early\n" && text("stream") === "early\n", 60);
    const factory = new Factory({ root: `${path}/root` });
    // The program may be faster than the daemon, which has yet to see that it runs.
    const isRunning = (n: number) => factory.load(`hull-dr-file-${n}`).status() === "running";
    await until(() => isRunning(1) && isRunning(2), 60);
    await killDaemon(daemon);
    const driver = new ExecDriver({ root: `${path}/root` });
    const restored = await driver.restore();
    assertEquals(restored.map(({ id, status }) => [id, status]), [
      ["hull-dr-file-1", "running"],
      ["hull-dr-file-2", "running"],
    ]);
    const said = ({ pid }: { readonly pid: number }) => {
      try {
        return Deno.readTextFileSync(`/proc/${pid}/root/tmp/said`);
      } catch {
        return "";
      }
    };
    for (const { id } of restored) driver.kill(id, "TERM");
    await until(() => restored.every((container) => said(container) !== ""));
    assertEquals(text("out"), "early\nlate\n");
    assertEquals(said(restored[0] as { pid: number }), "0\n");
    assertGreater(Number(said(restored[1] as { pid: number })), 0); // EPIPE
    for (const { id, wait } of restored) {
      await driver.terminate(id);
      assertEquals((await wait())?.signal, 9);
      await driver.clean(id);
    }
  });
});

Deno.test("restore takes away what never ran of its own, and what has no record ends without a status", async () => {
  await leavesNothing("hull-dr-never", async () => {
    await using books = openBooks();
    const { Process } = await import("../../mod.ts");
    const factory = new Factory({ root: books.root });
    const own = { driver: "driver" };
    const created = await factory.create("hull-dr-never-1", undefined, own);
    const waiting = new Process({ args: ["true"], stdin: "null" });
    await created.start(waiting);
    await factory.create("hull-dr-never-3", undefined, own);
    const unsupervised = await factory.create("hull-dr-never-4", undefined, own);
    const process = new Process({ args: ["sleep", "600"], stdin: "null" });
    await unsupervised.run(process);

    const driver = new ExecDriver({ root: books.root });
    const restored = await driver.restore();
    assertEquals(restored.map(({ id, pid }) => [id, pid]), [["hull-dr-never-4", process.pid]]);
    assertEquals(factory.ids(), ["hull-dr-never-4"]);
    assertEquals((await waiting.wait()).signal, 9);
    const ended = restored[0]?.wait();
    await driver.terminate("hull-dr-never-4");
    assertEquals(await ended, undefined);
    await process.wait();
    await driver.clean("hull-dr-never-4");
    assertEquals(factory.ids(), []);
  });
});

Deno.test("a driver touches only what a driver of its name has made", async () => {
  await leavesNothing("hull-dr-others", async () => {
    await using books = openBooks();
    const { root } = books;
    Deno.mkdirSync(`${root}/hull-dr-others-www`, { recursive: true });
    Deno.writeTextFileSync(`${root}/hull-dr-others-www/index.html`, "mine");
    const { Process } = await import("../../mod.ts");
    const factory = new Factory({ root });
    const made = await Promise.all(
      [undefined, "other", "named"].map(async (driver) => {
        const container = await factory.create(`hull-dr-others-${driver}`, undefined, { driver });
        const process = new Process({ args: ["sleep", "600"], stdin: "null" });
        await container.start(process);
        return { container, process };
      }),
    );
    await made[2]?.container.release();
    const driver = new ExecDriver({ root, name: "named" });
    assertEquals((await driver.restore()).map(({ id }) => id), ["hull-dr-others-named"]);
    for (const id of ["hull-dr-others-undefined", "hull-dr-others-other"]) {
      const refused = [
        () => driver.info(id),
        () => driver.kill(id),
        () => driver.pids(id),
        () => driver.stats(id),
        () => driver.pause(id),
        () => driver.unpause(id),
        () => driver.terminate(id),
        () => driver.exec(id, { args: ["true"] }),
      ];
      for (const call of refused) {
        const error = await assertRejects(() => Promise.try<unknown, []>(call), ContainerError);
        assertEquals(error.code, "ContainerNotExists", error.message);
        assertStringIncludes(error.message, "is not this driver's");
      }
      await driver.clean(id); // for this driver there is none
      assertEquals(factory.load(id).status(), "created");
    }
    assertEquals(Deno.readTextFileSync(`${root}/hull-dr-others-www/index.html`), "mine");
    for (const { container, process } of made) {
      await container.destroy({ force: true });
      await process.wait();
    }
  });
});
