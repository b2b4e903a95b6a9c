/** The runtimes that are compared. @module */

import { run } from "../../tests/fixtures/bundle.ts";
import { CliRuntime } from "./cli_runtime.ts";
import { LibraryRuntime } from "./library_runtime.ts";
import type { Runtime } from "./runtime.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";

const UNIFIED = "/sys/fs/cgroup/unified";

/** Those that start a container here, and why others don't. */
export interface Runtimes extends AsyncDisposable {
  readonly usable: readonly Runtime[];
  readonly leftOut: readonly string[];
}

/**
 * Finds out which start a container; that first one fills their caches.
 *
 * @param hull hull's command
 * @param state a folder for what they keep
 */
export async function findRuntimes(hull: string, state: string, bundle: Bundle): Promise<Runtimes> {
  const usable: Runtime[] = [];
  const leftOut: string[] = [];
  const holders: Deno.ChildProcess[] = [];
  const attempt = async (runtime: Runtime): Promise<boolean> => {
    try {
      await runtime.run(bundle, "hull-bench-first");
      usable.push(runtime);
      return true;
    } catch (error) {
      leftOut.push(`${runtime.name}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  };
  const root = (name: string) => ["--root", `${state}/${name}`];
  await attempt(new CliRuntime("hull", [hull, ...root("direct")], ["--init", "direct"]));
  await attempt(
    new CliRuntime("hull, re-executed", [hull, ...root("reexec")], ["--init", "reexec"]),
  );
  await attempt(new LibraryRuntime("hull, from a program", `${state}/library`));
  await attempt(new CliRuntime("runc", ["runc", ...root("runc")]));
  const crun = ["crun", ...root("crun")];
  if (!await attempt(new CliRuntime("crun", crun)) && isMounted(UNIFIED)) {
    const holder = await withoutUnified();
    holders.push(holder);
    const words = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--wd=/", ...crun];
    if (await attempt(new CliRuntime("crun", words))) {
      leftOut.push("crun on this host's cgroups: it runs where the v2 tree is hidden, by nsenter");
    }
  }
  return {
    usable,
    leftOut,
    async [Symbol.asyncDispose]() {
      for (const holder of holders) {
        await end(holder);
      }
    },
  };
}

/** On a hybrid host some versions of crun start nothing while they see the v2 tree. */
async function withoutUnified(): Promise<Deno.ChildProcess> {
  const script = `umount -l ${UNIFIED} && echo && exec sleep 7200`;
  const holder = new Deno.Command("unshare", {
    args: ["-m", "sh", "-c", script],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read(); // it is unmounted now
  await reader.cancel();
  return holder;
}

async function end(holder: Deno.ChildProcess): Promise<void> {
  try {
    holder.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // who interrupts this program ends it as well
  }
  await holder.status;
}

function isMounted(path: string): boolean {
  return Deno.readTextFileSync("/proc/self/mountinfo").includes(` ${path} `);
}

/** What the runtimes call themselves. */
export function versions(hull: string): Record<string, string> {
  const first = (...words: string[]) => {
    try {
      return run(words[0] as string, ...words.slice(1)).split("\n")[0] ?? "";
    } catch {
      return "not installed";
    }
  };
  return {
    hull: first(hull, "--version"),
    deno: Deno.version.deno,
    runc: first("runc", "--version"),
    crun: first("crun", "--version"),
  };
}
