import { assert, assertEquals, assertMatch } from "@std/assert";
import { isThere } from "../../ffi/files/file_status.ts";
import { BRIEFLY } from "../../src/own/own_modules.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { BUNDLER } from "../fixtures/installation.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";

const SCRIPTS = fromFileUrl(new URL("../../scripts", import.meta.url));
const LAUNCHER = `${SCRIPTS}/hull`;

/** Makes all of the host read-only but the folders named, in a mount namespace of its own. */
const READ_ONLY_HOST = `set -eu
for folder; do mount --bind "$folder" "$folder"; done
while read -r _ _ _ _ at _; do
  for folder in "$@" /proc /sys; do
    case $at/ in "$folder"/*) continue 2 ;; esac
  done
  mount -o remount,bind,ro "$at" 2>/dev/null || [ ! -e "$at" ]
done </proc/self/mountinfo
if touch /tmp/hull-launcher-probe 2>/dev/null; then exit 9; fi
`;

/** A container's life, told by exit codes; the trace is of every process in it. */
const LIFE = `cd "$bundle"
exec strace -f -qq -e trace=%file,%network -o "$log/trace" /bin/sh -c '
for words in create start "exec ID true" "kill ID KILL" "delete --force"; do
  case $words in *ID*) words="\${words%%ID*}hull-launch\${words#*ID}" ;; *) words="$words hull-launch" ;; esac
  env -i ${LAUNCHER} --root "$root" $words </dev/null >"$log/said" 2>&1 || { cat "$log/said"; exit 1; }
done'
`;

Deno.test("the launcher writes to its root, its bundle and its cache, and nowhere else", async () => {
  await leavesNothing("hull-launch", async () => {
    using bundle = makeBundle("sleep 100");
    using root = scratchFolder();
    using log = scratchFolder();
    const cache = run("sh", "-c", `. ${SCRIPTS}/find_deno.sh; find_cached_deno; echo "$deno"`)
      .trim().replace(/[^/]*$/, "deno");
    Deno.mkdirSync(cache, { recursive: true });
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["-m", "--propagation", "private", "sh", "-c", READ_ONLY_HOST + LIFE, "sh"]
        .concat(bundle.folder, root.path, log.path, cache),
      env: { bundle: bundle.folder, root: root.path, log: log.path },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals({ code, said }, { code: 0, said: "" });
    const trace = Deno.readTextFileSync(`${log.path}/trace`).split("\n");
    assertMatch(trace.join("\n"), /deno-[\d.]+", \["/); // it did see hull
    assertEquals(trace.filter((line) => /EROFS/.test(line) && !/access/.test(line)), []);
    assertEquals(trace.filter((line) => /connect\(.*AF_INET/.test(line)), []);
    assertEquals([...Deno.readDirSync(root.path)], []);
    assertEquals(names(bundle.folder), ["config.json", "rootfs"]);
  });
});

/** What Deno, the launcher or the shell could take from a folder or the environment. */
const HOSTILE_FILES: Readonly<Record<string, string>> = {
  "deno.json": '{"imports":{"@std/cli":"./hostile.ts"},"nodeModulesDir":"manual"}',
  "package.json": '{"imports":{"#x":"./hostile.ts"},"dependencies":{"@std/cli":"*"}}',
  "import_map.json": '{"imports":{"@std/cli":"./hostile.ts"}}',
  ".npmrc": "registry=http://127.0.0.1:1/\n@hostile:registry=:::\n",
  ".env": "HULL_CACHE=.\nPATH=.\n",
  "hostile.ts": 'console.log("hostile")',
  "node_modules/@std/cli/package.json": '{"main":"../../../hostile.ts"}',
  "find_deno.sh": "echo hostile",
  readlink: "#!/bin/sh\necho hostile\n",
};

const HOSTILE_VARIABLES: Readonly<Record<string, string>> = {
  PATH: ".",
  HOME: ".",
  XDG_CACHE_HOME: ".",
  HULL_CACHE: ".",
  DENO_DIR: ".",
  DENO_CERT: "/nonexistent",
  DENO_TLS_CA_STORE: "hostile",
  DENO_V8_FLAGS: "--hostile",
  DENO_COVERAGE_DIR: "coverage",
  DENO_AUDIT_PERMISSIONS: "audit",
  DENO_TRACE_PERMISSIONS: "1",
  DENO_LOG: "debug",
  DENO_UNSTABLE_CONTROL_SOCK: "unix:hostile",
  DENO_SERVE_ADDRESS: "tcp:127.0.0.1:1",
  DENO_AUTO_SERVE: "1",
  DENO_CONDITIONS: "hostile",
  DENO_INTERNAL_CHILD_ENTRYPOINT: "hostile.ts",
  DENO_PERMISSION_BROKER_PATH: "/nonexistent",
  TOKIO_WORKER_THREADS: "0",
  RUST_MIN_STACK: "hostile",
  OTEL_DENO: "hostile",
  NODE_OPTIONS: "--require ./hostile.ts",
  NODE_CHANNEL_FD: "0",
  NODE_V8_COVERAGE: "coverage",
  SSLKEYLOGFILE: "keys",
};

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`neither the bundle's files nor the environment change what the launcher runs: ${init}`, () => {
    using bundle = makeBundle("echo friendly");
    using root = scratchFolder();
    const version = run("sh", "-c", `. ${SCRIPTS}/find_deno.sh; echo "$deno_version"`).trim();
    const programs = ["", "hull/", ".cache/hull/"].map((folder) => `${folder}deno-${version}`);
    for (const [name, text] of Object.entries(HOSTILE_FILES)) {
      plant(`${bundle.folder}/${name}`, text);
    }
    for (const name of programs) plant(`${bundle.folder}/${name}`, "#!/bin/sh\necho hostile\n");
    const before = run("find", bundle.folder);
    const launched = (env: Record<string, string>) =>
      launch(bundle.folder, env, root.path, ".", init);
    assertEquals(launched(HOSTILE_VARIABLES), FRIENDLY);
    for (const [name, value] of Object.entries(HOSTILE_VARIABLES)) {
      if (!/^(HOME|XDG_CACHE_HOME|HULL_CACHE|PATH)$/.test(name)) continue;
      assertEquals(launched({ [name]: value }), FRIENDLY, name);
    }
    assertEquals(run("find", bundle.folder), before);
  });
}

/** What it sets itself, and what is its own affair. */
const KEPT = ["DENO_DIR", "DENO_NO_UPDATE_CHECK"];
/** Constants of its code that look like variables. */
const NO_VARIABLES = /^(DENO_TLS_FINISHED|NODE_(TYPE_ERR|SIZE|CLOSE?H?|CLUSTER|HTTP2?)$)/;

Deno.test("every variable that this Deno's binary names is unset by the launcher", () => {
  const launcher = Deno.readTextFileSync(`${SCRIPTS}/launch.sh`);
  const unset = [...launcher.matchAll(/\$\{(\w+)\+\1 \}/g)].map(([, name = ""]) => name);
  const known = [...unset, ...KEPT].sort((a, b) => b.length - a.length);
  const deno = run("sh", "-c", `self=; . ${SCRIPTS}/find_deno.sh; find_cached_deno; echo "$deno"`);
  const pattern =
    "(DENO|OTEL_DENO|TOKIO|RAYON)_[A-Z0-9_]{3,}|NODE_(OPTIONS|EXTRA|USE|V8|TLS|CHANNEL)[A-Z0-9_]*";
  const found = run("env", "LC_ALL=C", "grep", "-aoE", pattern, deno.trim()).trim().split("\n");
  // Texts stand in the binary one behind another, so that a name may run into the next one.
  const isKnown = (text: string): boolean =>
    text.length < 3 || !/^(DENO|NODE|OTEL|TOKIO|RAYON)_/.test(text) || NO_VARIABLES.test(text) ||
    known.some((name) => text.startsWith(name) && isKnown(text.slice(name.length)));
  assertEquals([...new Set(found)].filter((text) => !isKnown(text)), []);
});

Deno.test("a hook has the environment that the caller had, byte for byte", () => {
  using scratch = scratchFolder();
  const found = `${scratch.path}/environ`;
  using bundle = makeBundle("exit 0", (config) => {
    config.hooks = { prestart: [{ path: "/bin/cp", args: ["cp", "/proc/self/environ", found] }] };
  });
  // Names of what it reads, sets and uses itself, and what a shell could lose.
  const env = [
    // where no node is
    ...Object.entries({ ...HOSTILE_VARIABLES, PATH: "/usr/sbin:/sbin", HOME: "/" }),
    ...["self", "root", "deno", "code", "cache", "own", "folder", "stamp", "bundle", "modules"]
      .map((name) => [name, `the caller's ${name}`]),
    ["foreign", 'a "b" $c `d` \\ \n*'],
    ["DENO_NO_UPDATE_CHECK", ""],
    ["NODE_DEBUG", "\\377\\201'"],
    ["PWD", bundle.folder],
  ].map(([name, value]) => `${name}=${value}`);
  const script = 'for entry; do shift; set -- "$@" "$(printf %b. "$entry")"; done; ' +
    'for entry; do shift; set -- "$@" "${entry%.}"; done; exec env -i "$@" "$HULL" --root "$ROOT" run hull-launch-env';
  const call = (launcher: string) => {
    const root = scratch.path + "/root";
    const { code, stderr } = new Deno.Command("bash", {
      args: ["-c", script, "bash", ...env.map((entry) => entry.replaceAll("\n", "\\n"))],
      env: { HULL: launcher, ROOT: root, LC_ALL: "C" },
      cwd: bundle.folder,
    }).outputSync();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    return Deno.readFileSync(found);
  };
  const latin1 = new TextDecoder("latin1");
  const expected = env.map((entry) => entry.replace("\\377\\201", "\xff\x81"));
  const seen = latin1.decode(call(LAUNCHER)).split("\0").slice(0, -1);
  assertEquals(seen.sort(), expected.sort());
});

Deno.test("root runs no Deno, and keeps no compiled code, of a home or cache that is another's", () => {
  using scratch = scratchFolder();
  using bundle = makeBundle("echo friendly");
  using root = scratchFolder();
  const version = run("sh", "-c", `. ${SCRIPTS}/find_deno.sh; echo "$deno_version"`).trim();
  const home = `${scratch.path}/home`;
  const hostile = "#!/bin/sh\necho hostile\n";
  plant(`${home}/.cache/hull/deno-${version}`, hostile);
  run("chown", "-R", "12345:12345", home);
  const common = `${scratch.path}/common`; // root's, but everybody's to write to, as /tmp
  plant(`${common}/deno-${version}`, hostile);
  Deno.chownSync(`${common}/deno-${version}`, 12345, 12345);
  Deno.chmodSync(common, 0o777);
  const script = `self=$1; . ${SCRIPTS}/find_deno.sh; find_cached_deno && echo "$deno"
cache_folder; echo "$cache"`;
  const variables = [
    { HOME: home },
    { XDG_CACHE_HOME: `${home}/.cache` },
    { HULL_CACHE: `${home}/.cache/hull` },
    { HULL_CACHE: common },
  ];
  for (const env of variables) {
    const { stdout } = new Deno.Command("sh", {
      args: ["-c", script, "sh", ""],
      env,
      clearEnv: true,
    })
      .outputSync();
    const said = new TextDecoder().decode(stdout);
    const cacheOf = env.HULL_CACHE === common ? scratch.path + "/none" : home;
    assertEquals(said.includes(cacheOf) || said.includes(`${common}/deno`), false, said);
    const { stdout: printed } = new Deno.Command(LAUNCHER, { args: ["--version"], env })
      .outputSync();
    assertMatch(new TextDecoder().decode(printed), /^hull version /);
    for (const init of ["direct", "reexec"] as const) {
      assertEquals(launch("/", env, root.path, bundle.folder, init), FRIENDLY);
    }
  }
});

Deno.test("setup follows no link that somebody has put where its lock is", () => {
  using scratch = scratchFolder();
  const victim = `${scratch.path}/victim`;
  Deno.writeTextFileSync(victim, "kept");
  // Packages seem to be missing, and their installation works.
  plant(`${scratch.path}/bin/dpkg-query`, "#!/bin/sh\nexit 1\n");
  plant(`${scratch.path}/bin/apt-get`, `#!/bin/sh\n: >${scratch.path}/called\n`);
  const script = `set -eu
mount -t tmpfs none /run; mkdir -m 1777 /run/lock; ln -s ${victim} /run/lock/hull-setup
mount -t tmpfs none /usr/sbin
PATH=${scratch.path}/bin:$PATH ${SCRIPTS}/setup --tests`;
  run("unshare", "-m", "--propagation", "private", "sh", "-c", script);
  assertEquals(Deno.statSync(`${scratch.path}/called`).isFile, true);
  assertEquals(Deno.readTextFileSync(victim), "kept");
});

Deno.test("the launcher needs no folder to stand in, no home and no cache that is named", () => {
  using bundle = makeBundle("echo friendly");
  using root = scratchFolder();
  using scratch = scratchFolder();
  for (const env of [{}, { XDG_CACHE_HOME: `${scratch.path}/none`, HOME: "/nonexistent" }]) {
    assertEquals(launch("/", env, root.path, bundle.folder), FRIENDLY);
    assertEquals(names(scratch.path), []);
  }
  const gone = `${scratch.path}/gone`;
  const script = `mkdir ${gone}; cd ${gone}; rmdir ${gone}; env -i ${LAUNCHER} "$@" 2>&1`;
  const inRemoved = (...args: string[]) =>
    run("sh", "-c", `${script} || echo failed`, "sh", "--root", root.path, ...args)
      .replaceAll(/^sh: 0: getcwd.*\n/gm, ""); // the shell's own word
  assertEquals(inRemoved("run", "-b", bundle.folder, "hull-launch-gone"), "friendly\n");
  assertMatch(inRemoved("spec"), /cannot write \.\/config\.json: .*\nfailed\n$/);
});

const FRIENDLY = { code: 0, stdout: "friendly\n", stderr: "" };

function launch(
  cwd: string,
  env: Readonly<Record<string, string>>,
  root: string,
  bundle = ".",
  init: "auto" | "direct" | "reexec" = "auto",
) {
  const { code, stdout, stderr } = new Deno.Command(LAUNCHER, {
    args: ["--root", root, "run", "--init", init, "-b", bundle, "hull-launch-env"],
    cwd,
    env,
    clearEnv: true,
    stdin: "null",
  }).outputSync();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function plant(path: string, text: string): void {
  Deno.mkdirSync(path.replace(/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, text, { mode: 0o755 });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("hull and its init run with the same flags of the engine", () => {
  const sourced = Deno.readTextFileSync(`${SCRIPTS}/find_deno.sh`);
  assertEquals(/^brief_flags=(.*)$/m.exec(sourced)?.[1], BRIEFLY);
  assertMatch(Deno.readTextFileSync(`${SCRIPTS}/launch.sh`), / "\$brief_flags" "\$@"\n$/);
});

testWhere(
  BUNDLER,
  "what is installed needs neither sources nor a cache, and goes when it is uninstalled",
  () => {
    using bundle = makeBundle("echo friendly");
    using root = scratchFolder();
    using scratch = scratchFolder();
    const prefix = `${scratch.path}/it's here`;
    const install = (...options: string[]) =>
      run(`${SCRIPTS}/install`, "--prefix", prefix, ...options);
    const installed = `${prefix}/bin/hull`;
    assertEquals(install(), `${installed}\n`);
    assertEquals(install(), `${installed}\n`); // again, over what is there
    const trace = `${scratch.path}/trace`;
    const strace = ["strace", "-f", "-qq", "-e", "trace=openat,execve", "-o", trace, installed];
    const args = ["--root", root.path, "run", "-b", bundle.folder, "hull-launch-installed"];
    assertEquals(run("env", "-i", "/usr/bin/env", ...strace, ...args), "friendly\n");
    const lines = Deno.readTextFileSync(trace).split("\n");
    assertMatch(lines.join("\n"), /execve\("[^"]*it's here\/lib\/hull\/\.hull\/deno-/);
    const sources = SCRIPTS.replace(/scripts$/, "");
    assertEquals(lines.filter((line) => line.includes(sources) || /\/\.cache\//.test(line)), []);
    install("--uninstall");
    assertEquals(run("find", prefix, "!", "-type", "d"), "");
  },
);

testWhere(
  BUNDLER,
  "a run goes on and ends as ever when hull's files are gone meanwhile",
  async () => {
    using scratch = scratchFolder();
    using root = scratchFolder();
    const [prefix, log] = [`${scratch.path}/hull`, `${scratch.path}/stopped`];
    using bundle = makeBundle(
      "trap 'echo passed on; exit 7' INT; echo runs; sleep 100 & wait",
      (config) => {
        config.hooks = { poststop: [{ path: "/bin/sh", args: ["sh", "-c", `echo run >${log}`] }] };
      },
    );
    run(`${SCRIPTS}/install`, "--prefix", prefix);
    const program = new Deno.Command(`${prefix}/bin/hull`, {
      args: ["--root", root.path, "run", "-b", bundle.folder, "hull-launch-gone"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lines = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await lines.read()).value, "runs\n");
    run("mv", prefix, `${prefix}-old`);
    program.kill("SIGINT");
    assertEquals((await lines.read()).value, "passed on\n");
    const [{ code }, stderr] = await Promise.all([
      program.status,
      new Response(program.stderr).text(),
    ]);
    assertEquals([code, stderr, Deno.readTextFileSync(log)], [7, "", "run\n"]);
    assertEquals([...Deno.readDirSync(root.path)], []);
  },
);

testWhere(
  BUNDLER,
  "what a command does not need mostly is loaded from the bundle's other files",
  () => {
    const root = SCRIPTS.replace(/scripts$/, "");
    const name = Deno.readTextFileSync(`${root}/.hull/bundle`).trim();
    using scratch = scratchFolder();
    const read = (...args: string[]) => {
      const trace = `${scratch.path}/trace`;
      run("strace", "-f", "-qq", "-e", "trace=openat", "-o", trace, LAUNCHER, ...args);
      const files = Deno.readTextFileSync(trace).matchAll(/([\w-]+)\/src\/\w+\/(\w+)\.js"/g);
      const own = [...files].flatMap(([, bundle, file = ""]) => bundle === name ? [file] : []);
      return [...new Set(own)].filter((file) => file !== "hull").toSorted();
    };
    const own = ["--root", scratch.path];
    assertEquals(read(...own, "delete", "--force", "none"), []);
    assertEquals(read(...own, "list"), ["asked"]);
    assert(read("--help").includes("far"));
    const made = (...flags: string[]) => read(...own, "run", "--builtin", ...flags, "--", "true");
    assertEquals(made(), ["builtin"]);
    assertEquals(made("--network", "none", "--memory", "64m"), ["builtin", "wishes"]);
  },
);

testWhere(BUNDLER, "a source that has changed is what runs, whatever its time says", () => {
  using scratch = scratchFolder();
  const copy = scratch.path;
  for (const name of ["ffi", "init", "src", "std", "scripts", "deno.json"]) {
    run("cp", "-r", SCRIPTS.replace(/scripts$/, name), copy);
  }
  const setup = new Deno.Command(`${copy}/scripts/setup`, { args: ["--verbose"] }).outputSync();
  assert(isThere(`${copy}/.hull/bundle`), new TextDecoder().decode(setup.stderr));
  const version = () => run(`${copy}/scripts/hull`, "--version").split("\n")[0];
  const before = version();
  assertMatch(Deno.readTextFileSync(`${copy}/.hull/bundle`), /^bundle-/);
  const source = `${copy}/src/version.ts`;
  Deno.writeTextFileSync(source, Deno.readTextFileSync(source).replace(/"[\d.]+"/, '"9.8.7"'));
  Deno.utimeSync(source, 0, 0);
  assertEquals([before === version(), version()], [false, "hull version 9.8.7"]);
  run(`${copy}/scripts/setup`); // from here on it is a bundle again
  assertEquals(version(), "hull version 9.8.7");
});
