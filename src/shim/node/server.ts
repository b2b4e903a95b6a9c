/**
 * The process that serves: all containers of all clients on this host. It keeps nothing that is not
 * in its folder, so another one can go on where it was killed.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { restEngineThreads } from "../../own/engine_threads.ts";
import { MemoryReturn } from "../../own/memory_return.ts";
import type { Given, MessageOf } from "../../protobuf/message.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import type { Methods } from "../../ttrpc/server.ts";
import { timestampOf } from "../messages/common.ts";
import { DELETED } from "../messages/task.ts";
import { Ended } from "../task/ended.ts";
import { Records } from "../task/record.ts";
import { hasStarter, openStarter } from "../keeper/starter.ts";
import { reapChild } from "../../../ffi/processes/process.ts";
import { type Found, Keeper, SUCCESSION_MS } from "../keeper/keeper.ts";
import { closeTerminal, type KeptTerminal } from "../streams/task_streams.ts";
import { keepClient, readClients } from "../host/clients.ts";
import { clientOf, deleteAnswer, startAnswer } from "./answers.ts";
import { answerDirectly, type DirectCall } from "./direct_calls.ts";
import { Door } from "./door.ts";
import { CLEAN, CONTROL_SERVICE, OPEN, OPENED } from "./control.ts";
import { CALLS, type Client, CONTROL, isName, type Places, socketName } from "../host/places.ts";
import { Publisher } from "../host/publisher.ts";
import { method, taskMethods } from "./service.ts";
import { type Shared, Tasks } from "./tasks.ts";
import { note } from "../host/words.ts";

/** How long it stays with nothing to do. */
const IDLE_MS = 60_000;

/** A client as it is served. */
interface Served {
  readonly name: string;
  readonly tasks: Tasks;
}

/** The server. */
export class Server {
  readonly #places: Places;
  readonly #start: () => void;
  /** containerd's next call mostly comes as soon as it has its answer. */
  readonly #poller = new Poller({ lingerMs: () => 1 });
  readonly #keeper: Keeper;
  readonly #door: Door;
  readonly #terminals: Map<string, KeptTerminal>;
  readonly #fifos: readonly Found[];
  readonly #served = new Map<string, Served>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #memory = new MemoryReturn();
  readonly #idle = Promise.withResolvers<void>();
  readonly #shared: Shared;
  #isEnded = false;
  #sockets = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Serves nobody yet. The caller holds the shim's lock.
   *
   * @param start starts another starter
   */
  constructor(places: Places, start: () => void) {
    this.#places = places;
    this.#start = start;
    const warn = note;
    const poller = this.#poller;
    const keeper = this.#keeper = Keeper.attach(places.kept, places.root);
    const letGo = (number: number) => ({ [Symbol.dispose]: () => keeper.drop(number) });
    const found = keeper.found();
    const masters = found.filter(({ kind }) => kind === "terminal");
    this.#terminals = new Map(
      masters.map(({ of, fd, number }) => [of, { fd, kept: letGo(number) }]),
    );
    this.#fifos = found.filter(({ kind }) => kind === "fifo");
    this.#door = new Door({ places, poller, keeper, warn, onEnd: () => this.#rest() }, found);
    for (const { name } of Deno.readDirSync(places.sockets)) { // of starts that were cut short
      if (/^t\d+-\d+$/.test(name)) Deno.removeSync(`${places.sockets}/${name}`);
    }
    this.#shared = {
      places,
      poller,
      ended: new Ended(places.ended),
      freeSocket: () => `${places.sockets}/t${Deno.pid}-${this.#sockets++}`,
      keep: (fd, kind, of) => {
        try {
          return letGo(keeper.keep(fd, { kind, of }));
        } catch (error) {
          warn(error); // without room for it, it lives as long as this program
          return { [Symbol.dispose]: () => {} };
        }
      },
      warn,
    };
  }

  /** Serves until there has been nothing to do for a while. */
  async run(): Promise<void> {
    restEngineThreads();
    this.#keeper.watch(this.#poller).catch(this.#shared.warn);
    this.#watchStarter().catch(this.#shared.warn);
    const clients = readClients(this.#places);
    for (const client of clients) await this.#know(client);
    const records = new Records(this.#places);
    for (const record of records.buried()) (await this.#know(record.client)).tasks.remember(record);
    for (const record of records.all()) {
      try {
        (await this.#know(record.client)).tasks.restore(record, this.#terminals);
      } catch (error) {
        this.#shared.warn(error);
      }
    }
    for (const terminal of this.#terminals.values()) closeTerminal(terminal); // whose processes are gone
    for (const { fd, number } of this.#fifos) { // which are held anew
      fd.close();
      this.#keeper.drop(number);
    }
    // Calls that go on find the tasks as they are.
    for (const served of this.#served.values()) this.#open(served);
    this.#door.open(CONTROL, this.#controlMethods());
    const { poller } = this.#shared;
    const act = (direct: DirectCall) => this.#callDirectly(direct);
    this.#door.openShortly(CALLS, (socket) => answerDirectly(socket, poller, act));
    this.#rest();
    await this.#idle.promise;
    this.#isEnded = true;
    this.#memory[Symbol.dispose]();
    this.#keeper.end();
  }

  /** Without a starter nobody would start this program again: a killed one is followed by another. */
  async #watchStarter(): Promise<void> {
    for (;;) {
      using pidfd = openStarter(this.#places);
      if (pidfd !== undefined) {
        await this.#poller.wait(pidfd);
        reapChild(pidfd);
      }
      await pause(SUCCESSION_MS); // a new one may also be about to write who it is
      if (this.#isEnded) return;
      if (!hasStarter(this.#places)) this.#start();
    }
  }

  /** What the shim's client asks for. */
  async #callDirectly({ call, env, folder }: DirectCall): Promise<Uint8Array> {
    const client = knownClient(clientOf(call, env));
    if (call.action === "start") {
      const answer = startAnswer(await this.#addressOf(client), env, folder);
      return new TextEncoder().encode(answer);
    }
    if (call.action === "delete") {
      return deleteAnswer(await this.#cleanUp(client, call.id, call.bundle));
    }
    throw new StatusError("Unimplemented", `${call.action} is for the program itself`);
  }

  async #addressOf(client: Client): Promise<string> {
    const { name } = await this.#serve(client);
    return `unix://${this.#door.path(name)}`;
  }

  async #cleanUp(client: Client, id: string, bundle: string): Promise<Given<typeof DELETED>> {
    const { tasks } = await this.#serve(client);
    const known = await tasks.cleanUp(id, bundle);
    return known === undefined ? {} : {
      pid: known.pid,
      exitStatus: known.exit.status,
      exitedAt: timestampOf(known.exit.atMs),
    };
  }

  #controlMethods(): Methods {
    const open = method(OPEN, OPENED, async ({ client }) => ({
      address: await this.#addressOf(knownClient(client)),
    }));
    const clean = method(
      CLEAN,
      DELETED,
      ({ client, id, bundle }) => this.#cleanUp(knownClient(client), id, bundle),
    );
    return (service, name) =>
      service === CONTROL_SERVICE ? { Open: open, Clean: clean }[name] : undefined;
  }

  /** Serves a client, if that is not done already. */
  async #serve(client: Client): Promise<Served> {
    const name = await socketName(client);
    const known = this.#served.get(name);
    if (known !== undefined) return known;
    const served = await this.#know(client);
    keepClient(this.#places, name, client);
    this.#open(served);
    return served;
  }

  /** Lets a client's calls come. */
  #open({ name, tasks }: Served): void {
    const methods = taskMethods(tasks);
    this.#door.open(name, (service, name) => {
      this.#memory.note();
      return methods(service, name);
    });
  }

  /** A client whose socket may not be there yet. */
  async #know(client: Client): Promise<Served> {
    const name = await socketName(client);
    const known = this.#served.get(name);
    if (known !== undefined) return known;
    const { ttrpcAddress } = client;
    const outbox = await socketName({ namespace: "", address: ttrpcAddress, ttrpcAddress });
    const madeMeanwhile = this.#served.get(name);
    if (madeMeanwhile !== undefined) return madeMeanwhile;
    const publisher = this.#publishers.get(ttrpcAddress) ?? new Publisher(
      ttrpcAddress,
      `${this.#places.events}/${outbox}`,
      this.#poller,
      this.#shared.warn,
    );
    this.#publishers.set(ttrpcAddress, publisher);
    const served = { name, tasks: new Tasks(client, publisher, this.#shared) };
    this.#served.set(name, served);
    return served;
  }

  /** Ends the server after a while, unless something comes. */
  #rest(): void {
    clearTimeout(this.#timer);
    const end = () => {
      this.#shared.ended.tidy();
      const tasks = [...this.#served.values()].reduce((sum, { tasks }) => sum + tasks.count, 0);
      if (this.#door.connections === 0 && tasks === 0) this.#idle.resolve();
      else this.#rest();
    };
    this.#timer = setTimeout(end, IDLE_MS);
  }
}

function knownClient(client: MessageOf<typeof OPEN>["client"]): Client {
  if (client !== undefined && isName(client.namespace)) return client;
  throw new StatusError("InvalidArgument", `${client?.namespace} is no namespace's name`);
}
