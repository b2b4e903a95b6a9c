import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { Factory } from "../../mod.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { SLOWNESS, until } from "../fixtures/until.ts";

const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

function example(name: string, args: readonly string[], options: Deno.CommandOptions = {}) {
  const path = fromFileUrl(new URL(`../../examples/${name}`, import.meta.url));
  const words = ["run", "--quiet", "-A", "--no-lock", "--config", CONFIG, path];
  return new Deno.Command(Deno.execPath(), { args: [...words, ...args], ...options });
}

/** The daemon of the example, on a socket of the test's own. */
class Daemon implements AsyncDisposable {
  readonly socket: string;
  readonly root: string;
  readonly #client: Deno.HttpClient;
  #child: Deno.ChildProcess;

  constructor(folder: string) {
    this.socket = `${folder}/socket`;
    this.root = `${folder}/root`;
    this.#child = this.#spawn();
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path: this.socket } });
  }

  async ready(): Promise<void> {
    await until(async () => {
      try {
        (await Deno.connect({ transport: "unix", path: this.socket })).close();
        return true;
      } catch {
        return false;
      }
    }, 60);
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://localhost${path}`, { ...init, client: this.#client });
  }

  post(body: unknown, signal?: AbortSignal): Promise<Response> {
    const json = JSON.stringify(body);
    return this.fetch("/run", { method: "POST", body: json, ...(signal ? { signal } : {}) });
  }

  /** The lines of an answer, without what differs from run to run. */
  async lines(body: unknown): Promise<Record<string, unknown>[]> {
    const text = await (await this.post(body)).text();
    return text.trimEnd().split("\n").map((line) => JSON.parse(line))
      .filter((line) => !("pid" in line));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async restart(): Promise<string> {
    await this.kill();
    this.#child = this.#spawn("piped");
    await until(() => new Factory({ root: this.root }).ids().length === 0, 30);
    await this.kill();
    return await new Response(this.#child.stdout).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    try {
      await this.kill();
    } catch { /* it was */ }
  }

  #spawn(stdout: "piped" | "null" = "null"): Deno.ChildProcess {
    const options = { stdin: "null", stdout, stderr: "null" } as const;
    return example("daemon.ts", [this.socket, this.root], options).spawn();
  }
}

Deno.test("examples/daemon.ts streams what a command writes, with its exit code in the trailer", async () => {
  await leavesNothing("run-", async () => {
    using folder = scratchFolder();
    await using daemon = new Daemon(folder.path);
    await daemon.ready();
    assertEquals((Deno.statSync(daemon.socket).mode ?? 0) & 0o077, 0);
    const script = "cat; sleep 0.2; echo problem >&2; sleep 0.2; exit 3";
    assertEquals(await daemon.lines({ args: ["sh", "-c", script], stdin: "hello\n" }), [
      { stdout: "hello\n" },
      { stderr: "problem\n" },
      { exit: 3, oomKills: 0 },
    ]);
    const [trailer] = await daemon.lines({ args: ["/no/such/program"] });
    assertEquals((trailer?.error as { code: string }).code, "InitFailed");
    const [late] = await daemon.lines({ args: ["sleep", "600"], seconds: 0.5 });
    assertStringIncludes(JSON.stringify(late), "TimeoutError");
    for (const bad of [undefined, {}, { args: ["true"], unknown: 1 }]) {
      const response = await daemon.post(bad);
      assertEquals(response.status, 400);
      await response.body?.cancel();
    }

    // What is streamed comes at once, and who hangs up ends the container.
    const hangUp = new AbortController();
    const response = await daemon.post(
      { args: ["sh", "-c", "echo now; sleep 600"] },
      hangUp.signal,
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    while (!seen.includes("now")) seen += (await reader?.read())?.value ?? "";
    const list = await (await daemon.fetch("/containers")).json();
    assertEquals(list.map(({ status }: { status: string }) => status), ["running"]);
    hangUp.abort();
    await reader?.closed.catch(() => {});
    await until(() => new Factory({ root: daemon.root }).ids().length === 0);
  });
});

Deno.test("examples/daemon.ts, killed and started again, tells the exit codes of what went on", async () => {
  await leavesNothing("run-", async () => {
    using folder = scratchFolder();
    await using daemon = new Daemon(folder.path);
    await daemon.ready();
    const response = await daemon.post({ args: ["sh", "-c", "sleep 2; exit 21"] });
    const reader = response.body?.getReader();
    await reader?.read(); // it runs
    const said = daemon.restart();
    await reader?.read().catch(() => {});
    assertStringIncludes(await said, "exit 21");
  });
});

/** What the sandbox says of a command. */
async function sandboxed(...args: string[]): Promise<Record<string, unknown>> {
  const options = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const { stdout, stderr } = await example("sandbox.ts", args, options).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("examples/sandbox.ts: what a program can do, and what came of it", async () => {
  await leavesNothing("sandbox-", async () => {
    const script =
      "id -u; touch /tmp/x && echo wrote; touch /etc/x /usr/x /x; cat /sys/class/net/*/address | wc -l;" +
      "grep -c CapEff:.0000000000000000 /proc/self/status; exit 5";
    const result = await sandboxed("sh", "-c", script);
    assertEquals(
      [result.exitCode, result.signal, result.stdout, result.timedOut, result.truncated],
      [5, null, "65534\nwrote\n1\n1\n", false, false],
    );
    assertEquals((result.stderr as string).match(/Read-only file system/g)?.length, 3);
    assertGreater(result.memoryPeakBytes as number, 0);
  });
});

Deno.test("examples/sandbox.ts: memory, processes, output, CPU and time are limited", async () => {
  await leavesNothing("sandbox-", async () => {
    const sleeps = `for i in 1 2 3 4 5 6 7 8; do sleep ${SLOWNESS} & done; wait`;
    const ends = ["--seconds", `${10 * SLOWNESS}`];
    const [memory, pids, output, time] = await Promise.all([
      sandboxed(...ends, "--memory", "16", "tail", "/dev/zero"),
      sandboxed(...ends, "--pids", "5", "sh", "-c", sleeps),
      sandboxed(...ends, "--output", "1", "sh", "-c", "yes; exit 1"),
      sandboxed("--seconds", "1", "--cpus", "0.2", "sh", "-c", "while :; do :; done"),
    ]);
    assertEquals([memory.outOfMemory, memory.signal], [true, 9]);
    assertStringIncludes(pids.stderr as string, "annot fork");
    assertEquals([output.truncated, (output.stdout as string).length], [true, 1024]);
    assertEquals([time.timedOut, time.signal], [true, 9]);
    // A fifth of a CPU, and what the slices round up.
    const most = (time.wallMs as number) / 5 + 400;
    assert((time.cpuMs as number) < most, `it took ${time.cpuMs} ms of CPU time`);
  });
});
