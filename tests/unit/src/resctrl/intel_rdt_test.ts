import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { findResctrl, Resctrl } from "../../../../src/resctrl/intel_rdt.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

/** A folder that stands for a mounted resctrl file system; its folders go with their files. */
class FakeResctrl implements Disposable {
  readonly #folder = scratchFolder();
  readonly root: string = this.#folder.path;
  readonly resctrl: Resctrl;

  constructor(...resources: string[]) {
    for (const name of ["info", "mon_groups"]) Deno.mkdirSync(`${this.root}/${name}`);
    for (const name of resources) Deno.mkdirSync(`${this.root}/info/${name}`);
    Deno.writeTextFileSync(`${this.root}/info/last_cmd_status`, "ok\n");
    this.resctrl = new Resctrl(this.root, (path) => Deno.removeSync(path, { recursive: true }));
  }

  /** Makes a class, as an administrator does beforehand. */
  prepare(name: string, schemata: string): void {
    Deno.mkdirSync(`${this.root}/${name}/mon_groups`, { recursive: true });
    Deno.writeTextFileSync(`${this.root}/${name}/schemata`, schemata);
  }

  read(path: string): string | undefined {
    try {
      return Deno.readTextFileSync(`${this.root}/${path}`);
    } catch {
      return undefined;
    }
  }

  classes(): string[] {
    return [...Deno.readDirSync(this.root)].filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name).filter((name) => name !== "info" && name !== "mon_groups").sort();
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("resctrl is found where it is mounted, also under a name with a space", () => {
  const other = "30 24 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n";
  assertEquals(findResctrl(other), undefined);
  const line = "31 24 0:21 / /mnt/res\\040ctrl rw,relatime shared:9 - resctrl resctrl rw\n";
  assertEquals(findResctrl(other + line), "/mnt/res ctrl");
});

Deno.test("without a mount the error says what to mount", () => {
  if (findResctrl() !== undefined) return;
  const error = assertThrows(() => Resctrl.mounted(), ContainerError);
  assertEquals([error.code, error.pointer], ["Unsupported", "/linux/intelRdt"]);
  assertStringIncludes(error.message, "mount -t resctrl resctrl /sys/fs/resctrl");
});

Deno.test("a resource that the CPU lacks is refused by its field", () => {
  using fake = new FakeResctrl("L3CODE");
  const rdt = { l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=50", enableMonitoring: true };
  const error = assertThrows(() => fake.resctrl.require(rdt), ContainerError);
  assertEquals(error.code, "Unsupported");
  assertEquals(error.faults?.map(({ pointer }) => pointer), [
    "/linux/intelRdt/memBwSchema",
    "/linux/intelRdt/enableMonitoring",
  ]);
  using whole = new FakeResctrl("L3", "MB", "L3_MON");
  whole.resctrl.require(rdt);
});

Deno.test("without a closID the class has the container's id, and goes with it", () => {
  using fake = new FakeResctrl();
  const rdt = { schemata: ["L2:0=f", "MB:0=10"], l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20" };
  const groups = fake.resctrl.join(rdt, "web", 42);
  assertEquals(fake.read("web/schemata"), "L3:0=f\nMB:0=20\nL2:0=f\nMB:0=10\n");
  assertEquals(fake.read("web/tasks"), "42\n");
  fake.resctrl.remove(groups);
  assertEquals(fake.classes(), []);
  fake.resctrl.remove(groups); // once more does no harm
});

Deno.test("a class of the container's id that was there stays", () => {
  using fake = new FakeResctrl();
  fake.prepare("web", "L3:0=ff\n");
  const groups = fake.resctrl.join({}, "web", 42);
  assertEquals([fake.read("web/schemata"), fake.read("web/tasks")], ["L3:0=ff\n", "42\n"]);
  fake.resctrl.remove(groups);
  assertEquals(fake.classes(), ["web"]);
});

Deno.test("a named class is made if it has limits, and stays", () => {
  using fake = new FakeResctrl();
  const groups = fake.resctrl.join({ closID: "gold", schemata: ["L3:0=7"] }, "web", 42);
  assertEquals(fake.read("gold/schemata"), "L3:0=7\n");
  fake.resctrl.remove(groups);
  assertEquals(fake.classes(), ["gold"]);
});

Deno.test("a named class without limits must be there", () => {
  using fake = new FakeResctrl();
  const error = assertThrows(
    () => fake.resctrl.join({ closID: "gold" }, "web", 42),
    ContainerError,
  );
  assertEquals(error.pointer, "/linux/intelRdt/closID");
  assertEquals(fake.classes(), []);
  fake.prepare("gold", "L3:0=7\n");
  fake.resctrl.join({ closID: "gold" }, "web", 42);
  assertEquals([fake.read("gold/schemata"), fake.read("gold/tasks")], ["L3:0=7\n", "42\n"]);
});

Deno.test("a named class that is there must have the config's limits", () => {
  using fake = new FakeResctrl();
  fake.prepare("gold", "    L3:0=00f;1=ff\n    MB:0=100;1=100\n");
  const join = (l3CacheSchema: string, memBwSchema: string) =>
    fake.resctrl.join({ closID: "gold", l3CacheSchema, memBwSchema }, "web", 42);
  const error = assertThrows(() => join("L3:0=f", "MB:1=50"), ContainerError);
  assertEquals(error.pointer, "/linux/intelRdt/memBwSchema");
  assertEquals(fake.read("gold/tasks"), undefined);
  join("L3:1=FF;0=f", "MB:1=100");
  assertEquals(fake.read("gold/tasks"), "42\n");
});

Deno.test("the closID / is the default class", () => {
  using fake = new FakeResctrl();
  const groups = fake.resctrl.join({ closID: "/" }, "web", 42);
  assertEquals([fake.read("tasks"), groups.made.length], ["42\n", 0]);
  const monitored = fake.resctrl.join({ closID: "/", enableMonitoring: true }, "web", 42);
  assertEquals(fake.read("mon_groups/web/tasks"), "42\n");
  fake.resctrl.remove(monitored);
  assertEquals(fake.read("mon_groups/web/tasks"), undefined);
  assert(fake.read("tasks") !== undefined);
});

Deno.test("a further process goes where the first one is", () => {
  using fake = new FakeResctrl();
  fake.prepare("gold", "L3:0=7\n");
  const groups = fake.resctrl.join({ closID: "gold", enableMonitoring: true }, "web", 42);
  fake.resctrl.enter(groups, 43);
  assertEquals([fake.read("gold/tasks"), fake.read("gold/mon_groups/web/tasks")], ["43\n", "43\n"]);
});

Deno.test("a failure names the kernel's word and leaves nothing behind", () => {
  using fake = new FakeResctrl();
  Deno.writeTextFileSync(`${fake.root}/info/last_cmd_status`, "out of CLOSIDs\n");
  // a fresh class of the fake has no mon_groups, so that the monitoring group can't be made
  const rdt = { closID: "gold", schemata: ["L3:0=1"], enableMonitoring: true };
  const error = assertThrows(() => fake.resctrl.join(rdt, "web", 42), ContainerError);
  assertStringIncludes(error.message, "the kernel says: out of CLOSIDs");
  assertEquals(error.pointer, "/linux/intelRdt/enableMonitoring");
  assertEquals(fake.classes(), []);
});

Deno.test("a name that every class has inside is no class", () => {
  using fake = new FakeResctrl();
  const error = assertThrows(() => fake.resctrl.join({}, "info", 42), ContainerError);
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/intelRdt/closID"]);
});

Deno.test("the limits of a class change, and can be set again", () => {
  using fake = new FakeResctrl("L3", "MB");
  const groups = fake.resctrl.join({ l3CacheSchema: "L3:0=f" }, "web", 42);
  const undo = fake.resctrl.change(groups, { l3CacheSchema: "L3:0=3", memBwSchema: "MB:0=20" });
  assertEquals(fake.read("web/schemata"), "L3:0=3\nMB:0=20\n");
  undo();
  assertEquals(fake.read("web/schemata"), "L3:0=f\n");
});

Deno.test("a limit that the CPU lacks can't be changed", () => {
  using fake = new FakeResctrl("L3");
  const groups = fake.resctrl.join({ l3CacheSchema: "L3:0=f" }, "web", 42);
  const error = assertThrows(
    () => fake.resctrl.change(groups, { memBwSchema: "MB:0=20" }),
    ContainerError,
  );
  assertEquals(error.faults?.[0]?.pointer, "/linux/intelRdt/memBwSchema");
  assertEquals(fake.read("web/schemata"), "L3:0=f\n");
});
