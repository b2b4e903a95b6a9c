import { assertEquals } from "@std/assert";
import { writeAll } from "../../ffi/files/file.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { Poller } from "../../ffi/waiting/poll.ts";
import { OomNotice } from "../../src/cgroups/systemd/oom_notice.ts";
import { host, Inside, MIB, TestCgroup } from "../fixtures/test_cgroup.ts";
import { inTime } from "../fixtures/until.ts";

/** More than a program of Deno has threads for calls that wait. */
const COUNT = 40;

Deno.test("any number of cgroups are watched for an OOM by one thread, and each tells of its own", async () => {
  using poller = new Poller();
  await using stack = new AsyncDisposableStack();
  const groups = Array.from({ length: COUNT }, () => stack.use(new TestCgroup()));
  const notices = groups.map((group) =>
    new OomNotice(group.folder("memory"), host.version, poller)
  );
  for (const notice of notices) notice.begin();
  using pipe = new Pipe();
  const heard = poller.wait(pipe.reader);
  writeAll(pipe.writer, new Uint8Array([1]));
  await inTime("a wait beside them", heard);
  const [first] = groups as [TestCgroup];
  await first.manager.apply({ memory: { limit: 8 * MIB, swap: 8 * MIB } });
  const inside = stack.use(await Inside.start(first.manager, "tail /dev/zero; echo $?"));
  assertEquals((await inTime("the kill", inside.end())).text, "137\nKilled");
  const told = await Promise.all(notices.map((notice) => notice.end()));
  assertEquals(told, groups.map((group) => group === first));
});

Deno.test("an OOM is told of after its cgroup is gone", async () => {
  using poller = new Poller();
  const group = new TestCgroup();
  await group.manager.apply({ memory: { limit: 8 * MIB, swap: 8 * MIB } });
  const notice = new OomNotice(group.folder("memory"), host.version, poller);
  notice.begin();
  {
    await using inside = await Inside.start(group.manager, "tail /dev/zero; echo $?");
    assertEquals((await inside.end()).text, "137\nKilled");
  }
  await group[Symbol.asyncDispose]();
  assertEquals(await inTime("the notice", notice.end()), true);
});
