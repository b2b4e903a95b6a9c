import { assertEquals, assertThrows } from "@std/assert";
import { CgroupFolder } from "../../../../src/cgroups/folder.ts";
import { withUndo } from "../../../../src/cgroups/undo_writes.ts";
import { FakeCgroup } from "./fake_cgroup.ts";

/** What stands in a file after a value was written to it and the update failed. */
function undone(name: string, before: string, written: string): string {
  using fake = new FakeCgroup({ [name]: before });
  assertThrows(
    () =>
      withUndo(true, (note) => {
        using folder = new CgroupFolder(fake.folder.path, undefined, note);
        folder.write(name, written);
        throw new Error("refused");
      }),
    Error,
    "refused",
  );
  return fake.read(name);
}

Deno.test("undo: a device that a list did not name gets no limit again", () => {
  const throttle = "blkio.throttle.read_bps_device";
  assertEquals(undone(throttle, "", "8:0 512"), "8:0 0");
  assertEquals(undone("blkio.bfq.weight_device", "default 100\n", "8:0 300"), "default 100");
  assertEquals(undone("io.bfq.weight", "", "8:0 300"), "8:0 default");
  const max = "rbps=max wbps=max riops=max wiops=max";
  assertEquals(undone("io.max", "", "8:0 rbps=512"), `8:0 ${max}`);
  assertEquals(undone("rdma.max", "", "mlx hca_handle=3"), "mlx hca_handle=max hca_object=max");
});

Deno.test("undo: a device that a list named gets its old limit", () => {
  const max = "8:0 rbps=9 wbps=max riops=max wiops=max";
  assertEquals(undone("io.max", `${max}\n`, "8:0 rbps=512"), max);
  assertEquals(undone("net_prio.ifpriomap", "lo 2\n", "lo 5"), "lo 2");
});

Deno.test("undo: the OOM killer is as it was, and one value is put back as a whole", () => {
  const control = (disabled: number) => `oom_kill_disable ${disabled}\nunder_oom 0\noom_kill 3\n`;
  assertEquals(undone("memory.oom_control", control(0), "1"), "0");
  assertEquals(undone("memory.oom_control", control(1), "0"), "1");
  assertEquals(undone("cpu.max", "max 100000\n", "500 1000"), "max 100000");
  assertEquals(undone("cpuset.cpus", "\n", "0"), "\n");
});
