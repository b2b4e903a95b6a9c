/** What the differential soak must not pass over, however like a known difference it looks. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Part } from "../../../scripts/differential/case.ts";
import { compare } from "../../../scripts/differential/compare.ts";
import { faultOfNull } from "../../../scripts/differential/soak.ts";

/** One fact, as hull and the reference show it. */
interface Shown {
  readonly fact: string;
  readonly parts?: readonly Part[];
  readonly hull: string;
  readonly reference: string;
}

const exec: Part = { kind: "exec", at: "/terminal", value: false };
const tmpfs: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/data", type: "tmpfs", options: ["mode=1770"] },
};
const device: Part = { kind: "push", at: "/linux/devices", value: { path: "/dev/null" } };
const mapped: readonly Part[] = [
  { kind: "push", at: "/linux/namespaces", value: { type: "user" } },
  { kind: "set", at: "/linux/uidMappings", value: [] },
];

/** What stands in the list, and something else of the same fact that does not. */
const PAIRS: readonly (readonly [name: string, known: Shown, fault: Partial<Shown>])[] = [
  ["a tmpfs's owner beside its mode", {
    parts: [tmpfs],
    fact: "inside place /data",
    hull: "folder 1770 0:0 fs=1021994 flags=1020 wx",
    reference: "folder 755 0:0 fs=1021994 flags=1020 wx",
  }, { hull: "folder 1770 5:5 fs=1021994 flags=1020 wx" }],
  ["the mode of a default device that is listed", {
    parts: [device],
    fact: "inside place /dev/null",
    hull: "char 666 0:0 fs=1021994 flags=1022 w- 1:3 open=yes",
    reference: "char 666 0:0 fs=1021994 flags=1022 w- 1:3 open=EPERM",
  }, { hull: "char 600 0:0 fs=1021994 flags=1022 w- 1:3 open=yes" }],
  ["a device's owner in a user namespace", {
    parts: mapped,
    fact: "inside place /dev/zero",
    hull: "char 666 65534:65534 fs=1021994 flags=102a w- 1:5 open=yes",
    reference: "char 666 65534:65534 fs=1021994 flags=1022 w- 1:5 open=yes",
  }, { hull: "char 666 0:65534 fs=1021994 flags=102a w- 1:5 open=yes" }],
  ["limits of an exec that are not the container's", {
    parts: [exec],
    fact: "inside limit.7",
    hull: "1024 1024",
    reference: "4096 4096",
  }, { hull: "512 1024" }],
  ["an exec's umask that nobody named", {
    parts: [exec, { kind: "exec", at: "/user", value: { uid: 0, gid: 0, umask: 0o27 } }],
    fact: "inside umask",
    hull: "27",
    reference: "22",
  }, { hull: "77" }],
  ["an exec's rank that it did not name", {
    parts: [exec, { kind: "exec", at: "/oomScoreAdj", value: 100 }],
    fact: "inside oom",
    hull: "100",
    reference: "0",
  }, { hull: "50" }],
];

for (const [name, known, fault] of PAIRS) {
  Deno.test(`the soak tells of ${name}`, () => {
    assertEquals(remaining(known), []);
    assertEquals(remaining({ ...known, ...fault }), [known.fact]);
  });
}

Deno.test("the soak tells of what hull took away from the rootfs where both fail", () => {
  const failed = [["run error", "EINVAL"], ["run code", "1"]] as const;
  const left = (place: string) =>
    compare(
      "hull",
      [],
      { facts: new Map(failed), words: "" },
      { facts: new Map([...failed, [`host ./rootfs/${place}`, "folder 40755 0:0"]]), words: "" },
    ).length;
  assertEquals([left("made"), left("data/sub")], [0, 1]);
});

Deno.test("the soak refuses a host whose null is another's, and says what to do", () => {
  assertEquals(faultOfNull({ uid: 0, gid: 0, mode: 0o20666 }), undefined);
  const fault = faultOfNull({ uid: 100_000, gid: 100_000, mode: 0o20666 });
  assertStringIncludes(fault ?? "", "chown 0:0 /dev/null");
});

/** The facts that the list does not cover. */
function remaining({ parts = [], fact, hull, reference }: Shown): string[] {
  const seen = (value: string) => ({ facts: new Map([[fact, value]]), words: "" });
  return compare("hull", parts, seen(hull), seen(reference)).map((each) => each.fact);
}
