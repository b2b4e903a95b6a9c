import { assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** A capability that hull is started without, and the call that misses it. */
const MISSING = [
  { capability: "sys_admin", step: "clone", syscall: "clone3" },
  { capability: "net_admin", step: "network", syscall: "ioctl" },
  { capability: "mknod", step: "devices", syscall: "mknodat" },
  { capability: "setgid", step: "user", syscall: "setgroups" },
  { capability: "setuid", step: "user", syscall: "setresuid" },
  { capability: "setpcap", step: "user", syscall: "prctl" },
] as const;

for (const { capability, step, syscall } of MISSING) {
  Deno.test(`without CAP_${capability.toUpperCase()} ${syscall} of the step ${step} says EPERM, and nothing is left`, async () => {
    await leavesNothing("hull-without", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("exit 0", (config) => {
        config.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
      });
      const less = ["--bounding-set", `-${capability}`, "--inh-caps", `-${capability}`];
      // Without it not even a cgroup's devices can be limited: hull makes none then.
      const cgroups = capability === "sys_admin" ? "disabled" : "cgroupfs";
      const flags = ["--root", hull.root, "--log-format", "json", "--cgroup-manager", cgroups];
      const call = [...flags, "run", "-b", bundle.folder];
      const { code, stderr } = await new Deno.Command("setpriv", {
        args: [...less, ...HULL, ...call, "hull-without"],
        stdin: "null",
      }).output();
      const said = JSON.parse(new TextDecoder().decode(stderr)) as Record<string, unknown>;
      assertEquals(
        [code, said.step, said.syscall, said.errno],
        [1, step, syscall, "EPERM"],
        String(said.msg),
      );
      assertEquals([...Deno.readDirSync(hull.root)], []);
    });
  });
}
