import { assertEquals } from "@std/assert";
import { readTotals } from "../../../../src/cgroups/totals.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const ASIDE = { isAlone: false };

/** A folder that looks like a cgroup. */
function likeCgroup(folder: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
  }
  return folder;
}

Deno.test("v1: what was used in all is read from its few files", async () => {
  using scratch = scratchFolder();
  const bytes = "8:0 Read 100\n8:0 Write 7\n8:16 Read 23\n8:16 Total 30\nTotal 130\n";
  const folder = likeCgroup(scratch.path, {
    "cpuacct.usage": "1500000\n",
    "memory.max_usage_in_bytes": "4096\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "blkio.throttle.io_service_bytes_recursive": bytes,
  });
  const paths = { cpuacct: folder, memory: folder, blkio: folder };
  const totals = await readTotals({ version: 1, paths }, ASIDE);
  const expected = { cpuNs: 1_500_000, memoryPeak: 4096, oomKills: 2 };
  assertEquals(totals, { ...expected, readBytes: 123, writtenBytes: 7 });
  // A scheduler's own file counts before, also if it is longer than what is read at first.
  const long = "8:0 Read 1\n8:0 Write 2\n".repeat(1000);
  likeCgroup(folder, { "blkio.bfq.io_service_bytes_recursive": long });
  const { readBytes, writtenBytes } = await readTotals({ version: 1, paths }, ASIDE);
  assertEquals([readBytes, writtenBytes], [1000, 2000]);
});

Deno.test("v2: the same", async () => {
  using scratch = scratchFolder();
  const folder = likeCgroup(scratch.path, {
    "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n",
    "memory.peak": "8192\n",
    "memory.events": "low 0\noom 3\noom_kill 1\n",
    "io.stat": "8:0 rbytes=5 wbytes=6 rios=1 wios=1\n8:16 rbytes=10 wbytes=20 rios=1 wios=1\n",
  });
  assertEquals(await readTotals({ version: 2, paths: { "": folder } }, ASIDE), {
    cpuNs: 1_500_000,
    memoryPeak: 8192,
    oomKills: 1,
    readBytes: 15,
    writtenBytes: 26,
  });
});

Deno.test("of cgroups that are gone, or that there are none of, nothing is told", async () => {
  const gone = "/sys/fs/cgroup/hull-gone";
  const nothing = {
    cpuNs: undefined,
    memoryPeak: undefined,
    oomKills: undefined,
    readBytes: undefined,
    writtenBytes: undefined,
  };
  const v1 = { cpuacct: gone, memory: gone, blkio: gone };
  assertEquals(await readTotals({ version: 1, paths: v1 }, ASIDE), nothing);
  assertEquals(await readTotals({ version: 1, paths: {} }, ASIDE), nothing);
  assertEquals(await readTotals({ version: 2, paths: { "": gone } }, ASIDE), nothing);
  assertEquals(await readTotals({ version: 2, paths: {} }, ASIDE), nothing);
});
