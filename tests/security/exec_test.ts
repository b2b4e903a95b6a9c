/**
 * `exec` into hostile containers: CVE-2016-3697, CVE-2019-5736, CVE-2022-29162, CVE-2024-21626,
 * CVE-2025-52565, CVE-2026-30892, and CVE-2026-88264's kin.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Container, Process } from "../../mod.ts";
import {
  attemptExec,
  leanBundle,
  own,
  Stage,
  withoutMounts,
  withUserNamespace,
} from "../fixtures/attempt.ts";
import type { Bundle, Draft } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { climb, makeDecoy } from "../fixtures/decoy.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";
import { GROUP, PASSWD, USERS } from "../fixtures/user_strings.ts";

const NONE = "0".repeat(16);
const WAIT = "sleep 1000";

/** Runs a test in a container that runs. */
async function within(
  id: string,
  bundle: Bundle,
  test: (container: Container) => Promise<void>,
): Promise<void> {
  await leavesNothing(id, async () => {
    using stage = new Stage();
    await using container = await stage.factory.create(id, bundle.config, {
      bundle: bundle.folder,
    });
    await container.run(new Process({ stdin: "null", stdout: "null", stderr: "null" }));
    await test(container);
  });
}

function withImageUsers(bundle: Bundle): Bundle {
  Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/passwd`, PASSWD);
  Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/group`, GROUP);
  return bundle;
}

Deno.test("CVE-2016-3697, CVE-2026-30892: a user that exec names is one user, or none", async () => {
  using bundle = withImageUsers(leanBundle(WAIT));
  await within("hull-sec-x-user", bundle, async (container) => {
    const args = ["sh", "-c", "echo $(id -u) $(id -g)"];
    for (const [user, ids] of USERS) {
      const { text, error } = await attemptExec(container, { args, user });
      const what = JSON.stringify(user);
      assertEquals(text?.trim(), ids, what);
      if (ids !== undefined) continue;
      assertEquals([error?.code, error?.pointer], ["ConfigInvalid", "/process/user"], what);
    }
  });
});

Deno.test("CVE-2026-30892: exec -u of the command line, too", async () => {
  await leavesNothing("hull-sec-x-cli", async () => {
    await using hull = new Hull();
    using bundle = withImageUsers(leanBundle(WAIT));
    Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(bundle.config));
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-sec-x-cli");
    const table = [["1", "1\n"], ["1000", "1000\n"], [" 1", ""], ["-1", ""], ["4294967296", ""]];
    for (const [user = "", expected = ""] of table) {
      const call = ["exec", `--user=${user}`, "hull-sec-x-cli", "id", "-u"];
      const { code, stdout } = await hull.call(call);
      assertEquals([stdout, code], [expected, expected === "" ? 255 : 0], user);
    }
  });
});

for (const inUserNamespace of [false, true]) {
  const what = inUserNamespace ? "a user namespace" : "the host's user namespace";
  Deno.test(`CVE-2022-29162: exec --cap makes no capability inheritable, in ${what}`, async () => {
    using bundle = leanBundle(WAIT, (config) => {
      if (inUserNamespace) withUserNamespace(config);
    });
    own(bundle, inUserNamespace);
    await within("hull-sec-x-caps", bundle, async (container) => {
      for (const user of ["0:0", "1000:1000"]) {
        const { text = "", error } = await attemptExec(container, {
          args: ["grep", "^Cap", "/proc/self/status"],
          addCapabilities: ["CAP_NET_ADMIN"],
          user,
        });
        assertEquals(error, undefined);
        assertMatch(text, new RegExp(`CapInh:\\t${NONE}\n`));
        assertMatch(text, new RegExp(`CapAmb:\\t${NONE}\n`));
        assertMatch(text, /CapBnd:\t0000000020001420\n/); // the three of spec, and the one
      }
    });
  });
}

Deno.test("CVE-2024-21626: exec's working folder is never one that a link of /proc leads to", async () => {
  using bundle = leanBundle(WAIT);
  Deno.symlinkSync("/proc/self/root", `${bundle.folder}/rootfs/link`);
  await within("hull-sec-x-cwd", bundle, async (container) => {
    const numbers = Array.from({ length: 28 }, (_, k) => `/proc/self/fd/${k + 3}`);
    const links = ["/link", "/link/..", "/proc/self/cwd", "/proc/thread-self/root/etc"];
    for (const cwd of [...numbers, ...links]) {
      const { text, error } = await attemptExec(container, { args: ["sh", "-c", "pwd"], cwd });
      assertEquals([text, error?.code, error?.pointer], [undefined, "InitFailed", "/process/cwd"]);
    }
    const script = "for f in /proc/self/fd/*; do echo $f; done; /bin/readlink /proc/self/cwd";
    const { text } = await attemptExec(container, { args: ["sh", "-c", script] });
    const fds = [0, 1, 2, 3].map((fd) => `/proc/self/fd/${fd}\n`).join(""); // 3 is the glob's own
    assertEquals(text, `${fds}/\n`);
  });
});

Deno.test("in a user namespace exec enters no folder that the container's root may not enter", async () => {
  using bundle = leanBundle(WAIT, withUserNamespace);
  own(bundle);
  const closed = `${bundle.folder}/rootfs/closed`;
  Deno.mkdirSync(closed, { mode: 0o700 });
  await within("hull-sec-x-closed", bundle, async (container) => {
    const args = ["sh", "-c", "pwd"];
    const { text, error } = await attemptExec(container, { args, cwd: "/closed" });
    assertEquals([text, error?.errno, error?.pointer], [undefined, "EACCES", "/process/cwd"]);
    Deno.chmodSync(closed, 0o711);
    assertEquals((await attemptExec(container, { args, cwd: "/closed" })).text, "/closed\n");
  });
});

Deno.test("CVE-2024-21626, CVE-2019-5736: a link of /proc is no program for exec", async () => {
  using bundle = leanBundle(WAIT);
  Deno.symlinkSync("/proc/self/exe", `${bundle.folder}/rootfs/bin/link`);
  await within("hull-sec-x-arg", bundle, async (container) => {
    for (let number = 3; number <= 30; number++) {
      for (const rest of ["", "/../../bin/busybox"]) {
        const args = [`/proc/self/fd/${number}${rest}`, "true"];
        const { error } = await attemptExec(container, { args });
        assertEquals(error?.pointer, "/process/args/0");
        assertMatch(error?.errno ?? "", /^(ELOOP|ENOENT)$/);
      }
    }
    for (const path of ["/proc/self/exe", "/proc/thread-self/exe", "/bin/link"]) {
      const { error } = await attemptExec(container, { args: [path, "eval", "1"] });
      assertEquals([error?.errno, error?.pointer], ["ELOOP", "/process/args/0"], path);
    }
  });
});

Deno.test("CVE-2019-5736: exec of #!/proc/self/exe does not start the host's binary", async () => {
  using bundle = leanBundle(WAIT);
  const script = `${bundle.folder}/rootfs/bin/me`;
  Deno.writeTextFileSync(script, "#!/proc/self/exe\n");
  Deno.chmodSync(script, 0o755);
  await within("hull-sec-x-me", bundle, async (container) => {
    // What the link leads to is the few operations that have joined: they find no way to join again.
    const { text, code, error } = await attemptExec(container, { args: ["/bin/me"] });
    assertEquals([text, code, error], ["", 1, undefined]);
  });
});

/** What a container can make of the place of its terminals, from inside. */
const TERMINALS: Readonly<Record<string, (decoy: string) => string>> = {
  "a link to a folder": (decoy) => `ln -s ${decoy} /dev/pts`,
  "a link out of the root": (decoy) => `ln -s ${climb(decoy)} /dev/pts`,
  "a link to /proc/self/root": (decoy) => `ln -s /proc/self/root${decoy} /dev/pts`,
  "a file": () => "mkdir /dev/pts; echo mine > /dev/pts/ptmx",
  "a link to a device": () => "mkdir /dev/pts; ln -s /dev/null /dev/pts/ptmx",
  "a link to a file": (decoy) => `mkdir /dev/pts; ln -s ${decoy}/ptmx /dev/pts/ptmx`,
  "two that race": (decoy) =>
    `mkdir /dev/pts; echo mine > /dev/pts/ptmx; ln -s ${decoy} /dev/other; while :; do ` +
    "mv /dev/pts /dev/third; mv /dev/other /dev/pts; mv /dev/pts /dev/other; " +
    "mv /dev/third /dev/pts; done",
};

for (const [what, plant] of Object.entries(TERMINALS)) {
  Deno.test(`CVE-2025-52565: no terminal of exec where /dev/pts is ${what}`, async () => {
    using decoy = makeDecoy();
    const script = `rm -rf /dev/pts; echo > /dev/ready; ${plant(decoy.path)}; ${WAIT}`;
    using bundle = leanBundle(script, (config: Draft) => withoutMounts(config, "/dev/pts"));
    for (const applet of ["rm", "ln", "mkdir", "mv"]) {
      Deno.symlinkSync("busybox", `${bundle.folder}/rootfs/bin/${applet}`);
    }
    // Inside, too, the links lead somewhere.
    Deno.mkdirSync(`${bundle.folder}/rootfs${decoy.path}`, { recursive: true });
    Deno.writeTextFileSync(`${bundle.folder}/rootfs${decoy.path}/ptmx`, "the twin's\n");
    await within("hull-sec-x-tty", bundle, async (container) => {
      await until(async () =>
        (await attemptExec(container, { args: ["cat", "/dev/ready"] })).code === 0
      );
      for (let round = 0; round < (what.includes("race") ? 40 : 2); round++) {
        const { text, error } = await attemptExec(container, { args: ["true"], terminal: true });
        assertEquals([text, error?.pointer], [undefined, "/process/terminal"]);
      }
      decoy.check();
      assert((await attemptExec(container, { args: ["true"] })).code === 0);
    });
  });
}
