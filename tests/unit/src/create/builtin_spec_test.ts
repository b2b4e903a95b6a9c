import { assertEquals, assertNotEquals } from "@std/assert";
import { defaultSpec, rootlessSpec } from "../../../../src/create/builtin_spec.ts";
import type { Config } from "../../../../src/config/types/config.ts";
import { checkConfig } from "../../../../src/config/validate/validate.ts";

function isInstalled(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * What `runc spec` writes on this host, but for what newer releases of runc write: hull's version of
 * the spec, and no ambient capabilities, which can't be raised where none is inheritable.
 */
async function runcSpec(...options: string[]): Promise<Config> {
  const bundle = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command("runc", {
      args: ["spec", "--bundle", bundle, ...options],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const config = JSON.parse(await Deno.readTextFile(`${bundle}/config.json`));
    delete config.process.capabilities.ambient;
    return { ...config, ociVersion: defaultSpec({ cgroup2: false }).ociVersion };
  } finally {
    await Deno.remove(bundle, { recursive: true });
  }
}

function hasCgroup2Only(): boolean {
  return Deno.readTextFileSync("/proc/self/mounts").includes(" /sys/fs/cgroup cgroup2 ");
}

const ignore = !isInstalled("runc");

Deno.test({
  name: "the default config is what runc spec writes",
  ignore,
  fn: async () => {
    assertEquals(await runcSpec(), defaultSpec({ cgroup2: hasCgroup2Only() }));
  },
});

Deno.test({
  name: "the rootless config is what runc spec --rootless writes",
  ignore,
  fn: async () => {
    const [uid, gid] = [Deno.uid() ?? 0, Deno.gid() ?? 0];
    assertEquals(
      await runcSpec("--rootless"),
      rootlessSpec(uid, gid, { cgroup2: hasCgroup2Only() }),
    );
  },
});

Deno.test("the default configs are valid and warn of nothing", () => {
  for (const cgroup2 of [true, false]) {
    for (const config of [defaultSpec({ cgroup2 }), rootlessSpec(1000, 100, { cgroup2 })]) {
      assertEquals(checkConfig(config).warnings, []);
    }
  }
});

Deno.test("cgroup v2 adds the cgroup namespace", () => {
  const types = (cgroup2: boolean) =>
    defaultSpec({ cgroup2 }).linux?.namespaces?.map(({ type }) => type);
  assertEquals(types(false)?.includes("cgroup"), false);
  assertEquals(types(true), [...types(false) ?? [], "cgroup"]);
});

Deno.test("the rootless config maps the given ids and asks for nothing a plain user lacks", () => {
  const { linux, mounts } = rootlessSpec(1000, 100, { cgroup2: false });
  assertEquals(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assertEquals(linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  assertEquals(linux?.resources, undefined);
  assertEquals(linux?.namespaces?.map(({ type }) => type), ["pid", "ipc", "uts", "mount", "user"]);
  assertEquals(
    mounts?.flatMap(({ options }) => options ?? []).filter((o) => o.includes("gid=")),
    [],
  );
});

Deno.test("two default configs share nothing that could be changed", () => {
  const [one, other] = [defaultSpec({ cgroup2: false }), defaultSpec({ cgroup2: false })];
  (one.linux?.maskedPaths as string[]).push("/x");
  assertNotEquals(one, other);
});
