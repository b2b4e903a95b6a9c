/**
 * A workspace on this machine: a container that stays, with programs, files and a shell.
 *
 * @module
 */

import type { Container } from "../container.ts";
import { ContainerError } from "../errors.ts";
import { openRoot, requireAlive } from "../exec/joined_container.ts";
import { Factory } from "../factory.ts";
import type { Process } from "../process.ts";
import { HOME, SandboxEnv } from "./options/environment.ts";
import { SandboxFs } from "./fs/sandbox_fs.ts";
import { type LifeHandle, makeLife, reviveLife } from "./life.ts";
import { memoryKills } from "./memory_kills.ts";
import { type Duration, durationMs, type SandboxOptions } from "./options/sandbox_options.ts";
import { ChildProcess } from "./processes/child_process.ts";
import { SandboxCommandBuilder } from "./processes/command_builder.ts";
import type { SpawnOptions } from "./processes/spawn_options.ts";
import { signalAll, spawnIn } from "./processes/spawning.ts";
import { listSandboxes, type SandboxListOptions, type SandboxMetadata } from "./listing.ts";

/** How a sandbox is found again. */
export interface ConnectOptions {
  /** Looks for its container; by default one with the default root folder. */
  readonly factory?: Factory | undefined;
}

/**
 * A sandbox: a container of this machine in which programs run and files lie for as long as it
 * lives. Programs see the host's /usr read-only, and /home, /tmp, /root and /run of their own; they
 * run as a root without rights on the host, under the limits of {@linkcode SandboxOptions}, and
 * have no network but their own loopback.
 *
 * The names are those of Deno's hosted sandboxes. docs/sandbox.md tells what is the same, what
 * differs and what there is not.
 *
 * @example A file, a command and a program
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sandbox } from "@hull/hull";
 *
 * await using sandbox = await Sandbox.create({ memory: "256MiB" });
 * await sandbox.fs.writeTextFile("numbers", "3\n1\n2\n");
 * assertEquals(await sandbox.sh`sort numbers`.text(), "1\n2\n3\n");
 * const child = await sandbox.spawn("tr", { args: ["a-z", "A-Z"] });
 * const writer = child.stdin?.getWriter();
 * await writer?.write(new TextEncoder().encode("hello"));
 * await writer?.close();
 * assertEquals((await child.output()).stdoutText, "HELLO");
 * ```
 */
export class Sandbox implements AsyncDisposable {
  /** Its files. */
  readonly fs: SandboxFs;
  /** What its programs find in their environment. */
  readonly env: SandboxEnv;
  readonly #life: LifeHandle;
  /** Those whose outputs nobody has taken yet, too: they are closed with the sandbox. */
  readonly #children = new Map<ChildProcess, Process>();
  readonly #ended = new Set<ChildProcess>();
  #shell: string | undefined;

  private constructor(life: LifeHandle) {
    this.#life = life;
    this.env = new SandboxEnv({
      variables: () => life.record.env,
      keep: (env) => life.change((record) => ({ ...record, env })),
    });
    let umask = 0o022;
    this.fs = new SandboxFs({
      home: HOME,
      openRoot: () => {
        const root = openRoot(life.first);
        try {
          requireAlive(life.first); // so it is the root of the very process
          return root;
        } catch (error) {
          root.close();
          throw error;
        }
      },
      umask: () => umask,
      setUmask: (mask) => umask = mask,
    });
  }

  /**
   * Makes a sandbox.
   *
   * @throws {ContainerError} `ConfigInvalid` with all faults of the options; `Unsupported` for
   *   options that this machine can't give; what `Factory.create` and `Container.run` throw
   * @throws the signal's reason
   */
  static async create(options: SandboxOptions = {}): Promise<Sandbox> {
    const life = await makeLife(options);
    const sandbox = new Sandbox(life);
    try {
      await sandbox.fs.mkdir(HOME, { recursive: true, mode: 0o755 });
      return sandbox;
    } catch (error) {
      await life.destroy();
      throw error;
    }
  }

  /**
   * Finds a sandbox again that this program or another has made and that still lives.
   *
   * @throws {ContainerError} `ContainerNotExists` if there is none of that id, or its time is over
   */
  static connect(id: string, options?: ConnectOptions): Promise<Sandbox>;
  /** The same. */
  static connect(options: ConnectOptions & { readonly id: string }): Promise<Sandbox>;
  static async connect(
    which: string | (ConnectOptions & { readonly id: string }),
    more: ConnectOptions = {},
  ): Promise<Sandbox> {
    const { id, factory = new Factory() } = typeof which === "string"
      ? { id: which, ...more }
      : which;
    return new Sandbox(await reviveLife(factory, id));
  }

  /** The sandboxes of this machine that live, those of other programs too. */
  static async list(
    options: SandboxListOptions & ConnectOptions = {},
  ): Promise<SandboxMetadata[]> {
    return await listSandboxes(options.factory ?? new Factory(), options);
  }

  /** Its id, which is its container's. */
  get id(): string {
    return this.#life.id;
  }

  /** The container that it is, for all that a sandbox has no word for. */
  get container(): Container {
    return this.#life.container;
  }

  /** Once it is closed, or has ended. */
  get closed(): Promise<void> {
    return this.#life.closed;
  }

  /** When its time is over; undefined for a session. */
  get deadline(): Date | undefined {
    const { deadline } = this.#life.record;
    return deadline === undefined ? undefined : new Date(deadline);
  }

  /**
   * Starts a program, which begins in the sandbox's home.
   *
   * @param command its file; without a slash it is looked for in PATH
   * @throws {ContainerError} `InitFailed` if it can't be started, `ContainerNotRunning` if the
   *   sandbox has ended
   * @throws the signal's reason
   */
  async spawn(command: string | URL, options: SpawnOptions = {}): Promise<ChildProcess> {
    const { container, record, cgroups } = this.#life;
    const name = command instanceof URL ? decodeURIComponent(command.pathname) : command;
    const host = { container, variables: record.env, oomKills: () => memoryKills(cgroups) };
    const { child, process } = await spawnIn(host, name, options);
    this.#children.set(child, process);
    const note = () => {
      this.#ended.add(child);
      this.#forgetTaken();
    };
    child.status.then(note, note);
    return child;
  }

  /**
   * A command for the shell: bash where there is one, else sh. What is substituted is quoted; an
   * array gives a word for each of its values. It runs once it is awaited.
   */
  sh = (
    strings: TemplateStringsArray,
    ...substitutions: readonly unknown[]
  ): SandboxCommandBuilder => {
    const host = {
      shell: () => this.#shell ??= shellOfHost(),
      spawn: (command: string, options: SpawnOptions) => this.spawn(command, options),
      signalTree: (child: ChildProcess, signal: Deno.Signal) => {
        const process = this.#children.get(child);
        if (process !== undefined) signalAll(process, signal);
      },
    };
    return new SandboxCommandBuilder(host, strings, substitutions);
  };

  /**
   * Lets it live longer: by so much after its deadline.
   *
   * @returns the new deadline
   * @throws {ContainerError} `ConfigInvalid` for what is no duration, or for a session
   */
  async extendTimeout(timeout: Duration): Promise<Date> {
    const ms = durationMs(timeout);
    if (ms !== undefined) return await this.#life.extend(ms);
    throw new ContainerError("ConfigInvalid", `${JSON.stringify(timeout)} is no duration`, {
      hint: 'use one such as "90s" or "5m"',
    });
  }

  /** Lets go of it. The sandbox of a session that this program made ends; one with a time goes on. */
  async close(): Promise<void> {
    await this.#life.close();
    await this.#abandonChildren();
  }

  /** Ends it, with all that runs and lies in it. */
  async kill(): Promise<void> {
    await this.#life.destroy();
    await this.#abandonChildren();
  }

  /** Programs that have ended, and whose outputs somebody reads, are that one's. */
  #forgetTaken(): void {
    for (const child of this.#ended) {
      if (!ChildProcess.isTaken(child)) continue;
      this.#ended.delete(child);
      this.#children.delete(child);
    }
  }

  async #abandonChildren(): Promise<void> {
    const children = [...this.#children.keys()];
    this.#children.clear();
    this.#ended.clear();
    await Promise.all(children.map(ChildProcess.abandon));
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A sandbox has the host's programs. */
function shellOfHost(): string {
  for (const shell of ["/usr/bin/bash", "/bin/bash"]) {
    try {
      if (Deno.statSync(shell).isFile) return shell;
    } catch { /* there is none */ }
  }
  return "/bin/sh";
}
