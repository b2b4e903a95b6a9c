/** `hull doctor`: what a new user sees first on a host that lacks something. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EACCES, ENOSYS } from "../../ffi/c/errno.ts";
import { FROM_SOURCES, GivenHull, Hull } from "../fixtures/cli.ts";
import { DECOY, OrdinaryUser, TOOLS } from "../fixtures/ordinary_user.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const WRAPPER = fromFileUrl(new URL("../fixtures/without_calls.ts", import.meta.url));
const LINE = /^(ok|warning|problem) +([a-z]+) +(\S.*)$/;

interface Said {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly area: string;
    readonly level: string;
    readonly message: string;
    readonly remedy?: string;
  }[];
}

Deno.test("doctor says in a line each what is there, starts a container, and leaves nothing", async () => {
  await using hull = new Hull();
  const lines = (await hull.must("doctor")).trimEnd().split("\n");
  const last = lines.pop() ?? "";
  assertMatch(last, /^containers can run here/);
  const areas = lines.map((line) => LINE.exec(line)?.[2]);
  assertEquals([...new Set(areas)], [
    "kernel",
    "calls",
    "namespaces",
    "cgroups",
    "ids",
    "seccomp",
    "lsm",
    "network",
    "memory",
    "limits",
    "clock",
    "start",
  ]);
  for (const line of lines) {
    // whoever is warned is told what to do
    assertEquals(line.startsWith("ok"), !line.includes("; to do: "), line);
  }
  assertMatch(lines.at(-1) ?? "", /^ok +start +a container of the built-in default ran/);
  assertEquals(await hull.must("list", "--quiet"), "");

  const said = JSON.parse(await hull.must("doctor", "--json", "--no-start")) as Said;
  assertEquals(said.ok, true);
  const told = said.findings.map(({ area }) => area);
  assertEquals(told, areas.slice(0, -1));
});

testWhere(
  ROOT,
  "what is missing is a problem with the remedy, and the exit code is 1",
  async () => {
    const problems = async (hull: Hull) => {
      const { code, stdout } = await hull.call(["doctor", "--json"]);
      const { ok, findings } = JSON.parse(stdout) as Said;
      assertEquals([code, ok], [1, false]);
      return findings.filter(({ level }) => level === "problem");
    };
    await using old = new GivenHull(...FROM_SOURCES, WRAPPER, `clone3=${ENOSYS}`);
    const [calls, start, ...more] = await problems(old);
    assertEquals([calls?.message, more], ["missing: clone3", []]);
    assertStringIncludes(start?.message ?? "", "clone3: ENOSYS [step clone]");

    await using guarded = new GivenHull(...FROM_SOURCES, WRAPPER, `memfd_create=${EACCES}`);
    const [memory] = await problems(guarded);
    assertEquals(memory?.area, "memory");

    const bare = 'umount -R /sys/fs/cgroup && exec "$@"';
    await using without = new GivenHull("unshare", "--mount", "sh", "-c", bare, "sh");
    const found = await problems(without);
    assertEquals(found.map(({ area }) => area), ["cgroups", "start"]);
    for (const { remedy = "" } of found) assertStringIncludes(remedy, "--cgroup-manager disabled");
  },
);

testWhere(DECOY ?? TOOLS, "an ordinary user is told what that user lacks", async () => {
  await using user = new OrdinaryUser();
  const find = async (lacks: { session?: boolean; tools?: boolean }, code: number) => {
    const ended = await user.call(["doctor", "--json"], { lacks });
    assertEquals(ended.code, code, ended.stderr);
    assertEquals(user.left(), []);
    return (JSON.parse(ended.stdout) as Said).findings;
  };
  const whole = await find({}, 0);
  const ids = whole.find(({ area }) => area === "ids");
  assertMatch(ids?.message ?? "", /^user 1000, with 65536 uids and 65536 gids/);
  const poor = await find({ tools: true }, 0);
  const tool = poor.find(({ message }) => message.includes("newuidmap is missing"));
  assertEquals(tool?.remedy, "install the package uidmap or shadow-utils");
  const lost = await find({ session: true }, 1);
  assertStringIncludes(lost.at(-1)?.remedy ?? "", "XDG_RUNTIME_DIR");
});
