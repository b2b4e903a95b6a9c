/**
 * Without pivot_root the host's mounts stay in the container's mount namespace, out of reach. The
 * kernel lets a user namespace mount a bare proc or sysfs where one is fully visible in its mount
 * namespace, and so without any mask of the container's.
 */
import { assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";

for (const kind of ["direct", "reexec"]) {
  Deno.test(`${kind}: a user namespace in a container without pivot_root gets no bare proc or sysfs`, async () => {
    await using hull = new Hull();
    using bundle = makeBundle(
      "unshare -U -r -m -p -f mount -t proc proc /tmp 2>&- && echo proc; " +
        "unshare -U -r -m -n mount -t sysfs sysfs /tmp 2>&- && echo sysfs; " +
        "unshare -U -r -m mount -t tmpfs tmpfs /tmp && echo other",
      (config) => {
        config.process.user = { uid: 1000, gid: 1000 };
        config.process.capabilities = {};
        config.linux.maskedPaths = ["/proc/keys", "/proc/timer_list"];
      },
    );
    const id = `hull-no-pivot-${kind}`;
    const args = ["run", "--init", kind, "--no-pivot", "-b", bundle.folder, id];
    const { stdout, stderr } = await hull.call(args);
    assertEquals([stdout, stderr], ["other\n", ""]);
  });
}
