/** What `scripts/install` puts where, and what it refuses. @module */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { isThere } from "../../ffi/files/file_status.ts";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { BUNDLER, Checkout } from "../fixtures/installation.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { testWhere } from "../fixtures/test_where.ts";

const UNITS = ["hull-resident.service", "hull-resident.socket"];

/** A compiled binary cannot be made without denort; what is installed is any program. */
function plantBinary({ path }: Checkout): void {
  Deno.mkdirSync(`${path}/dist`);
  Deno.writeTextFileSync(`${path}/dist/hull`, "#!/bin/sh\necho the binary\n", { mode: 0o755 });
}

/** Makes that there is no bundle of the sources as they are, and can be none. */
function spoilBundle({ path }: Checkout): void {
  Deno.writeTextFileSync(`${path}/scripts/bundle.ts`, "Deno.exit(1);\n");
  Deno.utimeSync(`${path}/.hull/bundle`, 0, 0); // the sources have changed since
}

function isClient(path: string): boolean {
  const [, ...letters] = new TextDecoder().decode(Deno.readFileSync(path).subarray(0, 4));
  return letters.join("") === "ELF";
}

const systemdAnalyze =
  new Deno.Command("sh", { args: ["-c", "command -v systemd-analyze"] }).outputSync().success
    ? undefined
    : "systemd-analyze";

testWhere(BUNDLER, "--resident installs the client, whether or not there is a binary", () => {
  using checkout = new Checkout();
  plantBinary(checkout);
  const hull = `${checkout.prefix}/bin/hull`;
  assertEquals(checkout.install(), { code: 0, stdout: `${hull}\n`, stderr: "" });
  assertEquals(run(hull), "the binary\n");
  assertEquals(checkout.install("--resident"), { code: 0, stdout: `${hull}\n`, stderr: "" });
  assertEquals(isClient(hull), true);
  checkout.remove();
  assertMatch(run(hull, "--version"), /^hull version /); // by the launcher: nobody listens
});

testWhere(BUNDLER, "--resident fails where there is no bundle, and all else is linked", () => {
  using checkout = new Checkout();
  spoilBundle(checkout);
  const { code, stdout, stderr } = checkout.install("--resident");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^hull install: --resident needs the bundle, and there is none; .*\n$/);
  assertEquals([...Deno.readDirSync(`${checkout.prefix}/bin`)], []);
  assertEquals(checkout.install().code, 0);
  assertMatch(run(`${checkout.prefix}/bin/hull`, "--version"), /^hull version /);
  assertMatch(run(`${checkout.prefix}/bin/containerd-shim-hull-v1`, "-v"), /^hull \d/);
});

/** What Deno has compiled of an installed bundle: how large its database is with the log. */
function compiled(prefix: string, below = ""): readonly number[] {
  const folder = `${prefix}/lib/hull/.hull`;
  const bundle = Deno.readTextFileSync(`${folder}/bundle`).trim();
  return ["", "-wal"].map((end) => {
    const path = `${folder}/${bundle}/code/${below}v8_code_cache_v2${end}`;
    return isThere(path) ? Deno.statSync(path).size : 0;
  });
}

testWhere(BUNDLER, "all that commands and a resident need is compiled beforehand", async () => {
  using checkout = new Checkout();
  await using root = rootFolder();
  assertEquals(checkout.install().code, 0);
  const { prefix } = checkout;
  const own = [`${prefix}/bin/hull`, "--root", root.path] as const;
  const id = "hull-compiled";
  const words = [["state"], ["list"], ["ps"], ["events", "--stats"], ["inspect"], ["pause"]];
  // Its program keeps the streams that it is started with.
  run(
    "sh",
    "-c",
    '"$@" >/dev/null 2>&1 </dev/null',
    "sh",
    ...own,
    "run",
    "-d",
    id,
    "--",
    "sleep",
    "60",
  );
  for (const [name = "", ...flags] of [...words, ["resume"], ["exec"], ["delete", "--force"]]) {
    const more = name === "exec" ? ["true"] : [];
    run(...own, name, ...flags, ...name === "list" ? [] : [id], ...more);
  }
  const resident = new Deno.Command(own[0], {
    args: [...own.slice(1), "resident", "--idle", "1s"],
    stdout: "null",
    stderr: "null",
  });
  assertEquals((await resident.output()).code, 0);
  assertEquals(["", "resident/"].map((below) => compiled(prefix, below)[1]), [0, 0]);
  assertEquals(["", "shim/", "resident/"].filter((name) => compiled(prefix, name)[0] === 0), []);
});

testWhere(
  BUNDLER,
  "two installations at once both succeed, and leave nothing but hull",
  async () => {
    using checkout = new Checkout();
    const { prefix } = checkout;
    for (const _ of ["into an empty folder", "over another one"]) {
      const ends = [1, 2].map(() =>
        new Deno.Command(`${checkout.path}/scripts/install`, { args: ["--prefix", prefix] })
          .output()
      );
      const said = (await Promise.all(ends)).map(({ code, stderr }) =>
        [code, new TextDecoder().decode(stderr)] as const
      );
      assertEquals(said, [[0, ""], [0, ""]]);
      assertMatch(run(`${prefix}/bin/hull`, "--version"), /^hull version /);
      assertEquals(run("find", prefix, "-name", "*new-*"), "");
    }
  },
);

for (const resident of [[], ["--resident"]]) {
  const how = resident.length === 0 ? "" : ", with a resident's client";
  testWhere(BUNDLER, `what is installed may be moved, linked to and packed${how}`, () => {
    using checkout = new Checkout();
    using scratch = scratchFolder();
    assertEquals(checkout.install(...resident).code, 0);
    checkout.remove();
    const moved = `${scratch.path}/moved 'here'`;
    run("mv", checkout.prefix, moved);
    assertMatch(run(`${moved}/bin/hull`, "--version"), /^hull version /);
    assertEquals(compiled(moved)[1], 0); // nothing was compiled anew
    const place = run("sh", "-c", 'cat "$1"/lib/hull/.hull/*/code/place', "sh", moved);
    assertEquals(place, `${moved}/lib/hull\n`);
    assertMatch(run(`${moved}/bin/containerd-shim-hull-v1`, "-v"), /^hull \d/);
    const links = ["file", "folder"].map((name) => `${scratch.path}/${name}`) as [string, string];
    Deno.symlinkSync(`${moved}/bin/hull`, links[0]);
    Deno.symlinkSync(`${moved}/bin`, links[1]);
    assertMatch(run(links[0], "--version"), /^hull version /);
    assertMatch(run(`${links[1]}/hull`, "--version"), /^hull version /);
    assertMatch(run("sh", "-c", 'cd "$1" && bin/hull --version', "sh", moved), /^hull version /);
    // one that lies at the first place is another hull
    run("cp", "-a", moved, checkout.prefix);
    run("rm", "-r", `${checkout.prefix}/lib/hull/scripts`);
    assertMatch(run(`${moved}/bin/hull`, "--version"), /^hull version /);
  });
}

testWhere(BUNDLER, "--destdir makes a package of what is to lie elsewhere", () => {
  using checkout = new Checkout();
  using scratch = scratchFolder();
  const into = `${scratch.path}/into`;
  assertEquals(checkout.install("--destdir", into, "--resident").code, 0);
  const packed = into + checkout.prefix;
  assertEquals(isThere(checkout.prefix), false);
  const units = UNITS.map((name) => Deno.readTextFileSync(`${packed}/lib/systemd/system/${name}`));
  assertEquals(units.join("").includes(into), false);
  checkout.remove();
  run("mv", packed, checkout.prefix); // as a package's manager does
  assertEquals(run("grep", "-rlF", into, checkout.prefix, ".").includes(into), false);
  const before = compiled(checkout.prefix);
  assertMatch(run(`${checkout.prefix}/bin/hull`, "--version"), /^hull version /);
  assertEquals(compiled(checkout.prefix), before);
});

testWhere(BUNDLER, "too few open files don't cost what was compiled", () => {
  using checkout = new Checkout();
  assertEquals(checkout.install().code, 0);
  const hull = `${checkout.prefix}/bin/hull`;
  const before = compiled(checkout.prefix);
  let refused = 0;
  for (let limit = 14; limit < 40; limit++) {
    const { code, stderr } = new Deno.Command("sh", {
      args: ["-c", `ulimit -n ${limit}; exec "$@" </dev/null`, "sh", hull, "--version"],
    }).outputSync();
    if (code === 0) continue;
    refused++;
    assertMatch(new TextDecoder().decode(stderr), /^hull: no more than \d+ files may be open /);
  }
  assert(refused > 0 && refused < 20, `${refused}`);
  assertEquals(compiled(checkout.prefix), before);
});

testWhere(BUNDLER, "options that make no sense are refused", () => {
  using checkout = new Checkout();
  for (
    const options of [
      ["--resist"],
      ["--units", "/nowhere"],
      ["--units"],
      ["--destdir", "/nowhere", "--uninstall"],
      ["--destdir", "/nowhere", "--prefix", "relative"],
    ]
  ) {
    const { code, stdout, stderr } = checkout.install(...options);
    assertEquals([code, stdout, stderr.split("\n").length], [2, "", 2], options.join(" "));
  }
  assertEquals(isThere(checkout.prefix), false);
});

testWhere(BUNDLER, "--uninstall takes all away, and another's files stay", () => {
  using checkout = new Checkout();
  using scratch = scratchFolder();
  const units = ["--units", scratch.path];
  Deno.writeTextFileSync(`${scratch.path}/other.service`, "");
  assertEquals(checkout.install("--resident", ...units).code, 0);
  const names = () => [...Deno.readDirSync(scratch.path)].map(({ name }) => name).sort();
  assertEquals(names(), [...UNITS, "other.service"]);
  const others = ["man/man1/hull-run.1", "bash-completion/completions/hull"];
  for (const path of others) assert(isThere(`${checkout.prefix}/share/${path}`), path);
  assertEquals(checkout.install("--uninstall", ...units).code, 0);
  assertEquals([names(), run("find", checkout.prefix, "!", "-type", "d")], [["other.service"], ""]);
});

testWhere(BUNDLER ?? systemdAnalyze, "systemd finds nothing wrong with the units", () => {
  using checkout = new Checkout();
  using scratch = scratchFolder();
  assertEquals(checkout.install("--resident", "--units", scratch.path).code, 0);
  const paths = UNITS.map((name) => `${scratch.path}/${name}`);
  assertEquals(run("sh", "-c", 'systemd-analyze verify "$@" 2>&1', "sh", ...paths), "");
  // what would be started is there, whatever is in its path
  const [service = ""] = paths.map((path) => Deno.readTextFileSync(path));
  const [, word = ""] = /^ExecStart=\/bin\/sh "(.*)" resident$/m.exec(service) ?? [];
  const launcher = word.replaceAll(/\\(.)|%(%)|\$(\$)/g, "$1$2$3");
  assert(isThere(launcher), launcher);
});

testWhere(BUNDLER, "an upgrade leaves the files of a hull that runs", async () => {
  using checkout = new Checkout();
  assertEquals(checkout.install().code, 0);
  const folder = `${checkout.prefix}/lib/hull/.hull`;
  const old = ["bundle-in-use", "bundle-of-none"].map((name) => `${folder}/${name}`);
  for (const path of old) {
    Deno.mkdirSync(path);
    Deno.utimeSync(path, 0, 0);
  }
  const running = new Deno.Command("sh", {
    args: ["-c", "read _", `${old[0]}/src/cli/hull.js`],
    stdin: "piped",
  }).spawn();
  try {
    assertEquals(checkout.install().code, 0);
    assertEquals(old.map(isThere), [true, false]);
  } finally {
    await running.stdin.close();
    await running.status;
  }
});
