import { assertEquals, assertRejects } from "@std/assert";
import { enterUsersScope } from "../../../../../src/cgroups/systemd/users_scope.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { withFakeBus } from "../../../../fixtures/fake_bus.ts";

/** Where there is v1 alone, nothing is asked. */
const ignore = !/^0::/m.test(Deno.readTextFileSync("/proc/self/cgroup"));
const name = "a user's systemd that hangs is told of at once, one that is not there does no harm";

Deno.test({ name, ignore }, async () => {
  await withFakeBus((bus) => bus.untilClosed(), async (path) => {
    const systemd = { whose: "user", addresses: [{ path, isBus: true }], answerMs: 100 } as const;
    const error = await assertRejects(() => enterUsersScope(systemd), ContainerError);
    assertEquals(error.errno, "ETIMEDOUT");
  });
  await enterUsersScope({ whose: "user", addresses: [{ path: "/nowhere/bus", isBus: true }] });
});
