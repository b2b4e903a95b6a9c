/** What a container runs: how the program is found, what is told where none is, and its variables. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ExecDriver } from "../../mod.ts";
import { type Bundle, type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { GivenHull, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

const INITS = ["direct", "reexec"] as const;
const ID = "hull-program";
const MISSING = 'exec: "sh": executable file not found in $PATH';

/** Puts odd programs into a rootfs: each is a path, its text and its mode. */
function write(bundle: Bundle, ...files: readonly (readonly [string, string, number])[]): void {
  for (const [path, text, mode] of files) {
    const place = `${bundle.folder}/rootfs${path}`;
    Deno.mkdirSync(place.slice(0, place.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(place, text);
    Deno.chmodSync(place, mode);
  }
}

/** A container that waits would hold this program's pipes. */
async function createQuietly(
  hull: Hull,
  birth: readonly string[],
): Promise<{ code: number; stderr: string }> {
  const log = `${hull.root}.log`;
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const { code } = await hull.command(["--log", log, "create", ...birth, ID], quiet).output();
  const stderr = await Deno.readTextFile(log).catch(() => "");
  await Deno.remove(log).catch(() => {});
  return { code, stderr };
}

/** What create, run and exec say of a program; undefined where they start it. */
async function say(
  hull: Hull,
  init: string,
  change: (config: Draft) => void,
  prepare: (bundle: Bundle) => void = () => {},
): Promise<Record<"create" | "run" | "exec", string | undefined>> {
  using bundle = makeBundle("", change);
  prepare(bundle);
  const { process } = bundle.config;
  const birth = ["--init", init, "-b", bundle.folder];
  const create = await createQuietly(hull, birth);
  if (create.code === 0) await hull.must("delete", "--force", ID);
  const run = await hull.call(["run", ...birth, ID]);
  const waiting = { ...process, args: ["/bin/sleep", "600"], env: [], rlimits: [] };
  const config = JSON.stringify({ ...bundle.config, process: waiting });
  Deno.writeTextFileSync(`${bundle.folder}/config.json`, config);
  await hull.detach("run", "-d", ...birth, ID);
  const file = `${bundle.folder}/process.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ ...process, terminal: false }));
  const exec = await hull.call(["exec", "-p", file, ID]);
  await hull.must("delete", "--force", ID);
  const told = ({ code, stderr }: { code: number; stderr: string }, failed: number) => {
    if (code === 0) return undefined;
    assertEquals(code, failed, stderr);
    return /(exec: "[^"]*": [^:\n"]*)/.exec(stderr.replaceAll('\\"', '"'))?.[1] ?? stderr;
  };
  return { create: told(create, 1), run: told(run, 1), exec: told(exec, 255) };
}

for (const init of INITS) {
  Deno.test(`${init}: a name without a PATH is not found, already at create`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      for (const env of [[], ["PATH="], ["A=1"], ["PATH=/bin", "PATH="], ["PATH=:"]]) {
        const said = await say(hull, init, ({ process }) => Object.assign(process, { env }));
        assertEquals(said, { create: MISSING, run: MISSING, exec: MISSING }, env.join());
      }
    });
  });

  Deno.test(`${init}: what can't be executed is told by its errno, found by name or path`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      const file = 'exec: "/one/odd": ';
      const cases: Record<string, [string, number, string, boolean]> = {
        "a script without #!": ["echo", 0o755, `${file}exec format error`, false],
        "no interpreter": ["#!/none\n", 0o755, `${file}no such file or directory`, false],
        "no right": ["#!/bin/sh\n", 0o644, `${file}permission denied`, true],
      };
      for (const [what, [text, mode, said, isEarly]] of Object.entries(cases)) {
        const wanted = { create: isEarly ? said : undefined, run: said, exec: said };
        for (const name of ["odd", "/one/odd"]) {
          const told = await say(hull, init, ({ process }) => {
            Object.assign(process, { args: [name], env: ["PATH=/none:/bin/sh:/one:/bin"] });
          }, (bundle) => write(bundle, ["/one/odd", text, mode]));
          assertEquals(told, wanted, `${what}, ${name}`);
        }
      }
    });
  });

  Deno.test(`${init}: a search goes on where execvp's does, and nowhere else`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      const env = ["PATH=/none:/one:/two"];
      const search = (prepare: (bundle: Bundle) => void) =>
        say(hull, init, ({ process }) => Object.assign(process, { args: ["odd"], env }), prepare);
      const good = ["/two/odd", "#!/bin/sh\nexit 0\n", 0o755] as const;
      const fine = { create: undefined, run: undefined, exec: undefined };
      assertEquals(await search((bundle) => write(bundle, ["/one/odd", "", 0o644], good)), fine);
      assertEquals(await search((bundle) => write(bundle, ["/one/odd/in", "", 0o644], good)), fine);
      // The first that may be executed is the one, whatever comes of it.
      const broken = 'exec: "/one/odd": exec format error';
      assertEquals(
        await search((bundle) => write(bundle, ["/one/odd", "echo", 0o755], good)),
        { create: undefined, run: broken, exec: broken },
      );
      const folder = 'exec: "odd": executable file not found in $PATH';
      assertEquals(
        await search((bundle) => write(bundle, ["/one/odd/in", "", 0o644])),
        { create: folder, run: folder, exec: folder },
      );
    });
  });

  Deno.test(`${init}: a folder is no program, and too much is not "not found"`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      const folder = 'exec: "/tmp": permission denied';
      assertEquals(
        await say(hull, init, ({ process }) => Object.assign(process, { args: ["/tmp"] })),
        { create: folder, run: folder, exec: folder },
      );
      const env = [
        "PATH=/none:/bin",
        ...Array.from({ length: 50 }, (_, k) => {
          return `V${k}=${"x".repeat(100_000)}`;
        }),
      ];
      const large = 'exec: "/bin/true": argument list too long';
      assertEquals(
        await say(hull, init, ({ process }) => Object.assign(process, { args: ["true"], env })),
        { create: undefined, run: large, exec: large },
      );
      const few = await say(hull, init, ({ process }) => {
        process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 3, hard: 3 }];
        process.args = ["true"];
      });
      assertStringIncludes(few.create ?? "", "too many open files");
      assertStringIncludes(few.run ?? "", "too many open files");
    });
  });

  Deno.test(`${init}: a variable that is there twice is there once, with its last value`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      const env = ["PATH=/bin", "A=1", "HOME=/x", "B=2", "A=3", "HOME="];
      const once = "PATH=/bin\nA=3\nHOME=/root\nB=2\n";
      const hook = (path: string) => ({ path, args: ["env"], env: [...env] });
      using scratch = scratchFolder();
      const wrapper = `${scratch.path}/env.sh`;
      Deno.writeTextFileSync(
        wrapper,
        `#!/bin/sh\ncat /proc/$$/environ > ${scratch.path}/runtime\n`,
      );
      Deno.chmodSync(wrapper, 0o755);
      using bundle = makeBundle("env > /first; exec sleep 600", (config) => {
        config.root = { path: "rootfs", readonly: false };
        config.process.env = [...env];
        config.process.args = ["/bin/sh", "-c", "cat /proc/$$/environ > /first; exec sleep 600"];
        const script = "cat /proc/$$/environ > /hook; :";
        config.hooks = {
          createRuntime: [hook(wrapper)],
          startContainer: [{ path: "/bin/sh", args: ["sh", "-c", script] }],
        };
      });
      await hull.detach("run", "-d", "--init", init, "-b", bundle.folder, ID);
      const lines = (path: string) => Deno.readTextFileSync(path).replaceAll("\0", "\n");
      const whole = `${scratch.path}/process.json`;
      Deno.writeTextFileSync(whole, JSON.stringify({ args: ["/bin/env"], cwd: "/", env }));
      const exec = (...words: string[]) => hull.must("exec", ...words);
      assertEquals(await exec(ID, "env"), once);
      assertEquals(await exec("-p", whole, ID), once);
      assertEquals(
        await exec("-e", "C=1", "-e", "C=2", "-e", "B=5", ID, "env"),
        "PATH=/bin\nA=3\nHOME=/root\nC=2\nB=5\n",
      );
      const rootfs = `${bundle.folder}/rootfs`;
      assertEquals(lines(`${rootfs}/hook`), once);
      assertEquals(lines(`${scratch.path}/runtime`), "PATH=/bin\nA=3\nHOME=\nB=2\n");
      assertEquals(lines(`${rootfs}/first`), once);
      await hull.must("delete", "--force", ID);
    });
  });
}

for (const init of INITS) {
  Deno.test(`${init}: bytes that are no UTF-8 reach programs and hooks as they are`, async () => {
    await leavesNothing(ID, async () => {
      // What this has for %s the shell makes of it: no string of this program could hold it.
      const set = 'export BAD="$(printf "x\\377y")"; for w; do shift; ' +
        'case $w in RAW*) w="${w#RAW}$(printf "a\\377b")"; esac; set -- "$@" "$w"; done; exec "$@"';
      await using hull = new GivenHull("sh", "-c", set, "sh");
      using scratch = scratchFolder();
      const hook = `${scratch.path}/hook.sh`;
      Deno.writeTextFileSync(hook, `#!/bin/sh\nprintf %s "$BAD" > ${scratch.path}/hook\n`);
      Deno.chmodSync(hook, 0o755);
      using bundle = makeBundle("exec sleep 600", (config) => {
        config.hooks = { createRuntime: [{ path: hook }] };
        // In a document half a character is none, as with other runtimes.
        config.process.env = ["PATH=/bin", "HALF=\udcff"];
      });
      const passwd = [..."root:x:0:0::/r"].map((character) => character.charCodeAt(0));
      Deno.writeFileSync(
        `${bundle.folder}/rootfs/etc/passwd`,
        new Uint8Array([...passwd, 0xff, 0x3a, 0x0a]),
      );
      await hull.detach("run", "-d", "--init", init, "-b", bundle.folder, ID);
      assertEquals(Deno.readFileSync(`${scratch.path}/hook`).toHex(), "78ff79");
      const dump = async (text: string, ...words: string[]) => {
        const script = `printf %s "${text}" | od -An -tx1`;
        return (await hull.must("exec", ...words, "sh", "-c", script, "sh", "RAW")).trim();
      };
      assertEquals(await dump("$1", ID), "61 ff 62");
      assertEquals(await dump("$BAD", "-e", "BAD", ID), "78 ff 79");
      assertEquals(await dump("$V", "-e", "RAWV=", ID), "61 ff 62");
      assertEquals(await dump("$HALF", ID), "ef bf bd");
      assertEquals(await dump("$HOME", ID), "2f 72 ff");
      await hull.must("delete", "--force", ID);
      const seen = ["sh", "-c", 'printf %s "$1" | od -An -tx1', "sh", "RAW"];
      const first = await hull.must("run", "--init", init, "--builtin", ID, "--", ...seen);
      assertEquals(first.trim(), "61 ff 62");
    });
  });
}

Deno.test("a driver is told that a name is not found", async () => {
  await using scratch = rootFolder();
  using bundle = makeBundle("", ({ process }) => Object.assign(process, { env: [] }));
  const driver = new ExecDriver({ root: scratch.path });
  const { config, folder } = bundle;
  const error = await driver.run({ id: ID, config, bundle: folder }).catch((error) => error);
  assertStringIncludes(String(error), MISSING);
});
