/**
 * Deno in a sandbox: the one that runs this program, read-only.
 *
 * @module
 */

import { randomHex } from "../../../ffi/c/random.ts";
import { ContainerError } from "../../errors.ts";
import { pathOf } from "../fs/paths.ts";
import type { SandboxFs } from "../fs/sandbox_fs.ts";
import type { ChildProcess, Running } from "../processes/child_process.ts";
import type { SpawnOptions } from "../processes/spawn_options.ts";
import { Answers } from "./answers.ts";
import { type DenoHost, DenoProcess, DenoRepl } from "./deno_process.ts";
import { driverArgs } from "./driver.ts";

/** The end of a file's name, by which Deno knows what is in it. */
export type CodeExtension = "js" | "cjs" | "mjs" | "ts" | "cts" | "mts" | "jsx" | "tsx";

/** What a Deno program is started with. */
export type DenoRunOptions =
  & (
    | {
      /** The file of its main module, inside. */
      readonly entrypoint: string | URL;
      /** Whether it begins anew when its files change, or those that are named. */
      readonly watch?: boolean | readonly string[] | undefined;
      readonly code?: undefined;
    }
    | {
      /** The text of its main module. */
      readonly code: string;
      /** What kind of text that is; default `ts`. */
      readonly extension?: CodeExtension | undefined;
      readonly entrypoint?: undefined;
    }
  )
  & DenoReplOptions;

/** What a Deno program that evaluates code is started with. */
export type DenoReplOptions = Omit<SpawnOptions, "args"> & {
  /** Its arguments: `Deno.args`. */
  readonly scriptArgs?: readonly string[] | undefined;
};

/** What starts programs. */
export interface DenoStarter extends DenoHost {
  readonly fs: SandboxFs;
  readonly isThere: boolean;
  start<Child extends ChildProcess>(
    command: string,
    options: SpawnOptions,
    extraFiles: readonly number[],
    make: (running: Running) => Child,
  ): Promise<Child>;
}

/**
 * Deno in a sandbox. It is the Deno that runs this program, with all permissions that the sandbox
 * itself has.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sandbox } from "@hull/hull";
 *
 * await using sandbox = await Sandbox.create();
 * assertEquals(await sandbox.deno.eval("const a: number = 1; a + 1"), 2);
 * const program = await sandbox.deno.run({ code: "console.log('hello')", stdin: "null" });
 * assertEquals((await program.output()).stdoutText, "hello\n");
 * ```
 */
export class SandboxDeno {
  readonly #starter: DenoStarter;

  /** @ignore made by a Sandbox */
  constructor(starter: DenoStarter) {
    this.#starter = starter;
  }

  /**
   * Starts a program.
   *
   * @throws {ContainerError} what `Sandbox.spawn` throws; `Unsupported` for a compiled program,
   *   which has no Deno
   */
  async run(options: DenoRunOptions): Promise<DenoProcess> {
    const { scriptArgs = [], ...others } = options;
    if (options.code === undefined) {
      const { entrypoint, watch = false } = options;
      const main = entrypoint instanceof URL ? entrypoint.href : entrypoint;
      const watched = watch === true ? ["--watch"] : watch && [`--watch=${watch.join(",")}`] || [];
      return await this.#run([...watched, main, ...scriptArgs], others);
    }
    const { code, extension = "ts" } = options;
    // In the folder that it runs in, so that what it imports is found from there.
    const folder = options.cwd instanceof URL ? pathOf(options.cwd) : options.cwd ?? ".";
    return await this.#withFile(
      `${folder}/.code-${randomHex(8)}.${extension}`,
      code,
      (file) => this.#run([file, ...scriptArgs], others),
    );
  }

  /** Evaluates code in a program of its own; see `DenoRepl.eval`. */
  async eval<T = unknown>(code: string): Promise<T> {
    await using repl = await this.repl({ stdin: "null", stdout: "inherit", stderr: "inherit" });
    return await repl.eval<T>(code);
  }

  /** Starts a program that evaluates code. */
  async repl(options: DenoReplOptions = {}): Promise<DenoRepl> {
    const { scriptArgs = [], ...others } = options;
    using unwanted = new DisposableStack();
    const answers = unwanted.use(new Answers());
    const starter = this.#starter;
    this.#requireDeno();
    const how = { ...others, args: driverArgs(scriptArgs) };
    const make = (running: Running) => new DenoRepl(running, starter, answers);
    const repl = await starter.start("deno", how, answers.passed, make);
    unwanted.move();
    return repl;
  }

  async #run(args: readonly string[], options: SpawnOptions): Promise<DenoProcess> {
    this.#requireDeno();
    const how = { ...options, args: runArgs(args) };
    const make = (running: Running) => new DenoProcess(running, this.#starter);
    return await this.#starter.start("deno", how, [], make);
  }

  /** Has a program read a file, which is removed at its end. */
  async #withFile<Child extends DenoProcess>(
    file: string,
    text: string,
    start: (file: string) => Promise<Child>,
  ): Promise<Child> {
    const { fs } = this.#starter;
    await fs.writeTextFile(file, text, { createNew: true });
    const remove = () => fs.remove(file).catch(() => {}); // it is gone, or the sandbox
    try {
      const child = await start(file);
      child.status.then(remove, remove);
      return child;
    } catch (error) {
      await remove();
      throw error;
    }
  }

  #requireDeno(): void {
    if (this.#starter.isThere) return;
    throw new ContainerError("Unsupported", "there is no Deno for the sandbox's programs", {
      hint: "a compiled program has none: run it by Deno, or let the sandbox have one as a volume",
    });
  }
}

function runArgs(args: readonly string[]): readonly string[] {
  return ["run", "--quiet", "--allow-all", "--no-lock", ...args];
}
