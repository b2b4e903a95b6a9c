/**
 * A daemon that runs commands in containers for whoever may write to its socket. It may be killed and
 * started again: the containers go on, and their exit codes are not lost.
 *
 *     deno run -A examples/daemon.ts /run/runner.sock [/run/runner]
 *
 *     curl --unix-socket /run/runner.sock http://localhost/run -d '{"args":["sh","-c","echo hi; exit 3"]}'
 *     {"id":"run-0c3f…","pid":4242}
 *     {"stdout":"hi\n"}
 *     {"exit":3,"oomKills":0}
 *
 * `POST /run` takes `args`, and if wanted `env`, `cwd`, `user`, `stdin`, `memoryMiB` and `seconds`. It
 * answers with lines of JSON as things happen; the last one, the trailer, has the exit code or an
 * `error`. Who hangs up ends the container. `GET /containers` lists what runs.
 *
 * @module
 */

import { type Command, ContainerError, ExecDriver, type OutputPipe } from "../mod.ts";

/** What is asked for. */
interface Request extends Pick<Command, "args" | "env" | "cwd" | "user"> {
  readonly stdin?: string;
  readonly memoryMiB?: number;
  readonly seconds?: number;
}

const FIELDS = ["args", "env", "cwd", "user", "stdin", "memoryMiB", "seconds"];

/** The lines of an answer, written one after another at the pace of who reads them. */
class Answer {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Aborted when nobody reads any more. */
  readonly signal: AbortSignal;
  readonly #writer: WritableStreamDefaultWriter<string>;

  constructor() {
    const { readable, writable } = new TextEncoderStream();
    this.body = readable;
    this.#writer = writable.getWriter();
    const gone = new AbortController();
    this.#writer.closed.catch((reason) => gone.abort(reason));
    this.signal = gone.signal;
  }

  async say(line: Record<string, unknown>): Promise<void> {
    await this.#writer.write(`${JSON.stringify(line)}\n`);
  }

  /** Says the last line; nobody may be there to hear it. */
  async end(line: Record<string, unknown>): Promise<void> {
    try {
      await this.say(line);
      await this.#writer.close();
    } catch (error) {
      console.error("nobody heard:", JSON.stringify(line), String(error));
    }
  }

  /** A sink of what a program writes, for the lines that hold it. */
  pipe(name: "stdout" | "stderr"): OutputPipe {
    const decoder = new TextDecoder();
    const say = async (text: string) => {
      if (text !== "") await this.say({ [name]: text });
    };
    return new WritableStream({
      write: (chunk) => say(decoder.decode(chunk, { stream: true })),
      close: () => say(decoder.decode()),
    });
  }
}

async function run(driver: ExecDriver, asked: Request, answer: Answer): Promise<void> {
  const { stdin = "", memoryMiB, seconds, ...program } = asked;
  const id = `run-${crypto.randomUUID()}`;
  const limit = memoryMiB === undefined ? undefined : memoryMiB * 2 ** 20;
  const deadlines = seconds === undefined ? [] : [AbortSignal.timeout(seconds * 1000)];
  try {
    const { code, oomKills } = await driver.run(
      { ...program, id, ...(limit === undefined ? {} : { resources: { memory: { limit } } }) },
      {
        stdin: new Blob([stdin]).stream(),
        stdout: answer.pipe("stdout"),
        stderr: answer.pipe("stderr"),
      },
      (pid) => answer.say({ id, pid }),
      { signal: AbortSignal.any([answer.signal, ...deadlines]) },
    );
    await answer.end({ exit: code, oomKills });
  } catch (error) {
    const told = error instanceof ContainerError ? error.toJSON() : { message: String(error) };
    await answer.end({ error: told });
  }
}

function readRequest(body: unknown): Request | undefined {
  if (typeof body !== "object" || body === null || !("args" in body)) return undefined;
  const isKnown = Object.keys(body).every((name) => FIELDS.includes(name));
  return isKnown && Array.isArray(body.args) ? body as Request : undefined;
}

async function handle(driver: ExecDriver, request: globalThis.Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const route = `${request.method} ${pathname}`;
  if (route === "GET /containers") return Response.json(driver.factory.list());
  if (route !== "POST /run") return new Response("no such route\n", { status: 404 });
  const asked = readRequest(await request.json().catch(() => undefined));
  if (asked === undefined) return new Response(`args, and of ${FIELDS}\n`, { status: 400 });
  const answer = new Answer();
  void run(driver, asked, answer); // it catches what fails, and says so
  return new Response(answer.body, { headers: { "content-type": "application/x-ndjson" } });
}

/** Notes the exit codes of what a former life of the daemon left. */
async function settleFormerLife(driver: ExecDriver): Promise<void> {
  for (const { id, wait } of await driver.restore()) {
    void wait().then(async (status) => {
      console.log(`restored ${id}: exit ${status?.code ?? "not known"}`);
      await driver.clean(id);
    }).catch((error) => console.error(`restored ${id}:`, error));
  }
}

/** Serves until it is told to end. */
export async function serve(socket: string, root: string): Promise<void> {
  const driver = new ExecDriver({ root });
  await settleFormerLife(driver);
  await Deno.remove(socket).catch(() => {}); // a former life's
  Deno.umask(0o077); // the socket is worth as much as the user whose daemon this is
  await Deno.serve({ path: socket }, (request) => handle(driver, request)).finished;
}

if (import.meta.main) {
  const [socket, root = "/run/runner"] = Deno.args;
  if (socket === undefined) throw new Error("usage: daemon.ts SOCKET [ROOT]");
  await serve(socket, root);
}
