import { assertEquals } from "@std/assert";
import { GaugeReader, type Gauges } from "../../../../src/cgroups/gauges.ts";
import { countFds } from "../../../fixtures/open_fds.ts";
import { FakeCgroup } from "./fake_cgroup.ts";

const PRESSURE = (total: number) =>
  `some avg10=0.00 avg60=1.50 avg300=0.00 total=${total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n`;
const WAITS = {
  "cpu.pressure": PRESSURE(1),
  "memory.pressure": PRESSURE(22),
  "io.pressure": PRESSURE(333),
};
const V2 = {
  ...WAITS,
  "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 0\n",
  "memory.current": "4096\n",
  "memory.max": "max\n",
  "pids.current": "3\n",
  "pids.max": "100\n",
  "io.stat":
    "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n259:1 rbytes=5 wbytes=0 rios=1 wios=0\n",
  "cgroup.events": "populated 1\nfrozen 1\n",
};
const EXPECTED: Gauges = {
  cpuTime: 1_500_000,
  memory: 4096,
  memoryLimit: "max",
  pids: 3,
  pidsLimit: 100,
  readBytes: 15,
  writtenBytes: 20,
  cpuWait: 1,
  memoryWait: 22,
  ioWait: 333,
  isFrozen: true,
  isEmpty: false,
};

for (const isKept of [true, false]) {
  const how = isKept ? "files that stay open" : "files that are opened each time";

  Deno.test(`the gauges of cgroup v2, from ${how}`, () => {
    using fake = new FakeCgroup(V2);
    const { path } = fake.folder;
    using reader = new GaugeReader(2, { "": path }, isKept);
    assertEquals(reader.read(), EXPECTED);
    Deno.writeTextFileSync(`${path}/memory.current`, "12345678\n");
    Deno.writeTextFileSync(`${path}/memory.max`, "20000000\n");
    Deno.writeTextFileSync(`${path}/cgroup.events`, "populated 0\nfrozen 0\n");
    const changed = { ...EXPECTED, memory: 12_345_678, isFrozen: false, isEmpty: true };
    assertEquals(reader.read(false), changed);
    assertEquals(reader.read(), { ...changed, memoryLimit: 20_000_000 });
  });

  Deno.test(`the gauges of cgroup v1, with pressure from the v2 tree beside it, from ${how}`, () => {
    using fake = new FakeCgroup({
      ...WAITS,
      "cpuacct.usage": "1500000\n",
      "memory.usage_in_bytes": "4096\n",
      "memory.limit_in_bytes": "9223372036854771712\n",
      "pids.current": "3\n",
      "pids.max": "100\n",
      "blkio.throttle.io_service_bytes_recursive":
        "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 5\n8:16 Write 0\nTotal 35\n",
      "freezer.state": "FREEZING\n",
    });
    const { path } = fake.folder;
    const controllers = ["cpuacct", "memory", "pids", "blkio", "freezer", ""];
    using reader = new GaugeReader(
      1,
      Object.fromEntries(controllers.map((name) => [name, path])),
      isKept,
    );
    assertEquals(reader.read(), { ...EXPECTED, isEmpty: undefined });
    Deno.writeTextFileSync(`${path}/freezer.state`, "THAWED\n");
    assertEquals(reader.read()?.isFrozen, false);
  });
}

Deno.test("what a host does not count is undefined, and no cgroup gives nothing", () => {
  using fake = new FakeCgroup({ "pids.current": "1\n" });
  using reader = new GaugeReader(2, { "": fake.folder.path });
  const { pids, ...rest } = reader.read() as Gauges;
  assertEquals(pids, 1);
  assertEquals(Object.values(rest).filter((value) => value !== undefined), []);
  using none = new GaugeReader(2, {});
  assertEquals(none.read(), undefined);
  using gone = new GaugeReader(2, { "": `${fake.folder.path}/gone` });
  assertEquals(gone.read(), undefined);
});

Deno.test("a reader closes its files", () => {
  using fake = new FakeCgroup(V2);
  const before = countFds();
  const reader = new GaugeReader(2, { "": fake.folder.path });
  assertEquals(countFds(), before + Object.keys(V2).length);
  reader[Symbol.dispose]();
  assertEquals(countFds(), before);
});
