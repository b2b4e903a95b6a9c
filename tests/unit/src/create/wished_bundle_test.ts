import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checkConfig } from "../../../../src/config/validate/validate.ts";
import type { HostFacts } from "../../../../src/create/builtin_bundle.ts";
import type { DefaultWishes } from "../../../../src/create/default_wishes.ts";
import { wishedBundle } from "../../../../src/create/wished_bundle.ts";
import { ContainerError } from "../../../../src/errors.ts";

const HOST: HostFacts = {
  topLevel: [{ name: "bin", kind: "symlink", target: "usr/bin" }],
  etc: [{ name: "ld.so.cache", kind: "file" }],
};

function bundle(wishes: DefaultWishes) {
  return wishedBundle({ id: "web", args: [], host: HOST }, wishes);
}

function faultsOf(wishes: unknown): string[] {
  const error = assertThrows(() => bundle(wishes as DefaultWishes), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  return (error.faults ?? []).map(({ pointer }) => pointer);
}

Deno.test("without a wish it is the built-in default", () => {
  const { config, rootBytes, reaper } = bundle({});
  checkConfig(config);
  assertEquals([config.hostname, config.root?.readonly], ["web", true]);
  assertEquals([rootBytes, reaper], [undefined, undefined]);
  assertEquals(config.process?.user, { uid: 0, gid: 0 });
});

Deno.test("each wish has its place in the config", () => {
  const { config, rootBytes } = bundle({
    args: ["true"],
    env: { PATH: "/opt/bin", LANG: "C" },
    hostname: "other",
    user: "7:8",
    cwd: "/srv",
    writableRoot: { sizeBytes: 8192 },
    resources: { memory: { limit: 1 << 20 } },
    capabilities: ["CAP_KILL"],
    noNewPrivileges: false,
  });
  checkConfig(config);
  assertEquals(config.hostname, "other");
  assertEquals(config.process, {
    ...config.process,
    args: ["true"],
    env: ["TERM=xterm", "PATH=/opt/bin", "LANG=C"],
    user: { uid: 7, gid: 8 },
    cwd: "/srv",
    capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
    noNewPrivileges: false,
  });
  assertEquals([config.root?.readonly, rootBytes], [false, 8192]);
  assertEquals(config.linux?.resources?.memory, { limit: 1 << 20 });
  assertEquals(config.linux?.resources?.pids, { limit: 1024 });
});

Deno.test("a wished mount takes the place of a tmpfs, and those above come first", () => {
  const { config } = bundle({
    mounts: [
      {
        type: "tmpfs",
        destination: "/data/alternatives",
        sizeBytes: 4096,
        mode: 0o700,
        executable: false,
      },
      { type: "host", source: "/etc", destination: "/data" },
      { type: "host", source: "/etc", destination: "/tmp", writable: true },
    ],
  });
  const wished = config.mounts?.slice(-3) ?? [];
  assertEquals(wished.map(({ destination }) => destination), [
    "/data",
    "/tmp",
    "/data/alternatives",
  ]);
  assertEquals(wished[0]?.options, ["rbind", "rprivate", "rro", "nosuid", "nodev"]);
  assertEquals(wished[1]?.options, ["rbind", "rprivate", "nosuid", "nodev"]);
  assertEquals(wished[2]?.options, ["nosuid", "nodev", "noexec", "mode=700", "size=4096"]);
  assertEquals(config.mounts?.filter(({ destination }) => destination === "/tmp").length, 1);
});

Deno.test("files lie where links lead them, and fill the tmpfs that is there", () => {
  const { config, files } = bundle({
    files: { "/var/tmp/a": "A", "/etc/passwd": "me:x:5:6::/here:/bin/sh\n" },
    user: "me",
  });
  assertEquals(files.filter(({ path }) => path.endsWith("/a")).map(({ path }) => path), ["/tmp/a"]);
  const tmp = config.mounts?.find(({ destination }) => destination === "/tmp");
  assertEquals(tmp?.options?.at(-1), "tmpcopyup");
  assertEquals(config.process?.user, { uid: 5, gid: 6 });
});

Deno.test("a number that nobody has gets a line in passwd(5)", () => {
  const { files, config } = bundle({ user: "1234" });
  const passwd = files.find(({ path }) => path === "/etc/passwd");
  assert(passwd?.kind === "file" && typeof passwd.content === "string");
  assertStringIncludes(passwd.content, "\n1234:x:1234:0::/:/bin/sh\n");
  assert(!config.process?.env?.some((entry) => entry.startsWith("HOME=")));
});

Deno.test("of the host only what is wished is shown, with the links that lead there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(`${folder}/real`);
    Deno.writeTextFileSync(`${folder}/real/tool-1`, "");
    Deno.symlinkSync("tool-1", `${folder}/real/tool`);
    Deno.symlinkSync("real", `${folder}/short`);
    const { config, files } = bundle({ hostPaths: [`${folder}/short/tool`] });
    const binds = config.mounts?.filter(({ options }) => options?.includes("bind"));
    assertEquals(binds?.map(({ destination }) => destination), [`${folder}/real/tool-1`]);
    const links = files.flatMap((file) =>
      file.kind === "symlink" ? [[file.path, file.target]] : []
    );
    assertEquals(links.slice(-2), [[`${folder}/short`, "real"], [`${folder}/real/tool`, "tool-1"]]);
    assert(links.some(([path]) => path === "/bin"));
    assertEquals(faultsOf({ hostPaths: [`${folder}/none`] }), ["/hostPaths/0"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("init: true puts a first process into the root", () => {
  const { files, reaper } = bundle({ init: true });
  const file = files.find(({ path }) => path === reaper);
  assert(file?.kind === "file" && file.mode === 0o755 && file.content.length < 1024);
  assertEquals(faultsOf({ init: true, files: { "/init": "" } }), ["/init"]);
});

Deno.test("who is privileged has every capability and device, and nothing is masked", () => {
  const { config } = bundle({ privileged: true });
  checkConfig(config);
  assertEquals(config.linux?.resources?.devices, [{ allow: true, access: "rwm" }]);
  assertEquals([config.linux?.maskedPaths, config.linux?.readonlyPaths], [undefined, undefined]);
  assertEquals(config.process?.noNewPrivileges, false);
  const sys = config.mounts?.find(({ destination }) => destination === "/sys");
  assertEquals(sys?.options?.includes("ro"), false);
});

Deno.test("all that is wrong is told at once, each with its place", () => {
  assertEquals(
    faultsOf({
      nosuch: 1,
      args: [],
      env: { "a=b": "c", d: 1 },
      hostname: "x".repeat(65),
      user: 5,
      cwd: "srv",
      mounts: [
        { type: "disk", destination: "/a" },
        { type: "host", source: "/nosuch", destination: "b" },
        { type: "tmpfs", destination: "/proc/x", sizeBytes: 1, mode: 0o10000 },
        { type: "tmpfs", destination: "/a/" },
      ],
      files: { "rel": "", "/dev/x": "", "/a": 5, "/b": { mode: 0o644 } },
      writableRoot: { sizeBytes: "1" },
      hostPaths: ["/", "usr"],
      timezone: "",
      init: "yes",
      resources: { memory: { limit: "x" } },
      network: "tokenring",
      capabilities: ["CAP_FLY"],
      seccomp: { defaultAction: "SCMP_ACT_SING" },
    }).sort(),
    [
      "/args",
      "/capabilities/0",
      "/cwd",
      "/env/a=b",
      "/env/d",
      "/files/rel",
      "/files/~1a",
      "/files/~1b/content",
      "/files/~1dev~1x",
      "/hostPaths/0",
      "/hostPaths/1",
      "/hostname",
      "/init",
      "/mounts/0/type",
      "/mounts/1/destination",
      "/mounts/1/source",
      "/mounts/2/destination",
      "/mounts/2/mode",
      "/mounts/2/sizeBytes",
      "/mounts/3/destination",
      "/network",
      "/nosuch",
      "/resources/memory/limit",
      "/seccomp/defaultAction",
      "/timezone",
      "/user",
      "/writableRoot/sizeBytes",
    ],
  );
});

Deno.test("wishes that don't fit each other or the host are told at once", () => {
  assertEquals(
    faultsOf({
      timezone: "Mars/Base",
      user: "nobody-of-that-name",
      mounts: [
        { type: "host", source: "/etc", destination: "/data" },
        { type: "tmpfs", destination: "/usr/hull-nosuch" },
      ],
      files: { "/bin/x": "", "/tmp": "", "/etc/hosts/x": "", "/data/x": "" },
    }).sort(),
    [
      "/files/~1bin~1x",
      "/files/~1data~1x",
      "/files/~1etc~1hosts~1x",
      "/files/~1tmp",
      "/mounts/1/destination",
      "/timezone",
      "/user",
    ],
  );
});
