/**
 * Where the shim keeps things: below `~shim` in hull's root folder. No container can have a name
 * with `~`.
 *
 * - `state/NAMESPACE/`: the containers, as in any root folder of hull
 * - `tasks/NAMESPACE/ID.json`: what containerd said of each
 * - `sockets/`: one for each namespace of each containerd, and that of the shim itself
 * - `kept/`, `calls/`, `clients/`: what the next process needs, if this one is killed
 *
 * @module
 */

/** The name of the shim's own socket. */
export const CONTROL = "control";
/** The name of the socket for the shim's client. */
export const CALLS = "calls";

/** The shim's folder. */
export class Places {
  /** @param root hull's root folder */
  constructor(readonly root: string) {}

  /** The folder itself. */
  get folder(): string {
    return `${this.root}/~shim`;
  }

  /** The lock of the process that serves. */
  get lock(): string {
    return `${this.folder}/lock`;
  }

  /** How processes ended that the starter adopted. */
  get ended(): string {
    return `${this.folder}/ended`;
  }

  /** Which process starts it. */
  get starter(): string {
    return `${this.folder}/starter.json`;
  }

  /** The socket by which the shim itself is asked. */
  get control(): string {
    return `${this.sockets}/${CONTROL}`;
  }

  /** Where the sockets are. */
  get sockets(): string {
    return `${this.folder}/sockets`;
  }

  /** What the keeper has, by number: see `keeper/`. */
  get kept(): string {
    return `${this.folder}/kept`;
  }

  /** The calls of each connection, by the number under which the keeper has it. */
  get calls(): string {
    return `${this.folder}/calls`;
  }

  /** The clients for which a shim was ever started. */
  get clients(): string {
    return `${this.folder}/clients`;
  }

  /** What each containerd is to be told. */
  get events(): string {
    return `${this.folder}/events`;
  }

  /** What goes wrong where nobody is told. */
  get log(): string {
    return `${this.folder}/log`;
  }

  /** The root folder of a namespace's containers. */
  state(namespace: string): string {
    return `${this.folder}/state/${namespace}`;
  }

  /** The folder of a namespace's tasks. */
  tasks(namespace: string): string {
    return `${this.folder}/tasks/${namespace}`;
  }

  /** Makes the folders. */
  make(): void {
    const inside = ["tasks", "state"].map((name) => `${this.folder}/${name}`);
    const own = [this.sockets, this.kept, this.calls, this.clients, this.events];
    for (const folder of [...inside, ...own]) {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  }
}

/** A containerd's namespace, as its shims are started for it. */
export interface Client {
  readonly namespace: string;
  /** The address of containerd's own socket, which tells one containerd from another. */
  readonly address: string;
  /** The address of the socket that takes events. */
  readonly ttrpcAddress: string;
}

/** The name of a client's socket: short, since a path of a socket has 107 bytes at most. */
export async function socketName({ namespace, address }: Client): Promise<string> {
  const text = new TextEncoder().encode(`${address}\0${namespace}`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).slice(0, 12).toHex();
}

/**
 * Whether a name can be a namespace or a container: they become names of files.
 *
 * Source: containerd's pkg/identifiers.
 */
export function isName(name: string): boolean {
  return name.length <= 76 && /^[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*$/.test(name);
}
