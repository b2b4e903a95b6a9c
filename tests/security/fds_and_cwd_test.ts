/** CVE-2024-21626: no folder of the host through an fd that hull left open. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { leanBundle, own, Stage, withUserNamespace } from "../fixtures/attempt.ts";
import { makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { openFd } from "../fixtures/fds.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const NUMBERS = Array.from({ length: 28 }, (_, k) => k + 3);

for (const inUserNamespace of [false, true]) {
  const what = inUserNamespace ? ", in a user namespace" : "";
  Deno.test(`CVE-2024-21626: the program has its own fds alone, and a folder that is inside${what}`, async () => {
    await leavesNothing("hull-sec-fds", async () => {
      using stage = new Stage();
      using extra = openFd("/etc/hostname", "r");
      const script = "for f in /proc/self/fd/*; do echo $f; done; /bin/readlink /proc/self/cwd; " +
        "pwd -P";
      using bundle = leanBundle(`cd .; ${script}`, (config) => {
        if (inUserNamespace) withUserNamespace(config);
        config.process.cwd = "/data";
      });
      own(bundle, inUserNamespace);
      for (const extraFiles of [[], [extra.number]]) {
        for (const way of ["run", "create"] as const) {
          const { text, error } = await stage.attempt("hull-sec-fds", bundle, {
            way,
            process: { extraFiles },
          });
          assertEquals(error, undefined);
          // The shell's glob has the folder itself open, as the next number.
          const fds = [0, 1, 2, 3, ...(extraFiles.length > 0 ? [4] : [])];
          const expected = [...fds.map((fd) => `/proc/self/fd/${fd}`), "/data", "/data", ""];
          assertEquals(text?.split("\n"), expected);
        }
      }
    });
  });
}

Deno.test("CVE-2024-21626: /proc/self/fd/N is no working folder, for N from 3 to 30", async () => {
  await leavesNothing("hull-sec-cwd", async () => {
    using stage = new Stage();
    for (const number of NUMBERS) {
      using bundle = leanBundle("pwd; cat etc/hostname", (config) => {
        config.process.cwd = `/proc/self/fd/${number}`;
      });
      const way = number % 2 === 0 ? "run" : "create";
      const { text, error } = await stage.attempt("hull-sec-cwd", bundle, { way });
      assertEquals(text, undefined);
      assertEquals([error?.code, error?.pointer], ["InitFailed", "/process/cwd"]);
    }
  });
});

Deno.test("CVE-2024-21626: nor a part of one, through a link of the image or of /proc", async () => {
  await leavesNothing("hull-sec-cwd-link", async () => {
    using stage = new Stage();
    for (const cwd of ["/link", "/link/..", "/proc/self/cwd", "/proc/thread-self/root/etc"]) {
      using bundle = leanBundle("pwd", (config) => {
        config.process.cwd = cwd;
      });
      Deno.symlinkSync("/proc/self/root", `${bundle.folder}/rootfs/link`);
      const { error } = await stage.attempt("hull-sec-cwd-link", bundle);
      assertEquals([error?.errno, error?.pointer], ["ELOOP", "/process/cwd"], cwd);
    }
  });
});

for (const kind of ["direct", "reexec"]) {
  Deno.test(`${kind}: no folder is made in the rootfs by the names that a link of /proc reads as`, async () => {
    await leavesNothing("hull-sec-cwd-made", async () => {
      await using hull = new Hull();
      for (const shared of ["none", "pid"]) {
        for (
          const cwd of ["/proc/self/cwd", "/proc/self/cwd/x", "/proc/thread-self/root", "/link/x"]
        ) {
          using bundle = makeBundle("pwd", (config) => {
            config.root.readonly = false;
            config.process.cwd = cwd;
            config.linux.namespaces = config.linux.namespaces?.filter(({ type }) =>
              type !== shared
            );
          });
          const rootfs = `${bundle.folder}/rootfs`;
          Deno.symlinkSync("/proc/self/cwd", `${rootfs}/link`);
          const tree = () => run("find", rootfs, "-type", "d");
          const before = tree();
          const args = ["run", "--init", kind, "-b", bundle.folder, "hull-sec-cwd-made"];
          const { code, stderr } = await hull.call(args);
          assertEquals(code === 0, false);
          assertMatch(stderr, /ELOOP.*\[config \/process\/cwd\]/);
          assertEquals(tree(), before, `${shared} ${cwd}`);
        }
      }
    });
  });
}

Deno.test("CVE-2024-21626: /proc/self/fd/N leads to no program, for N from 3 to 30", async () => {
  await leavesNothing("hull-sec-arg", async () => {
    using stage = new Stage();
    for (const number of NUMBERS) {
      using bundle = leanBundle("", (config) => {
        const path = `/proc/self/fd/${number}`;
        config.process.args = [number % 3 === 0 ? path : `${path}/../../bin/busybox`, "true"];
      });
      const way = number % 2 === 0 ? "run" : "create";
      const { error } = await stage.attempt("hull-sec-arg", bundle, { way });
      assert(error !== undefined, String(number));
      assertEquals(error.pointer, "/process/args/0");
      assertMatch(error.errno ?? "", /^(ELOOP|ENOENT)$/);
    }
  });
});
