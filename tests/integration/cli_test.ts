import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
  assertStringIncludes,
} from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

Deno.test("spec writes what runc spec writes, and does not overwrite", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("");
  using folder = scratchFolder();
  assertEquals(await hull.must("spec", "--bundle", folder.path), "");
  const ours = JSON.parse(Deno.readTextFileSync(`${folder.path}/config.json`));
  for (const key of ["root", "hostname", "mounts"]) {
    assertEquals(ours[key], Reflect.get(bundle.config, key), key);
  }
  const { capabilities, rlimits, env, noNewPrivileges } = bundle.config.process ?? {};
  assertObjectMatch(ours.process, { capabilities, rlimits, env, noNewPrivileges, terminal: true });
  assertEquals(ours.linux.namespaces, bundle.config.linux?.namespaces);
  assertEquals(ours.linux.maskedPaths, bundle.config.linux?.maskedPaths);
  assertStringIncludes(await hull.refuse("spec", "--bundle", folder.path), "File exists");
});

Deno.test("spec --rootless maps the caller, spec --builtin prints the built-in default", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  await hull.must("spec", "--rootless", "--bundle", folder.path);
  const { linux } = JSON.parse(Deno.readTextFileSync(`${folder.path}/config.json`));
  assertEquals(linux.uidMappings, [{ containerID: 0, hostID: 0, size: 1 }]);
  const builtin = JSON.parse(await hull.must("spec", "--builtin"));
  assertEquals(builtin.root.readonly, true);
});

Deno.test("help and version say what there is", async () => {
  await using hull = new Hull();
  const help = await hull.must("--help");
  for (
    const name of [
      "create",
      "delete",
      "doctor",
      "explain",
      "events",
      "exec",
      "features",
      "inspect",
      "kill",
      "list",
      "logs",
      "pause",
      "plan",
      "ps",
      "resume",
      "run",
      "spec",
      "start",
      "state",
      "update",
      "wait",
    ]
  ) {
    assertMatch(help, new RegExp(`^  ${name} `, "m"));
    assertStringIncludes(await hull.must(name, "--help"), `usage: hull [global flags] ${name}`);
  }
  assertMatch(
    await hull.must("--version"),
    /^hull version (\d+\.\d+\.\d+)\ncommit: v\1\nspec: 1\.3\.\d\n/,
  );
});

Deno.test("mistakes on the command line are one line with the nearest right word", async () => {
  await using hull = new Hull();
  const cases: [string[], string][] = [
    [["strat", "x"], "did you mean hull start?"],
    [["rm", "x"], "did you mean hull delete?"],
    [["version"], "did you mean hull --version?"],
    [["toString"], "see hull --help"],
    [["list", "--quite"], "did you mean --quiet?"],
    [["list", "--root", "/x"], "put it before the command"],
    [["list", "--quiet=maybe"], "is on or off"],
    [["kill", "x", "-9"], "unknown flag -9"],
    [["run", "x", "sh"], "put -- before the command"],
    [["delete"], "usage: hull delete <id>"],
    [["--log-level", "loud", "list"], "use error, warning or debug"],
    [["--rootless", "maybe", "list"], "use true, false or auto"],
    [["--cgroup-manager", "none", "list"], "use cgroupfs, systemd or disabled"],
    [["list", "--format", "yaml"], "use table or json"],
    [["kill", "x", "NOSIGNAL"], "does not exist"],
    [["run", "--preserve-fds", "x", "id"], "no number of fds"],
  ];
  for (const [args, part] of cases) assertStringIncludes(await hull.refuse(...args), part);
});

Deno.test("a bundle that can't be used: each fault names the file or the field", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const file = `${folder.path}/config.json`;
  const refusal = async (text: string | undefined) => {
    if (text !== undefined) Deno.writeTextFileSync(file, text);
    return await hull.refuse("run", "-b", folder.path, "bad");
  };
  assertStringIncludes(await refusal(undefined), "there is no such file");
  assertStringIncludes(await refusal("{"), "is not JSON");
  assertStringIncludes(await refusal("{}"), "/ociVersion: is required; /root: is required");
  const spec = {
    ociVersion: "1.0.0",
    root: { path: "rootfs" },
    process: { args: ["x"], cwd: "/" },
  };
  assertStringIncludes(await refusal(JSON.stringify(spec)), "/root/path");
  Deno.mkdirSync(`${folder.path}/rootfs`);
  const profile = { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_S390X"] };
  const seccomp = { ...spec, linux: { namespaces: [{ type: "mount" }], seccomp: profile } };
  assertStringIncludes(await refusal(JSON.stringify(seccomp)), "/linux/seccomp/architectures/0");
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

Deno.test("the log gets what stderr gets, as text and as JSON for engines", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const log = `${folder.path}/log`;
  await hull.refuse("--log", log, "start", "none");
  assertMatch(
    Deno.readTextFileSync(log),
    /^time="\S+" level=error msg="container none does not exist/,
  );
  await hull.refuse("--log", log, "--log-format", "json", "start", "none");
  const last = JSON.parse(Deno.readTextFileSync(log).trimEnd().split("\n").at(-1) ?? "");
  assertEquals([last.level, last.code], ["error", "ContainerNotExists"]);
  const { stderr } = await hull.call(["--debug", "list"]);
  assertStringIncludes(stderr, "hull: debug: list");
});

Deno.test("what engines pass to a runtime is accepted", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const log = ["--log", `${folder.path}/log`, "--log-format", "json"];
  await hull.must(...log, "--rootless", "auto", "--criu", "/usr/sbin/criu", "list");
  await hull.must(...log, "--rootless=false", "--log-level=error", "list");
  await hull.must(`--log=${folder.path}/log`, "--log-format=json", "--log-level", "debug", "list");
  assertStringIncludes(Deno.readTextFileSync(`${folder.path}/log`), '"level":"debug","msg":"list"');
});

Deno.test("run --no-pivot enters the rootfs without pivot_root", async () => {
  await leavesNothing("hull-no-pivot", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("ls /; test ! -e /work", (config) => {
      config.root.readonly = false;
    });
    const { code, stdout, stderr } = await hull.call(
      ["run", "--no-pivot", "-b", bundle.folder, "hull-no-pivot"],
    );
    assertEquals([code, stderr], [0, ""]);
    assert(stdout.includes("busybox") === false && stdout.includes("data"), stdout);
  });
});

Deno.test("without cgroups a container runs and goes all the same", async () => {
  await leavesNothing("hull-no-cgroup", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600 & exit 3");
    const call = ["--cgroup-manager", "disabled", "run", "-b", bundle.folder, "hull-no-cgroup"];
    const { code, stderr } = await hull.call(call);
    assertEquals([code, stderr], [3, ""]);
    assertEquals([...Deno.readDirSync(hull.root)], []);
  });
});
