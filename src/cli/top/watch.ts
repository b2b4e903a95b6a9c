/**
 * Looks at all containers of a root, again and again, at little cost: what a container uses is read
 * from files that stay open, and its state only where these leave a doubt.
 *
 * @module
 */

import { tryStatPath } from "../../../ffi/files/file_status.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { detectCgroups } from "../../cgroups/detect.ts";
import { softLimitOf } from "../../../ffi/processes/rlimit.ts";
import { GAUGE_FILES, GaugeReader, type Gauges } from "../../cgroups/gauges.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import type { Factory } from "../../factory.ts";
import {
  type Counted,
  type History,
  type Round,
  type Row,
  together,
  type Traffic,
  usageOf,
} from "./round.ts";
import { Series } from "./series.ts";
import { stopSignalOf } from "./stop_signal.ts";

/** After how many rounds the state of a container is read in any case. */
const ANEW = 16;
/** After how many its limits are. */
const LIMITS = 4;
/** How many fds are left free for other needs. */
const SPARE = 128;

/** What all that is watched shares. */
interface Place {
  readonly factory: Pick<Factory, "ids" | "load">;
  /** Of the host's cgroups; undefined where there are none. */
  readonly version: 1 | 2 | undefined;
  /** How many containers' files may still stay open; the others' are opened for each reading. */
  room: number;
}

/** The traffic of the host's interfaces, by name, as their other ends see it. */
type Interfaces = ReadonlyMap<string, Traffic>;

/** Watches the containers of a Factory. */
export class Watch implements Disposable {
  readonly #place: Place;
  #watched = new Map<string, Watched>();
  #rounds = 0;

  /** Looks at nothing yet. */
  constructor(factory: Pick<Factory, "ids" | "load">) {
    const room = Math.floor((softLimitOf("RLIMIT_NOFILE") - SPARE) / GAUGE_FILES);
    this.#place = { factory, version: versionOfHost(), room };
  }

  /**
   * Looks at all of them.
   *
   * @throws {ContainerError} `SystemError` if the root folder can't be read, or others can write
   */
  round(): Round {
    const before = this.#watched;
    this.#watched = new Map();
    this.#rounds++;
    for (const id of this.#place.factory.ids()) {
      const known = before.get(id) ?? new Watched(id, this.#place, this.#watched.size);
      this.#watched.set(id, known);
      before.delete(id);
    }
    for (const gone of before.values()) gone[Symbol.dispose]();
    let read: Interfaces | undefined;
    const interfaces = () => read ??= readInterfaces();
    const rows = [...this.#watched.values()].flatMap((each) => each.look(this.#rounds, interfaces));
    return { at: performance.now(), rows };
  }

  /** Closes all files. */
  [Symbol.dispose](): void {
    for (const each of this.#watched.values()) each[Symbol.dispose]();
    this.#watched.clear();
  }
}

/** One container, and what is kept of it between two rounds. */
class Watched implements Disposable {
  readonly #id: string;
  readonly #place: Place;
  /** In which of the rounds its state is read in any case. */
  readonly #turn: number;
  #container: Container | undefined;
  #command: readonly string[] = [];
  #stopSignal = stopSignalOf(undefined);
  #status: Row["status"] | "gone" = "creating";
  #interfaces: readonly string[] = [];
  #reader: GaugeReader | undefined;
  /** Whether its files stay open. */
  #isKept = false;
  #counted: Counted | undefined;
  /** That of the folder of a stopped one. */
  #inode: bigint | undefined;
  #history = emptyHistory();

  constructor(id: string, place: Place, turn: number) {
    this.#id = id;
    this.#place = place;
    this.#turn = turn;
  }

  /** Its row; none if it is gone. */
  look(round: number, interfaces: () => Interfaces): Row[] {
    const gauges = this.#reader?.read((round + this.#turn) % LIMITS === 0);
    if (this.#isInDoubt(gauges, round)) this.#readState();
    else if (gauges?.isFrozen !== undefined) this.#status = gauges.isFrozen ? "paused" : "running";
    const status = this.#status;
    if (status === "gone") return [];
    const before = this.#counted;
    this.#counted = this.#count(gauges ?? this.#reader?.read(), interfaces);
    const usage = usageOf(this.#counted, before);
    if (this.#counted !== undefined) {
      const { at } = this.#counted;
      const add = (series: Series, value: number | undefined) => {
        if (value !== undefined) series.add(before?.at ?? at, at, value);
      };
      add(this.#history.cpu, usage.cpu);
      add(this.#history.memory, usage.memory);
      add(this.#history.io, together(usage.read, usage.written));
      add(this.#history.network, together(usage.received, usage.sent));
    }
    return [{
      id: this.#id,
      status,
      command: this.#command,
      usage,
      counted: this.#counted,
      history: this.#history,
      stopSignal: this.#stopSignal,
      container: this.#container,
    }];
  }

  /** Whether the state must be read: what uses nothing or can't be looked at may have ended. */
  #isInDoubt(gauges: Gauges | undefined, round: number): boolean {
    if ((round + this.#turn) % ANEW === 0 || this.#status === "created") return true;
    if (this.#status === "stopped") return this.#inode !== this.#inodeNow(); // else it stays so
    return gauges === undefined || gauges.pids === 0 || gauges.isEmpty === true;
  }

  /** By which a later container's folder is told from this one's. */
  #inodeNow(): bigint | undefined {
    const status = tryStatPath(this.#container?.folder ?? "", false);
    return typeof status === "number" ? undefined : status.inode;
  }

  #count(gauges: Gauges | undefined, interfaces: () => Interfaces): Counted | undefined {
    if (gauges === undefined || this.#status === "stopped") return undefined;
    const ends = this.#interfaces.flatMap((name) => interfaces().get(name) ?? []);
    const traffic = ends.length === 0 ? undefined : {
      received: ends.reduce((sum, { received }) => sum + received, 0),
      sent: ends.reduce((sum, { sent }) => sum + sent, 0),
    };
    return { at: performance.now(), gauges, traffic };
  }

  #readState(): void {
    try {
      this.#takeState();
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      this.#forget();
      try {
        this.#takeState(); // another one may have the id now
      } catch (again) {
        if (!(again instanceof ContainerError)) throw again;
        this.#forget();
        this.#status = again.code === "ContainerNotExists" ? "gone" : "broken";
      }
    }
  }

  #takeState(): void {
    const { status, cgroupPaths } = this.#loaded().state();
    this.#status = status;
    if (status === "stopped" || status === "creating") this.#close();
    else this.#open(cgroupPaths);
    if (status === "stopped") this.#inode = this.#inodeNow();
  }

  #loaded(): Container {
    if (this.#container !== undefined) return this.#container;
    this.#container = this.#place.factory.load(this.#id);
    const { process, annotations } = this.#container.config;
    this.#command = process?.args ?? [];
    this.#stopSignal = stopSignalOf(annotations);
    return this.#container;
  }

  #forget(): void {
    this.#close();
    this.#container = undefined;
    this.#command = [];
    this.#history = emptyHistory();
  }

  #open(cgroupPaths: Readonly<Record<string, string>>): void {
    const { version } = this.#place;
    if (this.#reader !== undefined || version === undefined) return;
    this.#interfaces = this.#loaded().networks().flatMap(({ hostInterfaceName }) =>
      hostInterfaceName ?? []
    );
    this.#isKept = this.#place.room > 0;
    this.#reader = new GaugeReader(version, cgroupPaths, this.#isKept);
    if (this.#isKept) this.#place.room--;
  }

  #close(): void {
    if (this.#reader !== undefined && this.#isKept) this.#place.room++;
    this.#reader?.[Symbol.dispose]();
    this.#reader = undefined;
    this.#counted = undefined;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

function emptyHistory(): History {
  return { cpu: new Series(), memory: new Series(), io: new Series(), network: new Series() };
}

/** Undefined on a host without cgroups. */
function versionOfHost(): 1 | 2 | undefined {
  try {
    return detectCgroups().version;
  } catch (error) {
    if (error instanceof ContainerError) return undefined;
    throw error;
  }
}

/** The columns of /proc/net/dev behind an interface's name: proc_net(5). */
const RECEIVED = 0;
const SENT = 8;

/** All of them in one reading. What an end on the host has received, the container has sent. */
function readInterfaces(): Interfaces {
  const interfaces = new Map<string, Traffic>();
  for (const line of optionalText("/proc/thread-self/net/dev").split("\n")) {
    const colon = line.lastIndexOf(":");
    if (colon < 0) continue;
    const columns = line.slice(colon + 1).trim().split(/\s+/);
    interfaces.set(line.slice(0, colon).trim(), {
      received: Number(columns[SENT]),
      sent: Number(columns[RECEIVED]),
    });
  }
  return interfaces;
}
