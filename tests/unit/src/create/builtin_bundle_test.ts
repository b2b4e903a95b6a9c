import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { checkConfig } from "../../../../src/config/validate/validate.ts";
import {
  builtinConfig,
  type BuiltinNetwork,
  type HostFacts,
  hostFacts,
  writeBuiltinFiles,
} from "../../../../src/create/builtin_bundle.ts";

/** A host whose /bin leads into /usr and whose /lib is a folder of its own. */
const HOST: HostFacts = {
  topLevel: [{ name: "bin", kind: "symlink", target: "usr/bin" }, { name: "lib", kind: "dir" }],
  etc: [{ name: "alternatives", kind: "dir" }, { name: "ld.so.cache", kind: "file" }],
};

async function inTempDir(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the built-in config is valid, runs the command and is named after the id", () => {
  const { config } = builtinConfig({ id: "web", args: ["ps", "aux"], host: HOST });
  assertEquals(checkConfig(config).warnings, []);
  assertEquals(config.process?.args, ["ps", "aux"]);
  assertEquals(config.process?.terminal, false);
  assertEquals(config.hostname, "web");
});

Deno.test("no command means a shell, and a long id is cut to a hostname", () => {
  const { config } = builtinConfig({ id: "x".repeat(100), args: [], terminal: true, host: HOST });
  assertEquals(config.process?.args, ["sh"]);
  assertEquals(config.process?.terminal, true);
  assertEquals(config.hostname, "x".repeat(64));
  checkConfig(config);
});

Deno.test("the built-in container is confined", () => {
  const { config } = builtinConfig({ id: "web", args: [], host: HOST });
  assertEquals(
    config.linux?.namespaces?.map(({ type, path }) => [type, path]),
    ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => [type, undefined]),
  );
  assertEquals(config.root, { path: "rootfs", readonly: true });
  assertEquals(config.process?.noNewPrivileges, true);
  assertEquals(config.process?.rlimits, [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }]);
  assertEquals(config.linux?.resources?.pids?.limit, 1024);
  const { bounding, inheritable, ambient } = config.process?.capabilities ?? {};
  assertEquals(bounding?.length, 14);
  assertEquals(bounding?.includes("CAP_SYS_ADMIN"), false);
  assertEquals([inheritable, ambient], [undefined, undefined]);
});

Deno.test("of the host only its programs are bound, and all read-only", () => {
  const { config } = builtinConfig({ id: "web", args: [], host: HOST });
  const binds = (config.mounts ?? []).filter(({ options }) => options?.includes("bind"));
  assertEquals(
    binds.map(({ source, destination }) => [source, destination]),
    ["/usr", "/lib", "/etc/alternatives", "/etc/ld.so.cache"].map((path) => [path, path]),
  );
  assertEquals(binds.every(({ options }) => options?.includes("ro")), true);
  const others = (config.mounts ?? []).filter((mount) => !binds.includes(mount));
  assertEquals(
    [...new Set(others.map(({ type }) => type))].sort(),
    ["cgroup", "devpts", "mqueue", "proc", "sysfs", "tmpfs"],
  );
});

Deno.test("every mount point is in the skeleton, but those inside another mount", () => {
  const { config, files } = builtinConfig({ id: "web", args: [], host: HOST });
  const inner = /^\/(?:dev|sys)\//;
  for (const { destination } of config.mounts ?? []) {
    if (inner.test(destination)) continue;
    const place = files.find(({ path }) => path === destination);
    assertEquals(place?.kind === "dir" || place?.kind === "file", true, destination);
  }
});

Deno.test("the skeleton is written with its modes, whatever the umask is", async () => {
  await inTempDir((folder) => {
    const root = `${folder}/rootfs`;
    const { files } = builtinConfig({ id: "web", args: [], host: HOST });
    const umask = Deno.umask(0o077);
    try {
      writeBuiltinFiles(root, files);
    } finally {
      Deno.umask(umask);
    }
    const mode = (path: string) => (Deno.lstatSync(`${root}${path}`).mode ?? 0) & 0o7777;
    assertEquals(
      ["", "/tmp", "/root", "/etc", "/etc/passwd", "/lib"].map(mode),
      [0o755, 0o1777, 0o700, 0o755, 0o644, 0o755],
    );
    assertEquals(Deno.readLinkSync(`${root}/bin`), "usr/bin");
    assertEquals(Deno.readTextFileSync(`${root}/etc/hostname`), "web\n");
    assertStringIncludes(Deno.readTextFileSync(`${root}/etc/passwd`), "root:x:0:0:");
  });
});

Deno.test("a skeleton is not written where something is", async () => {
  await inTempDir((folder) => {
    Deno.mkdirSync(`${folder}/decoy`);
    Deno.symlinkSync("decoy", `${folder}/rootfs`);
    const error = assertThrows(
      () => writeBuiltinFiles(`${folder}/rootfs`, [{ path: "/x", kind: "dir", mode: 0o755 }]),
      ContainerError,
    );
    assertEquals([error.code, error.path], ["SystemError", `${folder}/rootfs`]);
    assertEquals([...Deno.readDirSync(`${folder}/decoy`)], []);
  });
});

Deno.test("a skeleton's file doesn't replace or follow what is there", async () => {
  await inTempDir((folder) => {
    Deno.writeTextFileSync(`${folder}/outside`, "kept");
    assertThrows(
      () =>
        writeBuiltinFiles(`${folder}/rootfs`, [
          { path: "/link", kind: "symlink", target: "../outside" },
          { path: "/link", kind: "file", mode: 0o644, content: "changed" },
        ]),
      ContainerError,
      "/link",
    );
    assertEquals(Deno.readTextFileSync(`${folder}/outside`), "kept");
    assertThrows(
      () => writeBuiltinFiles(`${folder}/other`, [{ path: "/../up", kind: "dir", mode: 0o755 }]),
      ContainerError,
      "steps up",
    );
  });
});

Deno.test("the host's files are seen as they are, missing ones left out", async () => {
  await inTempDir((folder) => {
    Deno.symlinkSync("usr/bin", `${folder}/bin`);
    Deno.mkdirSync(`${folder}/lib64`);
    Deno.mkdirSync(`${folder}/etc`);
    Deno.writeTextFileSync(`${folder}/etc/ld.so.cache`, "");
    assertEquals(hostFacts(folder), {
      topLevel: [
        { name: "bin", kind: "symlink", target: "usr/bin" },
        { name: "lib64", kind: "dir" },
      ],
      etc: [{ name: "ld.so.cache", kind: "file" }],
    });
  });
});

Deno.test("the files of the built-in container say how it is connected", () => {
  const filesOf = (network: BuiltinNetwork) => {
    const { config, files } = builtinConfig({ id: "web", args: [], host: HOST, network });
    const content = (path: string) =>
      files.flatMap((file) => file.kind === "file" && file.path === path ? [file.content] : [])[0];
    const isOwn = config.linux?.namespaces?.some(({ type }) => type === "network");
    return { isOwn, hosts: content("/etc/hosts"), resolv: content("/etc/resolv.conf") };
  };
  const local = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";
  assertEquals(filesOf({}), {
    isOwn: true,
    hosts: `${local}127.0.1.1\tweb\n`,
    resolv: undefined,
  });
  assertEquals(filesOf({ addresses: ["10.88.0.2", "fd00::2"], resolvConf: "x\n" }), {
    isOwn: true,
    hosts: `${local}10.88.0.2\tweb\nfd00::2\tweb\n`,
    resolv: "x\n",
  });
  assertEquals(filesOf({ isHost: true }).isOwn, false);
});
