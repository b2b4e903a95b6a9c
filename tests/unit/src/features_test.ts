import { assert, assertEquals } from "@std/assert";
import { supportsFilterFlags } from "../../../ffi/seccomp/seccomp.ts";
import { hasAction, probeSeccomp } from "../../../ffi/seccomp/seccomp_probe.ts";
import { parseMountOptions } from "../../../init/steps/rootfs/mount_options.ts";
import { MOUNT_OPTIONS } from "../../../src/config/mount_options.ts";
import { SECCOMP_ACTIONS } from "../../../src/config/types/names.ts";
import { checkConfig } from "../../../src/config/validate/validate.ts";
import { type FeatureProbes, features, featuresOf } from "../../../src/features.ts";
import { scratchFolder } from "../../fixtures/bundle.ts";

/** A kernel of some namespaces and capabilities. */
function kernel(
  namespaces: readonly string[],
  lastCapability: number,
): { readonly probes: FeatureProbes } & Disposable {
  const folder = scratchFolder();
  Deno.mkdirSync(`${folder.path}/self/ns`, { recursive: true });
  Deno.mkdirSync(`${folder.path}/sys/kernel`, { recursive: true });
  for (const name of namespaces) Deno.writeTextFileSync(`${folder.path}/self/ns/${name}`, "");
  Deno.writeTextFileSync(`${folder.path}/sys/kernel/cap_last_cap`, `${lastCapability}\n`);
  const seccomp = () => ({ library: undefined, actions: [], flags: [] });
  return {
    probes: { proc: folder.path, seccomp },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

Deno.test("an old kernel's features are those that it has", () => {
  using old = kernel(["mnt", "net", "pid", "pid_for_children", "user", "uts", "ipc"], 37);
  const { linux, annotations } = featuresOf(old.probes);
  assertEquals(linux.namespaces, ["ipc", "mount", "network", "pid", "user", "uts"]);
  assertEquals(linux.capabilities.at(-1), "CAP_AUDIT_READ");
  assertEquals([linux.seccomp.enabled, linux.seccomp.supportedFlags], [false, []]);
  assertEquals(annotations["io.github.seccomp.libseccomp.version"], undefined);
});

Deno.test("seccomp is on with the library and a kernel that knows actions", () => {
  using host = kernel([], 40);
  const flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_OF_TOMORROW"];
  const seccomp = () => ({ library: "2.5.4", actions: ["SCMP_ACT_ALLOW"], flags });
  const found = featuresOf({ ...host.probes, seccomp });
  assertEquals(found.linux.seccomp.enabled, true);
  assertEquals(found.linux.seccomp.actions, ["SCMP_ACT_ALLOW"]);
  assertEquals(found.linux.seccomp.supportedFlags, ["SECCOMP_FILTER_FLAG_LOG"]);
  assertEquals(found.annotations["io.github.seccomp.libseccomp.version"], "2.5.4");
  assertEquals(found.potentiallyUnsafeConfigAnnotations, ["org.hull.networks", "org.hull.routes"]);
});

Deno.test("the kernel is asked about seccomp without a filter being set", () => {
  const { actions, flags } = probeSeccomp();
  assertEquals(actions.filter((name) => !SECCOMP_ACTIONS.some((known) => known === name)), []);
  assert(actions.includes("SCMP_ACT_ERRNO") && flags.includes("SECCOMP_FILTER_FLAG_TSYNC"));
  assertEquals([supportsFilterFlags(1 << 30), hasAction(0x12340000)], [false, false]);
  const status = Deno.readTextFileSync("/proc/self/status");
  assertEquals(/^Seccomp_filters:\s*(\d+)$/m.exec(status)?.[1] ?? "0", "0");
});

/** features.md's example, without those of the file system. */
const OF_THE_SPEC = "acl async atime bind defaults dev diratime dirsync exec iversion lazytime " +
  "loud mand noacl noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime " +
  "nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec " +
  "rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro " +
  "rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared " +
  "silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap";

Deno.test("the mount options are all of the spec's, and the parser takes none for data", () => {
  const { mountOptions } = features();
  assertEquals(OF_THE_SPEC.split(" ").filter((name) => !mountOptions.includes(name)), []);
  assertEquals(MOUNT_OPTIONS.filter((name) => parseMountOptions([name]).data.length > 0), []);
  assertEquals(new Set(mountOptions).size, mountOptions.length);
});

Deno.test("a config of either version, with each hook, namespace and capability, is taken", () => {
  const { ociVersionMin, ociVersionMax, hooks, linux } = features();
  for (const ociVersion of [ociVersionMin, ociVersionMax]) {
    const map = [{ containerID: 0, hostID: 0, size: 1 }];
    const { warnings } = checkConfig({
      ociVersion,
      root: { path: "rootfs" },
      process: { cwd: "/", args: ["x"], capabilities: { bounding: linux.capabilities } },
      hooks: Object.fromEntries(hooks.map((name) => [name, [{ path: "/bin/true" }]])),
      linux: {
        namespaces: linux.namespaces.map((type) => ({ type })),
        uidMappings: map,
        gidMappings: map,
      },
    });
    assertEquals(warnings, []);
  }
});
