import { assertEquals, assertStringIncludes } from "@std/assert";
import { detectSecurityModules } from "../../src/security/lsm.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { testWhere } from "../fixtures/test_where.ts";

const missing = detectSecurityModules().apparmor
  ? hasParser() ? undefined : "apparmor_parser"
  : "a kernel with AppArmor";

function hasParser(): boolean {
  try {
    return new Deno.Command("apparmor_parser", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

const id = () => `hull-apparmor-${crypto.randomUUID().slice(0, 8)}`;

/** A profile that allows all but writing below /data, loaded while in scope. */
function loadProfile(name: string): Disposable {
  const folder = scratchFolder();
  const file = `${folder.path}/profile`;
  Deno.writeTextFileSync(
    file,
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {
  capability,
  network,
  file,
  mount,
  umount,
  signal,
  ptrace,
  deny /data/** w,
}
`,
  );
  run("apparmor_parser", "--replace", "--skip-cache", file);
  return {
    [Symbol.dispose]: () => {
      run("apparmor_parser", "--remove", file);
      folder[Symbol.dispose]();
    },
  };
}

testWhere(missing, "the program runs under its AppArmor profile, which holds", async () => {
  const profile = id();
  using _loaded = loadProfile(profile);
  await using hull = new Hull();
  const script = "cat /proc/self/attr/current; touch /tmp/yes && echo wrote; touch /data/no; true";
  for (const noNewPrivileges of [false, true]) {
    using bundle = makeBundle(script, (config) => {
      config.root.readonly = false;
      config.process.apparmorProfile = profile;
      config.process.noNewPrivileges = noNewPrivileges;
    });
    const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, id()]);
    assertEquals([code, stdout], [0, `${profile} (enforce)\nwrote\n`], stderr);
    assertStringIncludes(stderr, "/data/no: Permission denied");
  }
});

testWhere(missing, "a profile that is not loaded is an error of that field", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("echo ran", (config) => {
    config.process.apparmorProfile = "hull-apparmor-nowhere";
  });
  const said = await hull.refuse("run", "-b", bundle.folder, id());
  assertStringIncludes(said, "ENOENT [step labels]");
  assertStringIncludes(said, "[config /process/apparmorProfile]; load the profile with");
});
