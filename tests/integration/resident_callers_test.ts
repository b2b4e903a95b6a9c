/**
 * What becomes of a command when its caller is killed or stopped in the midst of it: the process that
 * has executed a resident's client, such as conmon, which adopts what the client leaves.
 */
import { assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ClientHull, TestResident } from "../fixtures/resident.ts";
import { inTime } from "../fixtures/until.ts";

const ID = "hull-callers";

/**
 * Has a caller call, does something to it, and tells how what it called ended; then how all ended
 * that came to it afterwards.
 */
const ABOVE = `
import ctypes, os, signal, sys, time
def adopt(): ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
def state(pid): return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0]
def code(status): return os.waitstatus_to_exitcode(status)
how, delay, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
adopt()
reader, writer = os.pipe()
caller = os.fork()
if caller == 0:
    adopt()
    called = os.fork()
    if called == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        os.execv(words[0], words)
    os.write(writer, b"%d" % called)
    os.waitid(os.P_PID, called, os.WEXITED | os.WNOWAIT)  # how it ended is for the process above
    os._exit(0)
called = int(os.read(reader, 20))
time.sleep(delay / 1000)
os.kill(caller, getattr(signal, how))
if how == "SIGSTOP":
    while state(called) != "Z": time.sleep(0.002)
    os.kill(caller, signal.SIGCONT)
os.waitpid(caller, 0)
print(code(os.waitpid(called, 0)[1]), flush=True)
while True:
    try: print(code(os.waitpid(-1, 0)[1]), flush=True)
    except ChildProcessError: break
`;

/** Moments of a command, in milliseconds. */
const MOMENTS = [0, 6, 20];

interface Call {
  readonly words: readonly string[];
  /** What has been called before. */
  readonly after?: readonly string[];
  readonly code?: number;
  /** Whether a process is left to the caller, and so to the process above it. */
  readonly leaves?: boolean;
}

/** Every command, with bundles whose program goes on, or ends. */
function callsOf(long: string, short: string): readonly Call[] {
  const after = ["run", "-d", "-b", long, ID];
  const create = ["create", "-b", long, ID];
  return [
    { words: create, leaves: true },
    { words: ["start", ID], after: create },
    { words: ["run", "-b", short, ID], code: 7 },
    { words: after, leaves: true },
    { words: ["exec", ID, "sh", "-c", "exit 3"], after, code: 3 },
    { words: ["exec", "-d", ID, "sleep", "60"], after, leaves: true },
    { words: ["kill", ID, "KILL"], after },
    { words: ["update", "--pids-limit", "99", ID], after },
    { words: ["state", ID], after },
    { words: ["delete", "--force", ID], after },
  ];
}

/** Reads what it says, up to the end of a line or all. */
async function read(from: ReadableStreamDefaultReader<string>, isLine = false): Promise<string> {
  let text = "";
  while (!isLine || !text.includes("\n")) {
    const { value } = await from.read();
    if (value === undefined) break;
    text += value;
  }
  return text;
}

for (const how of ["SIGKILL", "SIGSTOP"]) {
  Deno.test(`a command goes on whose caller gets ${how}, and who is above adopts what it leaves`, async () => {
    await leavesNothing(ID, async () => {
      await using resident = await TestResident.start("/bin/false");
      using long = makeBundle("sleep 60");
      using short = makeBundle("exit 7");
      await using hull = new ClientHull(resident);
      const calls = callsOf(long.folder, short.folder)
        .flatMap((call) => MOMENTS.map((moment) => ({ ...call, moment })));
      for (const { words, after, code = 0, leaves = false, moment } of calls) {
        if (after !== undefined) await hull.detach(...after);
        const called = [resident.client, "--root", hull.root, ...words];
        const above = new Deno.Command("python3", {
          args: ["-c", ABOVE, how, `${moment}`, ...called],
          stdin: "null",
          stdout: "piped",
        }).spawn();
        const said = above.stdout.pipeThrough(new TextDecoderStream()).getReader();
        const what = `after ${moment} ms: ${words.join(" ")}`;
        const free = () => above.kill("SIGKILL");
        assertEquals(await inTime(what, read(said, true), 20_000, free), `${code}\n`, what);
        await hull.must("delete", "--force", ID);
        const rest = await inTime(what, read(said), 20_000, free);
        assertEquals(rest, leaves ? "-9\n" : "", what);
        assertEquals((await above.status).code, 0, what);
      }
    });
  });
}
