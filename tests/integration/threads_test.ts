import { assertEquals } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";

const SIZE = 64 << 20;

/** Does something while other threads make children, which have this program's fds as well. */
async function amongClones(act: () => Promise<void>): Promise<void> {
  const url = new URL("../fixtures/cloner.ts", import.meta.url);
  const workers = Array.from({ length: 2 }, () => new Worker(url, { type: "module" }));
  const answered = () =>
    Promise.all(workers.map((worker) => new Promise((resolve) => worker.onmessage = resolve)));
  await answered(); // each has made one
  try {
    await act();
  } finally {
    const ended = answered();
    for (const worker of workers) worker.postMessage("end");
    await ended;
  }
}

Deno.test("no start fails because another thread's child has this program's fds", async () => {
  using root = scratchFolder();
  // So much that a child is made for certain while it is being written.
  using bundle = makeBundle("wc -c < /filled/file; touch /filled/other; exit 7", (config) => {
    const options = ["tmpcopyup", "ro"];
    config.mounts.push({ destination: "/filled", type: "tmpfs", source: "tmpfs", options });
  });
  Deno.mkdirSync(`${bundle.folder}/rootfs/filled`);
  Deno.writeFileSync(`${bundle.folder}/rootfs/filled/file`, new Uint8Array(SIZE).fill(1));
  await amongClones(async () => {
    for (const init of ["direct", "reexec"] as const) {
      const factory = new Factory({ root: root.path, init });
      for (const supervised of [false, true]) {
        await using container = await factory.create("hull-threads", bundle.config, {
          bundle: bundle.folder,
        });
        const process = new Process({ stdin: "null", stdout: "piped", stderr: "piped" });
        await container.run(process, { supervised });
        const [size, failed] = await Promise.all(
          (["stdout", "stderr"] as const).map((name) => new Response(process[name]).text()),
        );
        assertEquals([Number(size), (await process.wait()).code], [SIZE, 7]);
        assertEquals(failed?.includes("Read-only file system"), true, failed);
      }
    }
  });
});
