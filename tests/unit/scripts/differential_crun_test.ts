/** What the differential soak must not pass over where hull is compared with crun. */
import { assert, assertEquals } from "@std/assert";
import type { Part } from "../../../scripts/differential/case.ts";
import { compare } from "../../../scripts/differential/compare.ts";
import { KNOWN_OF } from "../../../scripts/differential/known.ts";
import { type Peer, peerOf } from "../../../scripts/differential/runtimes.ts";

/** One fact, as hull and the reference show it. */
interface Shown {
  readonly fact: string;
  readonly parts?: readonly Part[];
  readonly hull: string;
  readonly reference: string;
}

function left({ fact, parts = [], hull, reference }: Shown, peer: Peer = "crun"): number {
  const seen = (value: string) => ({ facts: new Map([[fact, value]]), words: "" });
  return compare("hull", parts, seen(hull), seen(reference), KNOWN_OF[peer]).length;
}

function hooks(mode: string, text: string): string {
  return `file ${mode} 0:0 ${JSON.stringify(text)}`;
}

const crunState =
  String.raw`hook prestart	{\x0a  \"id\": \"a\",\x0a  \"pid\": 7,\x0a  \"root\": ` +
  String.raw`\"rootfs\",\x0a  \"bundle\": \"\x5c/b\",\x0a  \"status\": \"created\"\x0a}`;
const crunHooks = hooks("100666", crunState.replaceAll('\\"', '"') + "\nprestart.0\tA=1\n");

function hullHooks(annotations = "", variable = "A=1"): string {
  const state = `{"id":"a","status":"creating","bundle":"/b"${annotations}}`;
  return hooks("100644", `hook prestart\t${state}\nprestart.0\t${variable}\n`);
}

/** What stands in the list, and something else of the same fact that does not. */
const PAIRS: readonly (readonly [name: string, known: Shown, fault: Partial<Shown>])[] = [
  ["what a hook is told", {
    fact: "host ./hooks",
    hull: hullHooks(),
    reference: crunHooks,
  }, { hull: hullHooks(',"annotations":{"x":"y"}') }],
  ["a hook's variables", {
    fact: "host ./hooks",
    hull: hullHooks(),
    reference: crunHooks,
  }, { hull: hullHooks("", "A=2") }],
  ["a masked folder that can be written to", {
    fact: "inside place /proc/acpi",
    hull: "folder 1777 0:0 fs=1021994 flags=1021 -(EROFS)x",
    reference: "folder 555 0:0 fs=1021994 flags=1021 -(EACCES)x",
  }, { hull: "folder 1777 0:0 fs=1021994 flags=1020 wx" }],
  ["a place that is masked in crun alone", {
    fact: "inside place /proc/keys",
    hull: "char 666 0:0 fs=1021994 flags=22 w- 1:3 open=yes",
    reference: "char 666 0:0 fs=1021994 flags=1021 w- 1:3 open=yes",
  }, { hull: "file 444 0:0 fs=9fa0 flags=1020 -(EACCES)-" }],
  ["why a place can't be written to", {
    fact: "inside place /data",
    hull: "folder 555 0:0 fs=1021994 flags=1021 -(EROFS)x",
    reference: "folder 555 0:0 fs=1021994 flags=1021 -(EACCES)x",
  }, { hull: "folder 555 0:0 fs=1021994 flags=1020 wx" }],
  ["a mount's propagation", {
    fact: "inside mount /data",
    hull: "/ rw,relatime shared tmpfs tmpfs rw",
    reference: "/ rw,relatime  tmpfs tmpfs rw",
  }, { hull: "/ rw,noatime shared tmpfs tmpfs rw" }],
  ["a cgroup below the caller's", {
    fact: "cgroup path memory",
    hull: "/caller/ID",
    reference: "/ID",
  }, { hull: "/caller/other" }],
];

for (const [name, known, fault] of PAIRS) {
  Deno.test(`the soak with crun tells of a fault beside: ${name}`, () => {
    assertEquals(left(known), 0);
    assert(left({ ...known, ...fault }) > 0);
  });
}

Deno.test("the soak tells of a shared file system that is read-only in hull alone", () => {
  const sysfs = (destination: string, options: readonly string[]): Part => (
    { kind: "push", at: "/mounts", value: { destination, type: "sysfs", options } }
  );
  const parts = [sysfs("/a", ["ro"]), sysfs("/b", [])];
  const [rw, ro] = ["/ rw,relatime  sysfs sysfs rw", "/ rw,relatime  sysfs sysfs ro"];
  const fact = "inside mount /b";
  assertEquals(left({ parts, fact, hull: rw, reference: ro }, "runc"), 0);
  assert(left({ parts, fact, hull: ro, reference: rw }, "runc") > 0);
  assert(left({ parts, fact, hull: ro, reference: rw }, "crun") > 0);
});

Deno.test("a refusal of hull's alone is told but for those in the list", () => {
  const failed = new Map([["run code", "1"], ["run error", "refused"]]);
  const ran = new Map([["run code", "7"], ["run error", "none: the program ran"]]);
  const told = (words: string) =>
    compare("hull", [], { facts: failed, words }, { facts: ran, words: "" }, KNOWN_OF.crun).length;
  assertEquals(told("the config can't be used; /ociVersion: must be a version such as 1.3.0"), 0);
  assertEquals(told("the config can't be used; /process/args: must be a list"), 2);
});

Deno.test("a limit without a number is no fault of the soak's", () => {
  const limits = [{ type: "RLIMIT_NOFILE", hard: 16 }];
  const parts: Part[] = [
    { kind: "set", at: "/process/rlimits", value: limits },
    { kind: "exec", at: "/terminal", value: false },
  ];
  assertEquals(left({ parts, fact: "inside limit.7", hull: "9 16", reference: "8 16" }), 1);
});

Deno.test("a program says itself which runtime it is", () => {
  const folder = Deno.makeTempDirSync();
  const program = (says: string) => {
    const path = `${folder}/${says.length}`;
    Deno.writeTextFileSync(path, `#!/bin/sh\necho ${says} version 1\n`, { mode: 0o755 });
    return peerOf(path);
  };
  assertEquals([program("crun"), program("runc"), program("other")], ["crun", "runc", "runc"]);
  Deno.removeSync(folder, { recursive: true });
});
