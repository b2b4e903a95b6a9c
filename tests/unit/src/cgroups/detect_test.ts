import { assertEquals, assertThrows } from "@std/assert";
import {
  type CgroupHost,
  detectCgroups,
  readCgroupHost,
  RecentHost,
  untilUsual,
} from "../../../../src/cgroups/detect.ts";
import { ContainerError } from "../../../../src/errors.ts";

const UID_MAP = "         0          0 4294967295\n";

function mount(point: string, type: string, options: string, root = "/"): string {
  return `31 23 0:28 ${root} ${point} rw,relatime shared:9 - ${type} ${type} ${options}`;
}

function detect(mounts: string[], own: string[], uidMap = UID_MAP): CgroupHost {
  return readCgroupHost({ mountinfo: mounts.join("\n"), cgroup: own.join("\n"), uidMap });
}

Deno.test("a hybrid host follows v1's rules, with the v2 tree beside", () => {
  const host = detect([
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
    mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
    mount("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd"),
    mount("/sys/fs/cgroup/unified", "cgroup2", "rw,nsdelegate"),
  ], ["4:cpu,cpuacct:/a", "1:name=systemd:/b", "0::/c"]);
  assertEquals(host, {
    version: 1,
    inUserNamespace: false,
    hierarchies: [
      {
        controllers: ["cpu", "cpuacct"],
        mountPoint: "/sys/fs/cgroup/cpu,cpuacct",
        ownFolder: "/sys/fs/cgroup/cpu,cpuacct/a",
      },
      {
        controllers: ["name=systemd"],
        mountPoint: "/sys/fs/cgroup/systemd",
        ownFolder: "/sys/fs/cgroup/systemd/b",
      },
      {
        controllers: [""],
        mountPoint: "/sys/fs/cgroup/unified",
        ownFolder: "/sys/fs/cgroup/unified/c",
      },
    ],
  });
});

Deno.test("cgroup2 at /sys/fs/cgroup means v2", () => {
  const host = detect(
    [mount("/sys/fs/cgroup", "cgroup2", "rw,nsdelegate")],
    ["0::/user.slice/session"],
  );
  assertEquals(host.version, 2);
  assertEquals(host.hierarchies, [{
    controllers: [""],
    mountPoint: "/sys/fs/cgroup",
    ownFolder: "/sys/fs/cgroup/user.slice/session",
  }]);
});

Deno.test("a lone named v1 hierarchy beside v2 elsewhere is v2", () => {
  const host = detect([
    mount("/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd"),
    mount("/mnt/cgroup2", "cgroup2", "rw"),
  ], ["1:name=systemd:/", "0::/"]);
  assertEquals([host.version, host.hierarchies.length], [2, 1]);
});

Deno.test("a mount that shows a part of the tree is counted from there", () => {
  const host = detect(
    [mount("/sys/fs/cgroup/memory", "cgroup", "rw,memory", "/docker/x")],
    ["5:memory:/docker/x/inner"],
  );
  assertEquals(host.hierarchies[0]?.ownFolder, "/sys/fs/cgroup/memory/inner");
  const outside = detect(
    [mount("/sys/fs/cgroup/memory", "cgroup", "rw,memory", "/docker/x")],
    ["5:memory:/../elsewhere"],
  );
  assertEquals(outside.hierarchies[0]?.ownFolder, "/sys/fs/cgroup/memory");
});

Deno.test("of several mounts of one hierarchy the usual place counts", () => {
  const host = detect([
    mount("/var/lib/x/cgroup/pids", "cgroup", "rw,pids"),
    mount("/sys/fs/cgroup/pids", "cgroup", "rw,pids"),
  ], ["5:pids:/"]);
  assertEquals(host.hierarchies.map((h) => h.mountPoint), ["/sys/fs/cgroup/pids"]);
});

Deno.test("escaped mount points are read as they are", () => {
  const host = detect([mount("/mnt/a\\040b", "cgroup", "rw,pids")], ["5:pids:/"]);
  assertEquals(host.hierarchies[0]?.mountPoint, "/mnt/a b");
});

Deno.test("another uid map than the whole is a user namespace", () => {
  const host = detect([mount("/sys/fs/cgroup", "cgroup2", "rw")], ["0::/"], "0 100000 65536\n");
  assertEquals(host.inUserNamespace, true);
});

Deno.test("a host without cgroups is an error", () => {
  const error = assertThrows(() => detect([], ["0::/"]), ContainerError);
  assertEquals(error.code, "Unsupported");
});

Deno.test("mountinfo is read until every hierarchy was seen at its usual place", () => {
  const text = [
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
    mount("/mnt/pids", "cgroup", "rw,pids"),
    mount("/sys/fs/cgroupish", "cgroup", "rw,pids"),
    mount("/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
    mount("/sys/fs/cgroup/unified", "cgroup2", "rw"),
    mount("/sys/fs/cgroup/pids", "cgroup", "rw,pids"),
    mount("/mnt/more", "tmpfs", "rw"),
  ].join("\n");
  const isEnough = untilUsual(["memory", "pids", ""]);
  let read = 0;
  while (read < text.length && !isEnough(text.slice(read, read + 7))) read += 7;
  const seen = text.slice(0, read + 7).split("\n");
  assertEquals(seen.length, 7, "the last line is not read on");
  assertEquals([...text].length > read + 7, true);
});

Deno.test("what is read of mountinfo tells the same as all of it", () => {
  const whole = (name: string) => Deno.readTextFileSync(`/proc/self/${name}`);
  const facts = {
    mountinfo: whole("mountinfo"),
    cgroup: whole("cgroup"),
    uidMap: whole("uid_map"),
  };
  assertEquals(detectCgroups(), readCgroupHost(facts));
});

Deno.test("what was found lately is found again, until the mounts change", () => {
  using recent = new RecentHost();
  const first = detectCgroups("self", recent);
  const cgroup = Deno.readTextFileSync("/proc/self/cgroup");
  assertEquals(recent.find(cgroup) === first, true);
  assertEquals(recent.find(`${cgroup}0::/of/another\n`), undefined);
  assertEquals(detectCgroups("self", recent) === first, true);
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-mount-" });
  new Deno.Command("mount", { args: ["-t", "tmpfs", "hull-test", folder] }).outputSync();
  assertEquals(recent.find(cgroup), undefined);
  const second = detectCgroups("self", recent);
  assertEquals(second.hierarchies, first.hierarchies);
  assertEquals(recent.find(cgroup) === second, true);
  new Deno.Command("umount", { args: [folder] }).outputSync();
  Deno.removeSync(folder);
});
