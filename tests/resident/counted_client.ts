/**
 * A client of a resident as `scripts/install --resident` makes it, and a count of the commands that
 * went without one.
 *
 * @module
 */

import { fromFileUrl } from "../fixtures/paths.ts";

const INSTALL = fromFileUrl(new URL("../../scripts/install", import.meta.url));
const COUNTED_MODE = 0o666; // some commands are of ordinary users

/** Installed below a folder. */
export class CountedClient {
  /** The client. */
  readonly path: string;
  /** What starts hull, uncounted. */
  readonly launcher: string;
  /** Where it looks for a resident. */
  readonly socket: string;
  readonly #count: string;

  /** Installs it. */
  constructor(folder: string) {
    this.path = `${folder}/hull`;
    this.socket = `${folder}/resident.sock`;
    this.#count = `${folder}/cold`;
    this.launcher = `${folder}/installed/lib/hull/scripts/launcher`;
    must([INSTALL, "--resident", "--prefix", `${folder}/installed`]);
    Deno.writeTextFileSync(this.#count, "");
    Deno.chmodSync(this.#count, COUNTED_MODE);
    const counting = `{ echo >>'${this.#count}'; } 2>/dev/null || :`;
    const launcher = Deno.readTextFileSync(this.launcher);
    const counted = `${this.launcher}.counted`; // beside it, where it finds the bundle
    Deno.writeTextFileSync(counted, launcher.replace("\n", `\n${counting}\n`), { mode: 0o755 });
    const places = ["--socket", this.socket, "--launcher", counted, "--output", this.path];
    must([this.launcher, "resident", "client", ...places]);
  }

  /** How many commands went without a resident. */
  get cold(): number {
    return Deno.statSync(this.#count).size;
  }
}

function must([program = "", ...args]: readonly string[]): void {
  const { success, stderr } = new Deno.Command(program, { args, stdout: "null" }).outputSync();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
