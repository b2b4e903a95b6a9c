/**
 * Starts the workers, and reports what they find.
 *
 * @module
 */

import { cgroupsNamed } from "../../tests/fixtures/leftovers.ts";
import { fromFileUrl } from "../../tests/fixtures/paths.ts";
import { removeCgroup } from "./host_look.ts";
import { reportOf } from "./report.ts";
import { peerOf } from "./runtimes.ts";
import type { Failure, WorkerWishes } from "./worker.ts";

/** What is run. */
export interface SoakOptions {
  readonly seed: number;
  /** Their numbers. */
  readonly cases: readonly number[];
  readonly workers: number;
  /** The program that is hull; this project's by default. */
  readonly hull?: string;
  /** What hull is compared with; runc, the default, or crun. */
  readonly reference?: string;
  /** A runtime whose agreement with hull makes a difference none. */
  readonly witness?: string;
  /** Whether a case that differs is reported as it was drawn. */
  readonly whole?: boolean;
  readonly say: (text: string) => void;
  /** Ends the workers, and all that runs in their namespaces. */
  readonly signal?: AbortSignal;
}

const HERE = fromFileUrl(new URL(".", import.meta.url)).replace(/\/$/, "");
const ROOT = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Runs cases; gives those that differ. */
export async function soak(options: SoakOptions): Promise<readonly Failure[]> {
  const { seed, cases, workers, say } = options;
  const begin = performance.now();
  const scratch = Deno.makeTempDirSync({ prefix: "hull-differential-" });
  // one that fails takes the others with it
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    Deno.chmodSync(scratch, 0o755);
    build(`${scratch}/probe`);
    const each = Array.from(
      { length: workers },
      (_, k) => startWorker({ ...options, signal }, scratch, k),
    );
    const failures = (await Promise.all(each)).flat().sort((a, b) => a.number - b.number);
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    say(`seed ${seed}: ${cases.length} cases, ${failures.length} differ, ${seconds} s`);
    return failures;
  } finally {
    ending.abort();
    Deno.removeSync(scratch, { recursive: true });
    removeCgroups(scratch.slice(scratch.lastIndexOf("/") + 1));
  }
}

/** What runtimes leave of a cgroupsPath: the folder above the container's. */
function removeCgroups(name: string): void {
  for (const folder of cgroupsNamed(name)) removeCgroup(folder);
}

function build(program: string): void {
  const { success, stderr } = new Deno.Command("gcc", {
    args: ["-static", "-O1", "-o", program, `${HERE}/probe.c`],
  }).outputSync();
  if (!success) throw new Error(`gcc: ${new TextDecoder().decode(stderr)}`);
}

/**
 * A worker has its own mounts, processes, network, names and queues: whatever a runtime leaves goes
 * with it, and nothing else of the host is seen as left. A shell reaps what lost its parent. Its null
 * is its own, since some runtimes give what is their stdin to the container's root.
 */
async function startWorker(
  options: SoakOptions & { readonly signal: AbortSignal },
  scratch: string,
  number: number,
): Promise<readonly Failure[]> {
  const { seed, workers, say, signal } = options;
  const folder = `${scratch}/${number}`;
  Deno.mkdirSync(folder);
  const reference = options.reference ?? "runc";
  const peer = peerOf(reference);
  // crun refuses a host with both versions of cgroups, and so may a witness: they see the first alone
  const oneVersion = peer === "runc" && options.witness === undefined
    ? ""
    : "umount /sys/fs/cgroup/unified || true; ";
  const script = oneVersion +
    'mount -t tmpfs -o mode=755 none "$1" && cp "$2" "$1/probe" && mknod -m 666 "$1/null" c 1 3 && ' +
    'mount --bind "$1/null" /dev/null && shift 2 && "$@"; exit $?';
  const wishes: WorkerWishes = {
    folder,
    hull: options.hull ?? `${ROOT}/scripts/hull`,
    reference,
    peer,
    ...(options.witness === undefined ? {} : { witness: options.witness }),
    ...{ seed, whole: options.whole ?? false },
    cases: options.cases.filter((_, k) => k % workers === number),
  };
  const worker = [`${HERE}/worker.ts`, JSON.stringify(wishes)];
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-lock"];
  const child = new Deno.Command("unshare", {
    args: [
      ...["--mount", "--propagation", "private", "--net", "--ipc", "--uts"],
      ...["--pid", "--fork", "--kill-child", "--mount-proc"],
      ...["sh", "-c", script, "sh", folder, `${scratch}/probe`],
      ...[...deno, "--config", `${ROOT}/deno.json`, ...worker],
    ],
    // hooks have it: one variable, so that its order says nothing
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  // unshare passes SIGTERM over; with it go all of its pid namespace
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  const failures: Failure[] = [];
  let done = false;
  for await (const line of linesOf(child.stdout)) {
    if (line === "done") {
      done = true;
      continue;
    }
    const failure = JSON.parse(line) as Failure;
    failures.push(failure);
    say(reportOf(seed, peer, failure).replaceAll(`${folder}/case`, "BUNDLE"));
  }
  await child.status;
  signal.removeEventListener("abort", kill);
  if (!done) throw new Error(`worker ${number} ended before its last case`);
  return failures;
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
