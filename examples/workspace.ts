/**
 * A workspace that lives on when this program ends: a container with a folder of its own, in which
 * commands run one after another.
 *
 *     deno run -A examples/workspace.ts open NAME [HOST_FOLDER]   # seen as /src, read-only
 *     deno run -A examples/workspace.ts sh NAME 'cc -o x /src/x.c && ./x'
 *     deno run -A examples/workspace.ts watch NAME                # what it uses, until ^C
 *     deno run -A examples/workspace.ts close NAME
 *
 * @module
 */

import { type Container, Factory, type Output, Process } from "../mod.ts";

const MIB = 2 ** 20;

/** Makes a workspace; `/work` in it can be written to. */
export async function open(factory: Factory, name: string, folder?: string): Promise<Container> {
  const source = { type: "host", source: folder ?? "", destination: "/src" } as const;
  const work = { type: "tmpfs", destination: "/work", sizeBytes: 256 * MIB } as const;
  const mounts = folder === undefined ? [work] : [work, source];
  const resources = { memory: { limit: 1024 * MIB }, pids: { limit: 256 } };
  const wishes = { mounts, resources, cwd: "/work", init: true };
  const container = await factory.create(name, undefined, { wishes });
  try {
    // A small process of hull's is its parent, so that it does not end with this program.
    const idle = new Process({ args: ["sleep", "infinity"], stdin: "null", stdout: "null" });
    await container.run(idle, { supervised: true });
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
  return container;
}

/** Runs a command in a workspace, which this or another program has opened. */
export async function sh(
  factory: Factory,
  name: string,
  script: string,
  signal?: AbortSignal,
): Promise<Output> {
  return await factory.load(name).output(["sh", "-c", script], { cwd: "/work", signal });
}

if (import.meta.main) {
  const [what, name = "workspace", more] = Deno.args;
  const factory = new Factory({ root: "/run/workspaces" });
  if (what === "open") await open(factory, name, more);
  else if (what === "close") await factory.remove(name, { force: true });
  else if (what === "watch") {
    for await (const { memory, pids } of factory.load(name).statsStream({ intervalMs: 1000 })) {
      console.log(pids?.current, "tasks", ((memory?.usage.usage ?? 0) / MIB).toFixed(1), "MiB");
    }
  } else {
    const { code, stdoutBytes, stderrBytes } = await sh(factory, name, more ?? "true");
    Deno.stdout.writeSync(stdoutBytes);
    Deno.stderr.writeSync(stderrBytes);
    Deno.exitCode = code;
  }
}
