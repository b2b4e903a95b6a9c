import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { DETACHED_TREES, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const LOOK = "readlink /proc/self/ns/mnt; echo $(ls /); cat /proc/mounts | wc -l; " +
  "touch /new 2>&1; touch /dev/new && echo made; ls /proc/acpi 2>/dev/null | wc -l; " +
  "echo a > /proc/sys/kernel/domainname; cat /data/here; hostname";

function without(config: Draft): void {
  config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "mount") ?? [];
  config.mounts.push({
    destination: "/data",
    type: "bind",
    source: "/usr/share",
    options: ["rbind", "rprivate", "ro"],
  });
}

testWhere(
  DETACHED_TREES,
  "without a mount namespace a container has its root and mounts, and the host sees none",
  async () => {
    await leavesNothing("hull-shared-mounts", async () => {
      await using hull = new Hull();
      using bundle = makeBundle(LOOK.replace("cat /data/here", "ls /data | head -1"), without);
      const said = await hull.call(["run", "-b", bundle.folder, "hull-shared-mounts"]);
      assertEquals(said.code, 0, said.stderr);
      const lines = said.stdout.split("\n");
      assertEquals(lines[0], Deno.readLinkSync("/proc/self/ns/mnt"));
      assertEquals(lines[1], "bin data dev etc proc root sys tmp");
      assertStringIncludes(said.stdout, "Read-only file system");
      assertStringIncludes(said.stdout, "made");
      assertStringIncludes(said.stderr, "Read-only file system");
    });
  },
);

testWhere(
  DETACHED_TREES,
  "a container in another's mount namespace leaves its root and mounts as they are",
  async () => {
    await leavesNothing("hull-shared-other", async () => {
      await using hull = new Hull();
      using first = makeBundle("sleep 600");
      await hull.detach("run", "-d", "-b", first.folder, "hull-shared-other");
      const { pid } = JSON.parse(await hull.must("state", "hull-shared-other"));
      const mounts = () => Deno.readTextFileSync(`/proc/${pid}/mountinfo`);
      const before = mounts();
      using second = makeBundle("readlink /proc/self/ns/mnt; ls /tmp; sleep 600", (config) => {
        config.linux.namespaces = (config.linux.namespaces ?? []).map((namespace) =>
          namespace.type === "mount" ? { type: "mount", path: `/proc/${pid}/ns/mnt` } : namespace
        );
        config.hooks = { startContainer: [{ path: "/bin/touch", args: ["touch", "/tmp/hook"] }] };
        config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: [] });
      });
      const child = hull.command(["run", "-b", second.folder, "hull-shared-second"], {
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const said = child.output();
      await until(async () => {
        const { code, stdout } = await hull.call(["state", "hull-shared-second"]);
        return code === 0 && JSON.parse(stdout).status === "running";
      });
      assertEquals(mounts(), before);
      await hull.must("kill", "hull-shared-second", "KILL");
      const text = new TextDecoder().decode((await said).stdout);
      assertEquals(text.trimEnd().split("\n"), [
        run("readlink", `/proc/${pid}/ns/mnt`).trim(),
        "hook",
      ]);
      assertEquals(mounts(), before);
    });
  },
);
