/** A runtime that is a command. @module */

import { Poller } from "../../ffi/waiting/poll.ts";
import { openPidfd } from "../../ffi/processes/process.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import type { Runtime } from "./runtime.ts";

/** A runtime with runc's command line. */
export class CliRuntime implements Runtime {
  readonly name: string;
  readonly isInside = false;
  readonly #words: readonly string[];
  readonly #birth: readonly string[];

  /**
   * @param words the words up to the command
   * @param birth flags of `run` and `create`
   */
  constructor(name: string, words: readonly string[], birth: readonly string[] = []) {
    this.name = name;
    this.#words = words;
    this.#birth = birth;
  }

  /** The program and arguments of a `run`. */
  runWords(bundle: Bundle, id: string): readonly string[] {
    return [...this.#words, "run", ...this.#birth, "--bundle", bundle.folder, id];
  }

  run(bundle: Bundle, id: string): Promise<void> {
    return call(this.runWords(bundle, id));
  }

  async live(bundle: Bundle, id: string): Promise<void> {
    const pidFile = `${bundle.folder}/${this.name}.pid`;
    await this.#create(bundle, id, ["--pid-file", pidFile]);
    using poller = new Poller();
    using pidfd = openPidfd(Number(await Deno.readTextFile(pidFile)));
    await this.start(id);
    await poller.wait(pidfd);
    await this.#call("delete", id);
  }

  create(bundle: Bundle, id: string): Promise<void> {
    return this.#create(bundle, id, []);
  }

  start(id: string): Promise<void> {
    return this.#call("start", id);
  }

  exec(id: string): Promise<void> {
    return this.#call("exec", id, "/bin/true");
  }

  remove(id: string): Promise<void> {
    return this.#call("delete", "--force", id);
  }

  async pid(id: string): Promise<number> {
    const { stdout } = await command([...this.#words, "state", id], "piped").output();
    return (JSON.parse(new TextDecoder().decode(stdout)) as { pid: number }).pid;
  }

  /** The container keeps the streams, so that none may be a pipe of this program. */
  async #create(bundle: Bundle, id: string, flags: readonly string[]): Promise<void> {
    const words = ["create", ...this.#birth, ...flags, "--bundle", bundle.folder, id];
    const { code } = await command([...this.#words, ...words], "null").output();
    if (code !== 0) throw new Error(`${this.name} create ended with ${code}`);
  }

  #call(...words: string[]): Promise<void> {
    return call([...this.#words, ...words]);
  }
}

function command(words: readonly string[], streams: "null" | "piped"): Deno.Command {
  const [program = "", ...args] = words;
  return new Deno.Command(program, { args, stdin: "null", stdout: streams, stderr: streams });
}

async function call(words: readonly string[]): Promise<void> {
  const { code, stderr } = await command(words, "piped").output();
  if (code === 0) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new Error(said === "" ? `${words.join(" ")} ended with ${code}` : said);
}
