/**
 * What a machine sees of this host, and the daemons that show it.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** A folder that a machine sees. */
export interface Share {
  /** Its name in the machine. */
  readonly tag: string;
  /** Where it is here. */
  readonly folder: string;
  /** Whether the machine may write to it, and sees at once what is written here. */
  readonly isLive?: boolean;
}

const DAEMONS = ["/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd"];

/** A daemon that shows one folder to one machine, at a socket. */
export class SharedFolder implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #socket: string;
  readonly #share: Share;

  /** Starts it; its socket and its log lie in `run`. */
  constructor(share: Share, run: string) {
    this.#share = share;
    this.#socket = `${run}/${share.tag}.socket`;
    const cache = share.isLive === true ? "none" : "always";
    this.#child = new Deno.Command("setpriv", {
      // xattr: the rights of files, such as newuidmap's
      args: [
        ...["--pdeathsig", "TERM", findDaemon(), `--socket-path=${this.#socket}`],
        ...["-o", `source=${share.folder}`, "-o", `cache=${cache}`, "-o", "sandbox=chroot"],
        ...["-o", "xattr"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Waits for its socket. */
  async ready(): Promise<void> {
    for (let waited = 0; waited < 10_000; waited += 50) {
      if (isSocket(this.#socket)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Refusal(`virtiofsd does not show ${this.#share.folder}`);
  }

  /** The words by which qemu gives it to the machine. */
  get words(): string[] {
    const { tag } = this.#share;
    return [
      ...["-chardev", `socket,id=${tag},path=${this.#socket}`],
      ...["-device", `vhost-user-fs-pci,chardev=${tag},tag=${tag}`],
    ];
  }

  /** It ends with the machine by itself; without one it is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#child.status;
  }
}

function isSocket(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}

function findDaemon(): string {
  for (const path of DAEMONS) {
    try {
      Deno.statSync(path);
      return path;
    } catch {
      // the other, older place
    }
  }
  throw new Refusal("virtiofsd is missing: apt-get install qemu-system-common or virtiofsd");
}
