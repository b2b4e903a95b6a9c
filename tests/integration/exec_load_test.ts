/** Many further processes: at once, one after another, and against the container's end. */
import { assert, assertEquals } from "@std/assert";
import { ContainerError, Factory, Process } from "../../mod.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { cgroupsNamed, leavesNothing } from "../fixtures/leftovers.ts";
import { countFds } from "../fixtures/open_fds.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

Deno.test("100 execs of the command line at once", async () => {
  const id = "hull-xl-cli";
  await leavesNothing(id, async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 1000");
    await hull.detach("run", "-d", "-b", bundle.folder, id);
    const entries = () => [...Deno.readDirSync(`${hull.root}/${id}`)].map(({ name }) => name);
    await hull.must("exec", id, "true"); // the first makes the file that all lock
    const before = entries();
    const calls = Array.from(
      { length: 100 },
      (_, k) => hull.call(["exec", id, "sh", "-c", `echo ${k}; exit ${k}`]),
    );
    for (const [k, { code, stdout, stderr }] of (await Promise.all(calls)).entries()) {
      assertEquals([code, stdout, stderr], [k, `${k}\n`, ""]);
    }
    assertEquals(entries(), before);
    assertEquals(members(id), 1);
  });
});

/** How many processes the container's cgroups hold. */
function members(id: string): number {
  const all = cgroupsNamed(id).flatMap((folder) =>
    Deno.readTextFileSync(`${folder}/cgroup.procs`).split("\n").filter((pid) => pid !== "")
  );
  return new Set(all).size;
}

/** What a program holds. */
function held(): Record<string, number> {
  const status = Deno.readTextFileSync("/proc/self/status");
  const children = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).split(" ");
  return {
    fds: countFds(),
    children: children.filter((pid) => pid !== "").length,
    threads: Number(/^Threads:\s*(\d+)/m.exec(status)?.[1]),
    maps: Deno.readTextFileSync("/proc/self/maps").split("\n").length,
  };
}

Deno.test("100 execs in a row from one program leave nothing behind", async () => {
  const id = "hull-xl-row";
  await leavesNothing(id, async () => {
    await using root = rootFolder();
    using bundle = leanBundle("sleep 1000");
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create(id, bundle.config, { bundle: bundle.folder });
    await container.run(new Process(QUIET));
    const exec = async (code: number): Promise<void> => {
      const process = new Process({ ...QUIET, args: ["sh", "-c", `exit ${code}`] });
      await container.start(process);
      assertEquals((await process.wait()).code, code);
    };
    for (let k = 0; k < 10; k++) await exec(k);
    const entries = () => [...Deno.readDirSync(`${root.path}/${id}`)].length;
    const [before, files] = [held(), entries()];
    for (let k = 0; k < 100; k++) await exec(k);
    const after = held();
    for (const [name, count] of Object.entries(before)) {
      // The engine maps memory and starts threads as it likes; what stays with each exec would be a
      // hundred.
      const slack = name === "maps" ? 50 : name === "threads" ? 10 : 0;
      assert((after[name] ?? 0) <= count + slack, `${name}: ${count}, then ${after[name]}`);
    }
    assertEquals([entries(), members(id)], [files, 1]);
  });
});

Deno.test("a container that is killed or deleted while it is joined: an error, or the process's end", async () => {
  const id = "hull-xl-race";
  await leavesNothing(id, async () => {
    await using root = rootFolder();
    using bundle = leanBundle("sleep 1000");
    const factory = new Factory({ ...DRIVER, root: root.path });
    const endings = new Set<string>();
    for (let round = 0; round < 25; round++) {
      const container = await factory.create(id, bundle.config, { bundle: bundle.folder });
      await container.run(new Process(QUIET));
      const joining = async (): Promise<void> => {
        const process = new Process({ ...QUIET, args: ["sleep", "1000"] });
        try {
          await container.start(process);
          assertEquals((await process.wait()).code, 137);
          endings.add("killed");
        } catch (error) {
          assert(error instanceof ContainerError, String(error));
          endings.add(error.code);
        }
      };
      const ending = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, round % 5));
        if (round % 2 === 0) container.signal("KILL");
        else await container.destroy({ force: true });
      };
      await Promise.all([joining(), joining(), ending()]);
      if (round % 2 === 0) await container.destroy({ force: true });
      assertEquals(members(id), 0);
    }
    for (const code of endings) {
      assert(["killed", "ContainerNotRunning", "ContainerNotExists"].includes(code), code);
    }
  });
});
