/**
 * The tasks of one containerd's namespace, which sees no others.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import type { InnerFactoryOptions } from "../../container/workshop.ts";
import { RecentStates } from "../../state/recent_states.ts";
import { undone } from "../../failures/undo.ts";
import { EXIT_FILE } from "../../state/state_temporary.ts";
import { Factory } from "../../factory.ts";
import type { MessageOf } from "../../protobuf/message.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import type { CallContext } from "../../ttrpc/server.ts";
import { timestampOf } from "../messages/common.ts";
import { readOptions } from "../messages/options.ts";
import type { CREATE } from "../messages/task.ts";
import { type KeptTerminal, type StreamsOf, TaskStreams } from "../streams/task_streams.ts";
import type { StreamOwner } from "../streams/targets.ts";
import { makeTask } from "../task/creation.ts";
import type { Ended } from "../task/ended.ts";
import { Records, type TaskRecord } from "../task/record.ts";
import { type Deleted, Task } from "../task/task.ts";
import type { TaskHost } from "../task/task_host.ts";
import { type Exit, TaskProcess, UNKNOWN_STATUS } from "../task/task_process.ts";
import { TakenAway } from "./taken_away.ts";
import { type Client, isName, type Places } from "../host/places.ts";
import type { Publisher } from "../host/publisher.ts";
import { unmountAll } from "../host/rootfs.ts";
import { tell } from "../host/words.ts";

/** What all tasks of this program share. */
export interface Shared {
  readonly places: Places;
  readonly poller: Poller;
  /** How processes ended that the starter adopted. */
  readonly ended: Ended;
  /** A path for a socket that nobody else uses. */
  readonly freeSocket: () => string;
  /** Keeps an fd of a process's streams; see `keeper/`. */
  readonly keep: (fd: Fd, kind: "terminal" | "fifo", of: string) => Disposable;
  /** Notes what went wrong where nobody is told. */
  readonly warn: (error: unknown) => void;
}

/** The tasks. */
export class Tasks {
  readonly #client: Client;
  readonly #publisher: Publisher;
  readonly #shared: Shared;
  readonly #records: Records;
  readonly #tasks = new Map<string, Task>();
  readonly #making = new Set<string>();
  readonly #takenAway: TakenAway;
  /** What was read and planned lately. */
  readonly #states = new RecentStates();
  readonly #factories = new Map<string, Factory>();

  /** Knows of none yet. */
  constructor(client: Client, publisher: Publisher, shared: Shared) {
    this.#client = client;
    this.#publisher = publisher;
    this.#shared = shared;
    this.#records = new Records(shared.places);
    this.#takenAway = new TakenAway(this.#records, client.namespace);
  }

  /** How many there are, with those that are being made. */
  get count(): number {
    return this.#tasks.size + this.#making.size;
  }

  /**
   * The task of an id.
   *
   * @throws {StatusError} `NotFound`
   */
  find(id: string): Task {
    const task = this.#tasks.get(id);
    if (task !== undefined) return task;
    throw new StatusError("NotFound", `container ${id} not found`);
  }

  /** The same; undefined if there is none. */
  tryFind(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** Makes a task; gives the number of its first process, which waits for its start. */
  async create(
    request: MessageOf<typeof CREATE>,
    { signal, isAgain }: CallContext,
  ): Promise<number> {
    const { id, bundle } = request;
    const made = this.#tasks.get(id);
    if (isAgain && made !== undefined) {
      this.#tellCreation(request, made.init.pid); // perhaps a second time
      return made.init.pid;
    }
    if (!isName(id)) throw new StatusError("InvalidArgument", `${id} is no container's name`);
    if (this.#tasks.has(id) || this.#making.has(id)) {
      throw new StatusError("AlreadyExists", `task ${id} already exists`);
    }
    const { options, warnings } = readOptions(request.options);
    for (const warning of warnings) tell(bundle, warning);
    this.#making.add(id);
    try {
      const owner = { uid: options.ioUid, gid: options.ioGid };
      const root = options.root === ""
        ? this.#shared.places.state(this.#client.namespace)
        : `${options.root}/~shim/state/${this.#client.namespace}`;
      const made = await makeTask({
        request,
        options,
        factory: this.#factory(root, options.systemdCgroup),
        streams: this.#streamsOf(id, "", owner),
        signal,
        isAgain,
      });
      const { terminal, stdin, stdout, stderr } = request;
      const record: TaskRecord = {
        id,
        bundle,
        client: this.#client,
        root,
        isSystemd: options.systemdCgroup,
        streams: { terminal, stdin, stdout, stderr },
        owner,
        pid: made.process.pid,
        isStarted: false,
      };
      const init = new TaskProcess("", record.streams);
      init.pid = record.pid;
      init.streams = made.streams;
      const task = new Task(made.container, init, this.#hostOf(record));
      try {
        this.#records.write(record);
      } catch (error) {
        const { container, streams } = made;
        throw await undone(
          error,
          () => streams[Symbol.asyncDispose](),
          () => container.destroy({ force: true }),
          () => unmountAll(`${bundle}/rootfs`),
        );
      }
      this.#takenAway.forget(id);
      this.#tasks.set(id, task);
      this.#tellCreation(request, record.pid);
      task.watch(made.process.wait().then(({ code }) => ({ status: code, atMs: Date.now() })));
      return record.pid;
    } finally {
      this.#making.delete(id);
    }
  }

  #tellCreation({ id, bundle, rootfs, ...io }: MessageOf<typeof CREATE>, pid: number): void {
    const { terminal, stdin, stdout, stderr } = io;
    this.#publisher.publish(this.#client.namespace, "/tasks/create", {
      containerId: id,
      bundle,
      rootfs,
      io: { terminal, stdin, stdout, stderr },
      pid,
    });
  }

  /**
   * Takes a task away; gives what is known of its first process.
   *
   * @param isAgain another program, which was killed, may have done so
   */
  async delete(id: string, isAgain: boolean): Promise<Deleted> {
    const gone = isAgain && !this.#tasks.has(id) ? this.#takenAway.get(id) : undefined;
    const process = gone ?? await this.find(id).delete();
    const { pid, exit } = process;
    this.#tellDeletion(id, process);
    if (gone === undefined) this.#forget(id);
    return { pid, exit };
  }

  #tellDeletion(id: string, { pid, exit }: Deleted): void {
    this.#publisher.publish(this.#client.namespace, "/tasks/delete", {
      containerId: id,
      pid,
      exitStatus: exit?.status,
      exitedAt: exit && timestampOf(exit.atMs),
    });
  }

  /**
   * Takes away what is left of a task for which containerd has no connection any more, whether it
   * is known or not.
   *
   * @returns how it ended, if that is known
   */
  async cleanUp(id: string, bundle: string): Promise<{ pid: number; exit: Exit } | undefined> {
    const task = this.#tasks.get(id);
    if (task !== undefined) {
      await task.destroy();
      this.#forget(id);
      return task.init.exit && { pid: task.init.pid, exit: task.init.exit };
    }
    const gone = this.#takenAway.get(id);
    const factory = this.#factory(this.#shared.places.state(this.#client.namespace), false);
    try {
      if (isName(id)) await factory.remove(id, { force: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (bundle.startsWith("/")) unmountAll(`${bundle}/rootfs`);
    return gone?.exit && { pid: gone.pid, exit: gone.exit };
  }

  /**
   * Goes on with a task of a program that has ended.
   *
   * @param terminals those that were kept, by whose they are; loses those that are taken
   */
  restore(record: TaskRecord, terminals: Map<string, KeptTerminal>): void {
    const { id, root, isSystemd, streams, owner, pid, isStarted, exit } = record;
    const init = new TaskProcess("", streams);
    init.pid = pid;
    let container;
    try {
      container = this.#factory(root, isSystemd).load(id);
    } catch (error) {
      if (!isMissing(error)) throw error;
      unmountAll(`${record.bundle}/rootfs`);
      this.#takenAway.add(id);
      this.#takenAway.remember(record);
      return;
    }
    const host = this.#hostOf({ ...record, isTold: undefined });
    const task = new Task(container, init, host, record.gone);
    this.#tasks.set(id, task);
    const terminal = (execId: string) => {
      const name = this.#nameOf(id, execId);
      const kept = terminals.get(name);
      terminals.delete(name);
      return kept;
    };
    for (const further of record.further ?? []) task.restore(further, terminal(further.execId));
    if (exit !== undefined) {
      task.noteEnd({ ...record, exit });
      TaskStreams.endLate(streams, this.#streamsOf(id, "", owner), terminal(""))
        .catch(this.#shared.warn);
      return;
    }
    try {
      init.streams = TaskStreams.hold(streams, this.#streamsOf(id, "", owner), terminal(""));
    } catch (error) {
      this.#shared.warn(error); // a client that has gone has taken its fifos with it
    }
    if (isStarted) task.watchMemory();
    else if (container.hasRun()) task.noteStart();
    const { folder } = container;
    task.watch(
      container.wait().then((status) => ({
        status: status?.code ?? UNKNOWN_STATUS,
        atMs: recordedAt(folder),
      })),
    );
  }

  /** Remembers a task that another program has taken away, and perhaps not told of. */
  remember(record: TaskRecord): void {
    this.#takenAway.remember(record);
  }

  #forget(id: string): void {
    this.#tasks.get(id)?.forget();
    this.#tasks.delete(id);
    this.#takenAway.add(id);
  }

  #factory(root: string, isSystemd: boolean): Factory {
    const key = `${isSystemd} ${root}`;
    const known = this.#factories.get(key);
    if (known !== undefined) return known;
    const options: InnerFactoryOptions = {
      root,
      poller: this.#shared.poller,
      states: this.#states,
      cgroupDriver: isSystemd ? "systemd" : "cgroupfs",
      onWarning: ({ pointer, message }) => this.#shared.warn(`${pointer}: ${message}`),
    };
    const factory = new Factory(options);
    this.#factories.set(key, factory);
    return factory;
  }

  #streamsOf(id: string, execId: string, owner: StreamOwner): StreamsOf {
    const { poller, freeSocket, keep } = this.#shared;
    const { namespace } = this.#client;
    const of = this.#nameOf(id, execId);
    const kept: StreamsOf["keep"] = (fd, kind) => keep(fd, kind, of);
    return { id, namespace, owner, poller, socket: freeSocket(), keep: kept };
  }

  /** The name under which a process's terminal is kept. */
  #nameOf(id: string, execId: string): string {
    return `${this.#client.namespace}/${id}/${execId}`;
  }

  #hostOf(record: TaskRecord): TaskHost {
    const { id, bundle, owner } = record;
    const { namespace } = this.#client;
    return {
      bundle,
      poller: this.#shared.poller,
      publish: (topic, event) => this.#publisher.publish(namespace, topic, event),
      streamsOf: (execId) => this.#streamsOf(id, execId, owner),
      keep: (known) => {
        if (this.#tasks.has(id)) this.#records.write({ ...record, ...known });
      },
      ended: this.#shared.ended,
      warn: (error) => {
        tell(bundle, error);
        this.#shared.warn(error);
      },
    };
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "ContainerNotExists";
}

/** When the supervisor wrote how the process ended. */
function recordedAt(folder: string): number {
  try {
    return Deno.statSync(`${folder}/${EXIT_FILE}`).mtime?.getTime() ?? Date.now();
  } catch {
    return Date.now();
  }
}
