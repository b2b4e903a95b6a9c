/** What a tmpfs with `tmpcopyup` is filled with, in both ways of starting. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-copyup";
const KINDS = ["direct", "reexec"];
const MIB = 1024 * 1024;

/** Runs a bundle whose /data is filled by `prepare` and becomes a tmpfs with a copy. */
async function copied(
  kind: string,
  script: string,
  prepare: (data: string) => void,
  change: (config: Draft) => void = () => {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  let result = { code: -1, stdout: "", stderr: "" };
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    using bundle = makeBundle(script, (config) => {
      config.mounts.push({
        destination: "/data",
        type: "tmpfs",
        source: "tmpfs",
        options: ["tmpcopyup"],
      });
      change(config);
    });
    prepare(`${bundle.folder}/rootfs/data`);
    result = await hull.call(["run", "--init", kind, "-b", bundle.folder, ID]);
  });
  return result;
}

for (const kind of KINDS) {
  Deno.test(`${kind}: owners, modes, links, holes and odd names are copied`, async () => {
    const { code, stdout, stderr } = await copied(
      kind,
      `cd /data; stat -c '%n %a %u:%g %h' f sub sub/g l; readlink l; du -k sparse | cut -f1
      stat -c %s sparse; tail -c 4 sparse; ls | grep -c odd; stat -c '%F %t:%T' pipe dev; cat sub/g`,
      (data) => {
        Deno.writeTextFileSync(`${data}/f`, "text");
        Deno.mkdirSync(`${data}/sub`);
        Deno.linkSync(`${data}/f`, `${data}/sub/g`);
        Deno.chownSync(`${data}/f`, 5, 6);
        Deno.chmodSync(`${data}/f`, 0o4755);
        Deno.chmodSync(`${data}/sub`, 0o1711);
        Deno.symlinkSync("/gone", `${data}/l`);
        run("truncate", "-s", "1G", `${data}/sparse`);
        run("sh", "-c", `printf tail >>${data}/sparse; printf x >"$(printf '${data}/odd\\377')"`);
        run("mkfifo", `${data}/pipe`);
        run("mknod", `${data}/dev`, "c", "1", "3");
      },
    );
    assertEquals([code, stderr], [0, ""]);
    const [f, sub, g, l, target, kib, ...rest] = stdout.split("\n");
    assertEquals([f, sub], ["f 4755 5:6 2", "sub 1711 0:0 2"]);
    assertEquals([g, l, target], ["sub/g 4755 5:6 2", "l 777 0:0 1", "/gone"]);
    assert(Number(kib) < 100, `${kib} KiB for a hole`);
    const nodes = ["fifo 0:0", "character special file 1:3"];
    assertEquals(rest, [`${2 ** 30 + 4}`, "tail1", ...nodes, "text"]);
  });

  Deno.test(`${kind}: file capabilities are copied`, async () => {
    const attribute = "0100000200040000000000000000000000000000";
    const { stdout, stderr } = await copied(
      kind,
      "exec /data/look",
      (data) => {
        Deno.copyFileSync("/bin/busybox", `${data}/busybox`);
        Deno.writeTextFileSync(`${data}/look`, "#!/bin/sh\nexec /data/busybox id -u\n");
        Deno.chmodSync(`${data}/look`, 0o755);
        run(
          "python3",
          "-c",
          `import os;os.setxattr("${data}/busybox","security.capability",bytes.fromhex("${attribute}"))`,
        );
      },
      (config) => {
        // With the file's capability, which the bounding set lacks, execve is refused: capabilities(7).
        config.process.user = { uid: 1000, gid: 1000 };
        config.process.noNewPrivileges = false;
        config.process.capabilities = { bounding: ["CAP_KILL"] };
      },
    );
    assertStringIncludes(stdout + stderr, "not permitted");
  });

  Deno.test(`${kind}: a tree deeper than a path may be long is copied with few fds`, async () => {
    const deep = "import os,sys\nos.chdir(sys.argv[1])\n" +
      "for k in range(3000): os.mkdir('d'); os.chdir('d')\nopen('end','w').write('end')";
    const { code, stderr } = await copied(
      kind,
      "cd /data; k=0; while cd d 2>/dev/null; do k=$((k+1)); done; test $k -gt 1000",
      (data) => run("python3", "-c", deep, data),
    );
    assertEquals([code, stderr], [0, ""]);
  });

  Deno.test(`${kind}: an error names the file that could not be copied`, async () => {
    const { code, stderr } = await copied(
      kind,
      "true",
      (data) => {
        Deno.mkdirSync(`${data}/sub`);
        run("dd", "if=/dev/urandom", `of=${data}/sub/big`, "bs=64k", "count=4", "status=none");
      },
      (config) => {
        const data = config.mounts.find(({ destination }) => destination === "/data");
        (data?.options as string[]).push("size=64k");
      },
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "(/data/sub/big): ENOSPC");
  });

  Deno.test(`${kind}: what is copied is charged to the container`, async () => {
    const fill = (mebibytes: number) => (data: string) =>
      run("dd", "if=/dev/urandom", `of=${data}/big`, "bs=1M", `count=${mebibytes}`, "status=none");
    const limit = (config: Draft) => {
      config.linux.resources = { ...config.linux.resources, memory: { limit: 24 * MIB } };
    };
    const usage = "cd /sys/fs/cgroup; cat memory/memory.usage_in_bytes memory.current 2>/dev/null";
    const small = await copied(kind, `${usage}; true`, fill(8), limit);
    assertEquals([small.code, small.stderr], [0, ""]);
    assert(Number(small.stdout) >= 8 * MIB, `${small.stdout} bytes`);
    const large = await copied(kind, "true", fill(64), (config) => {
      limit(config);
      config.linux.resources = { memory: { limit: 24 * MIB, swap: 24 * MIB } };
    });
    assertEquals(large.code, 1);
    assertStringIncludes(large.stderr, "more memory than the container's cgroup may use");
  });
}
