/**
 * CVE-2016-9962's kin: a container that is born into another's pid namespace gives nothing of the host to
 * who lives there, be it with CAP_SYS_PTRACE.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { needsUsher } from "../../init/launch/launch_usher.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import { type Draft, joinNamespace, scratchFolder } from "../fixtures/bundle.ts";
import { build, missingCompiler } from "../fixtures/c_programs.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { missingLibrary } from "../fixtures/filter_machine.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { inTime } from "../fixtures/until.ts";
import { testWhere } from "../fixtures/test_where.ts";

const ID = "hull-sec-births";
/** How many are born beside the watcher; more of them find rarer moments. */
const BIRTHS = Number(Deno.env.get("HULL_BIRTHS") ?? 25);
const PROGRAM = "/bin/births";

const hasUsher = needsUsher([{ type: "pid", path: "/proc/self/ns/pid" }]);

function withPtrace({ process }: Draft): void {
  for (const set of ["bounding", "effective", "permitted"] as const) {
    const names = process.capabilities?.[set] ?? [];
    process.capabilities = { ...process.capabilities, [set]: [...names, "CAP_SYS_PTRACE"] };
  }
}

/** Loading it takes CAP_SYS_ADMIN, and it denies clone3, as those of engines do. */
function withFilter({ process, linux }: Draft): void {
  if (missingLibrary() !== undefined) return;
  process.noNewPrivileges = false;
  linux.seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["clone3", "mount"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
  };
}

/** What a program says, as it comes. */
class Said {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads on until it holds of all that was said. */
  async until(holds: (text: string) => boolean): Promise<void> {
    while (!holds(this.text)) {
      const { done, value } = await inTime("the wait for the watcher's word", this.#reader.read());
      assert(!done, "the watcher has ended");
      this.text += value;
    }
  }
}

/** How many births the watcher has looked at. */
function met(text: string): number {
  return [...text.matchAll(/^met \d+$/gm)].length;
}

for (const isSupervised of [false, true]) {
  for (const init of ["auto", "reexec"] as const) {
    const how = `${isSupervised ? "below a supervisor" : "as a child"}: ${init}`;
    testWhere(
      missingCompiler() ?? (hasUsher ? undefined : "procfs's option pidns (Linux 6.18)"),
      `who watches for births into its pid namespace gets nothing of the host, ${how}`,
      async () => {
        await leavesNothing(ID, async () => {
          using scratch = scratchFolder();
          const decoy = `${scratch.path}/decoy`;
          Deno.writeTextFileSync(decoy, "host");
          using watcher = leanBundle("", (config) => {
            config.process.args = [PROGRAM, decoy, "/bin/busybox"];
            withPtrace(config);
          });
          build("births", `${watcher.folder}/rootfs${PROGRAM}`);
          const factory = new Factory({ ...DRIVER, root: `${scratch.path}/root`, init });
          await using container = await factory.create(`${ID}-a`, watcher.config, {
            bundle: watcher.folder,
          });
          const first = new Process({ stdin: "null", stdout: "piped", stderr: "inherit" });
          await container.run(first);
          const said = new Said(first.stdout);
          using bundle = leanBundle("exit 3", (config) => {
            joinNamespace(config, "pid", `/proc/${container.state().pid}/ns/pid`);
            withFilter(config);
          });
          try {
            await said.until((text) => text.startsWith("looking\n"));
            for (let k = 1; k <= BIRTHS; k++) {
              await using born = await factory.create(`${ID}-b`, bundle.config, {
                bundle: bundle.folder,
              });
              const process = new Process({ stdin: "null", stdout: "null", stderr: "null" });
              await born.start(process, { supervised: isSupervised });
              await said.until((text) => met(text) >= k); // so none is released unseen
              await born.release();
              const { code, signal } = await process.wait();
              assertEquals({ code, signal }, { code: 3, signal: undefined });
            }
            first.signal("TERM");
            assertEquals((await first.wait()).code, 0);
            await said.until((text) => /got \d+\n$/.test(text));
            assertMatch(said.text, /^looking\n(met \d+\n)+met \d+, got 0\n$/);
            assertEquals(met(said.text), BIRTHS);
          } catch (error) {
            throw new Error(`the watcher said: ${said.text}`, { cause: error });
          }
        });
      },
    );
  }
}

testWhere(
  hasUsher ? undefined : "procfs's option pidns (Linux 6.18)",
  "who is born so sees the processes of the pid namespace that it joins, and those alone",
  async () => {
    await leavesNothing(ID, async () => {
      using scratch = scratchFolder();
      using first = leanBundle("sleep 1000");
      const factory = new Factory({ ...DRIVER, root: scratch.path });
      await using container = await factory.create(`${ID}-a`, first.config, {
        bundle: first.folder,
      });
      await container.run(new Process({ stdin: "null", stdout: "null", stderr: "null" }));
      const script = "cat /proc/1/cmdline; echo; ls /proc | grep -c '^[0-9]'; readlink /proc/self";
      using bundle = leanBundle(script, (config) => {
        joinNamespace(config, "pid", `/proc/${container.state().pid}/ns/pid`);
      });
      await using born = await factory.create(`${ID}-b`, bundle.config, { bundle: bundle.folder });
      const process = new Process({ stdin: "null", stdout: "piped", stderr: "inherit" });
      await born.run(process);
      const [text] = await Promise.all([new Response(process.stdout).text(), process.wait()]);
      assertMatch(text.replaceAll("\0", " "), /^sleep 1000 \n[3-5]\n\d\n$/);
    });
  },
);
