/**
 * Runs an untrusted program: without network, without rights, read-only but for /tmp, as nobody,
 * within limits and until a deadline. Prints what came of it as JSON.
 *
 *     deno run -A examples/sandbox.ts [--memory MIB] [--pids N] [--cpus N] [--seconds N]
 *         [--output KIB] COMMAND…
 *
 *     {"exitCode":0,"signal":null,"timedOut":false,"outOfMemory":false,"stdout":"…","stderr":"…",
 *      "truncated":false,"wallMs":213,"cpuMs":12,"memoryPeakBytes":1585152}
 *
 * The program sees the host's /usr, and nothing else of it. Its input is this program's.
 *
 * @module
 */

import { type Command, ExecDriver, type RunStatus } from "../mod.ts";

/** What a program may use. */
export interface Limits {
  /** In MiB, what it writes to /tmp included. */
  readonly memory: number;
  readonly pids: number;
  /** CPUs, also a part of one. */
  readonly cpus: number;
  /** From the start to the deadline. */
  readonly seconds: number;
  /** KiB of stdout, and of stderr, that are taken; a program that writes more gets SIGPIPE. */
  readonly output: number;
}

/** What came of it. */
export interface Outcome {
  /** Null if that is not known. */
  readonly exitCode: number | null;
  /** The signal that killed it. */
  readonly signal: number | null;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it wrote more than was taken. */
  readonly truncated: boolean;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
}

/** The limits where nothing is said. */
export const DEFAULT_LIMITS: Limits = { memory: 64, pids: 32, cpus: 1, seconds: 10, output: 256 };

const NOBODY = 65_534;
const CPU_PERIOD = 100_000;

/** A sink that takes so many bytes; then nobody reads it any more. */
class Taken {
  readonly sink: WritableStream<Uint8Array<ArrayBuffer>>;
  truncated = false;
  #text = "";
  readonly #end: Promise<void>;

  constructor(bytes: number) {
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    this.sink = writable;
    this.#end = this.#take(readable, bytes).catch(() => {}); // cut short, as the run: it says why
  }

  /** What was taken, once the run has ended. */
  async text(): Promise<string> {
    await this.#end;
    return this.#text;
  }

  async #take(readable: ReadableStream<Uint8Array>, bytes: number): Promise<void> {
    const decoder = new TextDecoder();
    let left = bytes;
    for await (const chunk of readable) {
      this.#text += decoder.decode(chunk.subarray(0, left), { stream: true });
      this.truncated = chunk.length > left;
      if (this.truncated) break; // of which the program learns by SIGPIPE
      left -= chunk.length;
    }
  }
}

function command(args: readonly string[], { memory, pids, cpus }: Limits): Command {
  const limit = memory * 2 ** 20;
  return {
    id: `sandbox-${crypto.randomUUID()}`,
    args,
    cwd: "/tmp",
    user: { uid: NOBODY, gid: NOBODY },
    capabilities: {},
    noNewPrivileges: true,
    resources: {
      memory: { limit, swap: limit },
      pids: { limit: pids },
      cpu: { period: CPU_PERIOD, quota: Math.round(cpus * CPU_PERIOD) },
    },
  };
}

function usage(driver: ExecDriver, id: string): Pick<Outcome, "cpuMs" | "memoryPeakBytes"> {
  const { cpu, memory } = driver.stats(id);
  const cpuMs = Math.round((cpu?.usage.total ?? 0) / 1e6);
  return { cpuMs, memoryPeakBytes: memory?.usage.max ?? 0 };
}

/** Runs a program in the sandbox. */
export async function runSandboxed(
  args: readonly string[],
  limits: Limits = DEFAULT_LIMITS,
  stdin: ReadableStream<Uint8Array<ArrayBuffer>> | "null" = "null",
  driver: ExecDriver = new ExecDriver({ root: "/run/sandbox", supervised: false }),
): Promise<Outcome> {
  const [stdout, stderr] = [new Taken(limits.output * 1024), new Taken(limits.output * 1024)];
  const asked = command(args, limits);
  const deadline = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let started = 0;
  let used = { cpuMs: 0, memoryPeakBytes: 0 };
  let status: RunStatus | undefined;
  try {
    await driver.run(asked, { stdin, stdout: stdout.sink, stderr: stderr.sink }, () => {
      started = performance.now();
      timer = setTimeout(() => deadline.abort(), limits.seconds * 1000);
    }, {
      signal: deadline.signal,
      exitCallback: (ended) => {
        status = ended;
        used = usage(driver, asked.id);
      },
    });
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    exitCode: status?.code ?? null,
    signal: status?.signal ?? null,
    timedOut: deadline.signal.aborted,
    outOfMemory: (status?.oomKills ?? 0) > 0,
    stdout: await stdout.text(),
    stderr: await stderr.text(),
    truncated: stdout.truncated || stderr.truncated,
    wallMs: Math.round(performance.now() - started),
    ...used,
  };
}

/** Splits the flags from the command behind them. */
function readArguments(args: readonly string[]): { limits: Limits; rest: readonly string[] } {
  const limits: Record<keyof Limits, number> = { ...DEFAULT_LIMITS };
  let at = 0;
  for (; args[at]?.startsWith("--") === true; at += 2) {
    const name = args[at]?.slice(2) ?? "";
    const value = Number(args[at + 1]);
    if (!Object.hasOwn(limits, name) || !(value > 0)) {
      throw new Error(`${args[at]} must be one of --${Object.keys(limits).join(", --")}, and > 0`);
    }
    limits[name as keyof Limits] = value;
  }
  return { limits, rest: args.slice(at) };
}

if (import.meta.main) {
  const { limits, rest } = readArguments(Deno.args);
  if (rest.length === 0) throw new Error("usage: sandbox.ts [--memory MIB …] COMMAND…");
  const stdin = Deno.stdin.isTerminal() ? "null" : Deno.stdin.readable;
  console.log(JSON.stringify(await runSandboxed(rest, limits, stdin)));
  Deno.exit(); // a read of stdin may be under way
}
