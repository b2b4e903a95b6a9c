/**
 * A caller whose command this resident does: what it has is read from its process, and what only it
 * can do it is told to do.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import {
  type Fd,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_PATH,
  O_WRONLY,
  open,
} from "../../../ffi/files/file.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { isThere, S_IFMT, S_IFREG, statAt } from "../../../ffi/files/file_status.ts";
import { copyFdOf, openPidfd } from "../../../ffi/processes/process.ts";
import { signalName, signalNumber } from "../../../ffi/processes/signals.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { PlainSignal } from "../../container/signals.ts";
import type { ProcessOptions } from "../../process.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import type { RecentStates } from "../../state/recent_states.ts";
import { type Caller, NotHere, type Sink, type Stage } from "../caller/caller.ts";
import { lacksFds } from "./lacks_fds.ts";
import { readGivenText } from "../caller/given_text.ts";
import type { Client } from "./client.ts";
import { ClientGone } from "./client_channel.ts";
import type { Peer } from "./peer.ts";
import { RemoteOutput } from "./remote_output.ts";
import { sendSignalBy } from "./sent_signal.ts";
import { OF_PROCESS } from "./served.ts";

/** A path in a config that hull opens, and that means another thing in each process. */
const PATH_OF_PROCESS = new RegExp(
  `"(path|source|listenerPath)"\\s*:\\s*"[^"]*(${OF_PROCESS.source})`,
);
/** More would need a longer program than a client takes. */
const MOST_PRESERVED = 64;
/** As the engine says it. */
const MISSING = "No such file or directory (os error 2)";

/** A caller in another process. */
export class RemoteCaller implements Caller, Disposable {
  readonly isOther = true;
  readonly bearer: Client;
  readonly stdin: Pick<Sink, "isTerminal">;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly #peer: Peer;
  readonly #output: RemoteOutput;
  readonly #opened = new DisposableStack();

  #streams: readonly Fd[] | undefined;

  /** For a caller that is served; with what was read for others. */
  constructor(client: Client, peer: Peer, readonly states: RecentStates) {
    this.bearer = client;
    this.#peer = peer;
    this.#output = new RemoteOutput(client, peer);
    this.stdin = this.#output.sink(0);
    this.stdout = this.#output.sink(1);
    this.stderr = this.#output.sink(2);
  }

  /** Its process inherits what its caller's has, unless this program has that, too. */
  get stdio(): Pick<ProcessOptions, "stdin" | "stdout" | "stderr"> {
    const [stdin, stdout, stderr] = (this.#streams ?? []).map(({ number }) => number);
    return { stdin, stdout, stderr };
  }

  get identity(): ProcessIdentity {
    return this.#peer.identity;
  }

  get environment(): readonly string[] {
    return this.#peer.environment;
  }

  get poller(): Poller {
    return this.bearer.poller;
  }

  get gone(): AbortSignal {
    return this.bearer.gone;
  }

  variable(name: string): string | undefined {
    const entry = this.#peer.environment.find((one) => one.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  }

  path(path: string): string {
    if (path.startsWith("/")) return path;
    return path === "." ? this.#peer.folder : `${this.#peer.folder}/${path}`;
  }

  readText(path: string): string {
    const text = readGivenText(this.#held(path, O_PATH));
    if (PATH_OF_PROCESS.test(text)) throw new NotHere(`${path}, which names paths of its process`);
    return text;
  }

  leaves(error: unknown): boolean {
    return lacksFds(error) || error instanceof ClientGone;
  }

  output(path: string): string {
    if (isThere(path)) return this.#held(path, O_PATH);
    return this.#held(path, O_WRONLY | O_CREAT | O_EXCL);
  }

  preserved(count: number): Pick<ProcessOptions, "preserveFds" | "extraFiles"> {
    if (count === 0) return {};
    if (count > MOST_PRESERVED) throw new NotHere(`${count} fds`);
    using pidfd = openPidfd(this.#peer.pid);
    const files = Array.from({ length: count }, (_, k) => {
      if (!this.#isPassed(3 + k)) throw new NotHere(`fd ${3 + k}, which nobody passed`);
      return this.#opened.use(copyFdOf(pidfd, 3 + k)).number;
    });
    return { extraFiles: files };
  }

  async takeSignals(
    names: readonly Deno.Signal[],
    take: (name: Deno.Signal) => void,
  ): Promise<void> {
    const numbers = names.map((name) => signalNumber(name) as number);
    this.bearer.passSignals(numbers, (number) => take(signalName(number) as Deno.Signal));
    if (this.#streams !== undefined) await this.bearer.hasten();
  }

  async begin(): Promise<void> {
    this.#streams ??= await this.bearer.streams(this.#opened);
  }

  endWithProcess(): void {
    this.bearer.endWithChild(() => !this.#output.isUsed);
  }

  async sendSignal({ pidfd, number }: PlainSignal): Promise<boolean> {
    return await sendSignalBy(this.bearer, pidfd, number, !this.#output.isUsed);
  }

  async tellStage(stage: Stage): Promise<void> {
    await this.bearer.tellStage(stage);
  }

  reapOrphans(): Promise<undefined> {
    return Promise.resolve(undefined); // they go to the caller's own reaper
  }

  /** Ends the caller's process with the command's exit code, when all is written. */
  async finish(code: number): Promise<void> {
    await this.#output.finish(code);
  }

  /** Closes what was opened for the command. */
  [Symbol.dispose](): void {
    this.#opened.dispose();
  }

  /** Whether an fd was passed to the client: what that has opened itself closes on exec. */
  #isPassed(number: number): boolean {
    const text = optionalText(`/proc/${this.#peer.pid}/fdinfo/${number}`);
    const flags = /^flags:\s+(\d+)$/m.exec(text)?.[1];
    return flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) === 0;
  }

  /**
   * A path to a regular file that is held, so that it can't become anything else. What is there is not
   * opened for that: who waits at the other end of a fifo would take this program for its reader.
   */
  #held(path: string, flags: number): string {
    try {
      const file = this.#opened.use(open(path, flags | O_CLOEXEC, 0o644));
      if ((statAt(file, "").mode & S_IFMT) === S_IFREG) return `/proc/self/fd/${file.number}`;
    } catch (error) {
      // What comes there later is not opened.
      if (failedWith(error, "ENOENT")) throw new Deno.errors.NotFound(MISSING);
      if (!(error instanceof SyscallError)) throw error;
    }
    throw new NotHere(`${path}, which is no regular file`);
  }
}
