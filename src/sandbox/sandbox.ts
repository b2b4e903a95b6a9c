/**
 * A workspace on this machine: a container that stays, with programs, files and a shell.
 *
 * @module
 */

import type { Container } from "../container.ts";
import { ContainerError } from "../errors.ts";
import { openRoot, requireAlive } from "../exec/joined_container.ts";
import { Factory } from "../factory.ts";
import { finish, undone } from "../failures/undo.ts";
import type { Process } from "../process.ts";
import { SandboxDeno } from "./deno/sandbox_deno.ts";
import { InnerHttp, innerPort, type RequestOptions } from "./http/inner_http.ts";
import { listeningPorts } from "./http/listening_ports.ts";
import { hasDeno } from "./own_deno.ts";
import { HOME, SandboxEnv } from "./options/environment.ts";
import { SandboxFs } from "./fs/sandbox_fs.ts";
import { type LifeHandle, makeLife, reviveLife } from "./life.ts";
import { memoryKills } from "./memory_kills.ts";
import { type Duration, durationMs, type SandboxOptions } from "./options/sandbox_options.ts";
import { ChildProcess, type Running } from "./processes/child_process.ts";
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
  /** Its Deno. */
  readonly deno: SandboxDeno;
  readonly #life: LifeHandle;
  readonly #http: InnerHttp;
  /** Those whose outputs nobody has taken yet, too: they are closed with the sandbox. */
  readonly #children = new Map<ChildProcess, Process>();
  readonly #ended = new Set<ChildProcess>();
  #shell: string | undefined;
  #url: string | undefined;

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
    const http = new InnerHttp(life.first, life.container.folder, life.id);
    this.#http = http;
    this.deno = new SandboxDeno({
      fs: this.fs,
      isThere: hasDeno(life.container.config),
      request: (port, url, init) => http.fetch(port, url, init),
      start: (...start) => this.#start(...start),
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
    const sandbox = new Sandbox(await makeLife(options));
    const { port } = options;
    if (port === undefined) return sandbox;
    try {
      sandbox.#url = await sandbox.exposeHttp({ port });
      return sandbox;
    } catch (error) {
      throw await undone(error, () => sandbox.kill());
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
    return await this.#start(command, options, [], (running) => new ChildProcess(running));
  }

  /**
   * A command for the shell: bash where there is one, else sh. What is substituted is quoted; an
   * array gives a word for each of its values. Where no quoting is safe, as in a here-document, it
   * is refused. It runs once it is awaited.
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
   * Makes a request to a server in the sandbox, such as `http://localhost:8080/`.
   *
   * @throws {ContainerError} `Unsupported` for another host than the sandbox, and for HTTPS
   * @throws {TypeError} if nobody listens there
   */
  async fetch(url: string | URL, init?: RequestOptions): Promise<Response> {
    const target = new URL(url);
    return await this.#http.fetch(innerPort(target, this.id), target, init);
  }

  /**
   * Has a port of this host's loopback interface lead to a server in the sandbox, until it is closed
   * or this program ends. Any program of this host may connect to it.
   *
   * @param target the server's port, or a program that was started here and listens
   * @returns its URL, such as `http://127.0.0.1:40123`
   * @throws {ContainerError} `ContainerNotRunning` for a program that does not listen
   */
  async exposeHttp(
    target: { readonly port: number } | { readonly pid: number },
  ): Promise<string> {
    const port = "port" in target ? target.port : this.#portOf(target.pid);
    return await Promise.resolve(this.#http.expose(port));
  }

  /** Where the port that `create` was told is found, if it was told one: see `exposeHttp`. */
  get url(): string | undefined {
    return this.#url;
  }

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
    await finish(() => this.#life.close(), () => this.#letGo());
  }

  /** Ends it, with all that runs and lies in it. */
  async kill(): Promise<void> {
    await finish(() => this.#life.destroy(), () => this.#letGo());
  }

  async #start<Child extends ChildProcess>(
    command: string | URL,
    options: SpawnOptions,
    extraFiles: readonly number[],
    make: (running: Running) => Child,
  ): Promise<Child> {
    const { container, record, cgroups } = this.#life;
    const name = command instanceof URL ? decodeURIComponent(command.pathname) : command;
    const host = { container, variables: record.env, oomKills: () => memoryKills(cgroups) };
    const { child, process } = await spawnIn(host, name, options, extraFiles, make);
    this.#children.set(child, process);
    const note = () => {
      this.#ended.add(child);
      this.#forgetTaken();
    };
    child.status.then(note, note);
    return child;
  }

  #portOf(pid: number): number {
    const [, process] = [...this.#children].find(([child]) => child.pid === pid) ?? [];
    const [port] = process === undefined ? [] : listeningPorts(process.pid);
    if (port !== undefined) return port;
    throw new ContainerError("ContainerNotRunning", `program ${pid} does not listen on a port`, {
      hint: "name the port, or wait for httpReady of a Deno program",
    });
  }

  /** Programs that have ended, and whose outputs somebody reads, are that one's. */
  #forgetTaken(): void {
    for (const child of this.#ended) {
      if (!ChildProcess.isTaken(child)) continue;
      this.#ended.delete(child);
      this.#children.delete(child);
    }
  }

  /** Closes what this program holds of it. */
  async #letGo(): Promise<void> {
    const children = [...this.#children.keys()];
    this.#children.clear();
    this.#ended.clear();
    await finish(
      () => this.#http[Symbol.asyncDispose](),
      async () => void await Promise.all(children.map(ChildProcess.abandon)),
    );
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
