/**
 * CVE-2016-9962: a process that `exec` puts into a container gives nothing of the host to the
 * processes that live there, who look for newcomers as fast as they can.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Process } from "../../mod.ts";
import { leanBundle, own, Stage, withUserNamespace } from "../fixtures/attempt.ts";
import type { Bundle, Draft } from "../fixtures/bundle.ts";
import { build, missingCompiler } from "../fixtures/c_programs.ts";
import { missingLibrary } from "../fixtures/filter_machine.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** How many processes come to each container; more of them find rarer moments. */
const NEWCOMERS = Number(Deno.env.get("HULL_NEWCOMERS") ?? 125);
const PROGRAM = "/bin/newcomers";
/** Stands in this program's memory, where a newcomer that is a copy of it has it too. */
const SECRET = crypto.randomUUID();
const bytes = new TextEncoder().encode(SECRET);
const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)).toString(16);

const EVERY = ["bounding", "effective", "permitted"] as const;

function withPtrace(config: Draft): void {
  for (const set of EVERY) {
    const names = config.process.capabilities?.[set] ?? [];
    config.process.capabilities = {
      ...config.process.capabilities,
      [set]: [...names, "CAP_SYS_PTRACE"],
    };
  }
}

/** A container whose program is hostile. */
function hostile(change: (config: Draft) => void, inUserNamespace: boolean): Bundle {
  const bundle = leanBundle("", (config) => {
    config.process.env = ["GUEST=1"];
    config.process.cwd = "/";
    change(config);
    const capabilities = config.process.capabilities?.effective ?? [];
    // With this capability in the host's user namespace no process is out of reach.
    const mayTrace = capabilities.includes("CAP_SYS_PTRACE") && !inUserNamespace;
    config.process.args = [PROGRAM, PROGRAM, SECRET, address, mayTrace ? "1" : "0"];
    if (inUserNamespace) withUserNamespace(config);
  });
  build("newcomers", `${bundle.folder}/rootfs${PROGRAM}`);
  own(bundle, inUserNamespace);
  return bundle;
}

/**
 * As engines write it: loading the filter takes CAP_SYS_ADMIN, which nobody may see, and it denies clone3,
 * whose flags it can't look at.
 */
function withFilter({ process, linux }: Draft): void {
  process.noNewPrivileges = false;
  const names = ["clone3", "mount", "bpf"];
  linux.seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names, action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
  };
}

function withPtraceAndFilter(config: Draft): void {
  withPtrace(config);
  withFilter(config);
}

const CHANGES = [
  ["without CAP_SYS_PTRACE", () => {}],
  ["with CAP_SYS_PTRACE", withPtrace],
  ["with CAP_SYS_PTRACE and a filter", withPtraceAndFilter],
] as const;

for (const inUserNamespace of [false, true]) {
  for (const [what, change] of CHANGES) {
    const where = `${inUserNamespace ? "in a user namespace" : "as the host's root"}, ${what}`;
    testWhere(
      missingCompiler() ?? (change === withPtraceAndFilter ? missingLibrary() : undefined),
      `CVE-2016-9962: who scans for newcomers ${where} gets nothing`,
      async () => {
        const id = "hull-sec-newcomers";
        await leavesNothing(id, async () => {
          using stage = new Stage();
          using bundle = hostile(change, inUserNamespace);
          await using container = await stage.factory.create(id, bundle.config, {
            bundle: bundle.folder,
          });
          const first = new Process({ stdin: "null", stdout: "piped", stderr: "inherit" });
          await container.run(first);
          const said = new Response(first.stdout).text();
          for (let k = 0; k < NEWCOMERS; k++) {
            const guest = new Process({
              args: [PROGRAM, "guest"],
              stdin: "null",
              stdout: "null",
              stderr: "null",
            });
            await container.start(guest);
            assertEquals((await guest.wait()).code, 0);
          }
          first.signal("TERM");
          await first.wait();
          const text = await said;
          const sum = /met (\d+), before (\d+), after (\d+), got (\d+)\n$/.exec(text);
          assert(sum !== null, text);
          const [met = 0, before = 0, after = 0] = sum.slice(1).map(Number);
          // It did look, and could have seen: what it met it could trace once it was the program.
          assert(met > NEWCOMERS * 0.8 && after > NEWCOMERS / 2 && before > NEWCOMERS / 10, sum[0]);
          assertMatch(text, /^looking\nmet /);
        });
      },
    );
  }
}
