/**
 * Commands for a sandbox's shell, written as template literals.
 *
 * @module
 */

import { LineSplitter } from "../../streams/line_splitter.ts";
import type { ChildProcess, ChildProcessOutput, OutputKind } from "./child_process.ts";
import { KillSignal } from "./kill_signal.ts";
import { shellCommand } from "./shell_words.ts";
import type { SpawnOptions } from "./spawn_options.ts";

/** All that a command wrote, and how it ended. */
export type SandboxCommandResult = ChildProcessOutput;

/** A command ended with another exit code than 0. */
export class SandboxCommandError extends Error {
  /** Always `SandboxCommandError`. */
  override readonly name = "SandboxCommandError";
  /** The exit code; 128 and the signal's number after a signal. */
  readonly code: number;

  /** The error of a command that ended with this code. */
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** What runs commands. */
export interface CommandHost {
  /** The shell. */
  shell(): string;
  spawn(command: string, options: SpawnOptions): Promise<ChildProcess>;
  /** Signals a program with all that it has started. */
  signalTree(child: ChildProcess, signal: Deno.Signal): void;
}

interface Wishes {
  readonly isLenient: boolean;
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: OutputKind;
  readonly stderr: OutputKind;
  readonly signal?: KillSignal | AbortSignal | undefined;
}

const NO_WISHES: Wishes = { isLenient: false, env: {}, stdout: "inherit", stderr: "inherit" };

/**
 * A command that runs once it is awaited, or one of its results is. Each method but these gives a
 * new command, and leaves this one as it was.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sandbox } from "@hull/hull";
 *
 * await using sandbox = await Sandbox.create();
 * const name = "it's a file; $(reboot)";
 * await sandbox.sh`echo ${name} > ${name}`;
 * assertEquals(await sandbox.sh`cat ${name}`.text(), `${name}\n`);
 * const { status } = await sandbox.sh`exit 3`.noThrow();
 * assertEquals(status.code, 3);
 * ```
 */
export class SandboxCommandBuilder implements PromiseLike<SandboxCommandResult> {
  readonly #host: CommandHost;
  readonly #strings: readonly string[];
  readonly #substitutions: readonly unknown[];
  readonly #wishes: Wishes;

  /** @ignore made by `Sandbox.sh` */
  constructor(
    host: CommandHost,
    strings: readonly string[],
    substitutions: readonly unknown[],
    wishes: Wishes = NO_WISHES,
  ) {
    this.#host = host;
    this.#strings = strings;
    this.#substitutions = substitutions;
    this.#wishes = wishes;
  }

  /** No exit code is an error then. */
  noThrow(value = true): SandboxCommandBuilder {
    return this.#with({ isLenient: value });
  }

  /** Changes nothing: commands run as the sandbox's root, who has no rights on the host. */
  sudo(_enable = true): SandboxCommandBuilder {
    return this.#with({});
  }

  /** Where it runs; by default in the sandbox's home. */
  cwd(path: string): SandboxCommandBuilder {
    return this.#with({ cwd: path });
  }

  /** Adds a variable to its environment. */
  env(name: string, value: string): SandboxCommandBuilder {
    return this.#with({ env: { ...this.#wishes.env, [name]: value } });
  }

  /** How its output is handled; by default it goes to this program's. */
  stdout(kind: OutputKind): SandboxCommandBuilder {
    return this.#with({ stdout: kind });
  }

  /** How its error output is handled; by default it goes to this program's. */
  stderr(kind: OutputKind): SandboxCommandBuilder {
    return this.#with({ stderr: kind });
  }

  /**
   * What ends it: the signals of a `KillController`, or an abort, which sends SIGTERM. They go to
   * the shell and to all that it has started.
   */
  signal(signal: KillSignal | AbortSignal): SandboxCommandBuilder {
    return this.#with({ signal });
  }

  /**
   * Runs it, and gives what it wrote.
   *
   * @throws {SandboxCommandError} unless it exits with 0
   */
  async text(): Promise<string> {
    return (await this.stdout("piped").result()).stdoutText ?? "";
  }

  /**
   * The same, read as JSON.
   *
   * @throws {SandboxCommandError} unless it exits with 0
   * @throws {SyntaxError} for what is no JSON
   */
  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text());
  }

  /**
   * Gives what it writes line by line, while it runs. Leaving the loop early kills it.
   *
   * @throws {SandboxCommandError} after the last line, unless it exits with 0
   */
  async *lines(): AsyncGenerator<string, void, void> {
    const child = await this.stdout("piped").#begin();
    await using _ended = child;
    const splitter = new LineSplitter();
    const text = child.stdout?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const piece of text) yield* splitter.take(piece);
    if (splitter.rest !== "") yield splitter.rest;
    this.#judge({ ...NOTHING, status: await child.status });
  }

  /**
   * Runs it.
   *
   * @throws {SandboxCommandError} unless it exits with 0
   */
  async result(): Promise<SandboxCommandResult> {
    const code = this.#endedBefore;
    if (code === undefined) return this.#judge(await (await this.#begin()).output());
    return this.#judge({ ...EMPTY, status: { success: false, code, signal: null, oom: false } });
  }

  /**
   * Starts it without waiting for its end; its exit code is no error then.
   *
   * @throws {SandboxCommandError} if its `KillController` has ended it before
   */
  async spawn(): Promise<ChildProcess> {
    return await this.#begin();
  }

  /** Runs it, as {@linkcode SandboxCommandBuilder.result}: so a command can be awaited. */
  then<Fulfilled = SandboxCommandResult, Rejected = never>(
    onfulfilled?: ((value: SandboxCommandResult) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onrejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.result().then(onfulfilled, onrejected);
  }

  #with(wishes: Partial<Wishes>): SandboxCommandBuilder {
    const [host, strings, values] = [this.#host, this.#strings, this.#substitutions];
    return new SandboxCommandBuilder(host, strings, values, { ...this.#wishes, ...wishes });
  }

  /** The exit code of a command that a KillController has ended before it began. */
  get #endedBefore(): number | undefined {
    const { signal } = this.#wishes;
    return signal instanceof KillSignal ? signal.abortedExitCode : undefined;
  }

  async #begin(): Promise<ChildProcess> {
    const code = this.#endedBefore;
    if (code !== undefined) {
      throw new SandboxCommandError("the command was ended before it began", code);
    }
    const { cwd, env, stdout, stderr, signal } = this.#wishes;
    const command = shellCommand(this.#strings, this.#substitutions);
    const host = this.#host;
    const args = ["-c", command];
    using stack = new DisposableStack();
    const signals = stack.use(new Forwarded(signal)); // which may come while it is being started
    const how = { args, cwd, env, stdin: "null", stdout, stderr } as const;
    const child = await host.spawn(host.shell(), how);
    signals.to((name) => host.signalTree(child, name));
    const forwarding = stack.move();
    const forget = () => forwarding.dispose();
    child.status.then(forget, forget);
    return child;
  }

  #judge(result: SandboxCommandResult): SandboxCommandResult {
    const { status, stderrText } = result;
    if (this.#wishes.isLenient || status.success) return result;
    const why = status.oom ? ": the sandbox's memory ran out" : "";
    const said = stderrText === null || stderrText === "" ? "" : `\n${stderrText}`;
    throw new SandboxCommandError(
      `the command ended with ${status.code}${why}${said}`,
      status.code,
    );
  }
}

const NOTHING = { stdout: null, stderr: null, stdoutText: null, stderrText: null };
const EMPTY = {
  stdout: new Uint8Array(),
  stderr: new Uint8Array(),
  stdoutText: "",
  stderrText: "",
};

/** Signals for a program that may not be there yet: they wait for it. */
class Forwarded implements Disposable {
  readonly #waiting: Deno.Signal[] = [];
  readonly #forget: () => void;
  #send = (name: Deno.Signal): void => void this.#waiting.push(name);

  constructor(signal: KillSignal | AbortSignal | undefined) {
    const listener = (name: Deno.Signal) => this.#send(name);
    if (signal === undefined) this.#forget = () => {};
    else if (signal instanceof KillSignal) {
      signal.addListener(listener);
      this.#forget = () => signal.removeListener(listener);
    } else {
      const abort = () => listener("SIGTERM");
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
      this.#forget = () => signal.removeEventListener("abort", abort);
    }
  }

  /** Sends those that have come, and from now on all. */
  to(send: (name: Deno.Signal) => void): void {
    this.#send = send;
    for (const name of this.#waiting) send(name);
  }

  [Symbol.dispose](): void {
    this.#forget();
  }
}
