import { assertEquals } from "@std/assert";
import { MOUNT_ATTR, PROPAGATION } from "../../../ffi/mount.ts";
import { parseMountOptions } from "../../../init/steps/mount_options.ts";

const { RDONLY, NOSUID, NOEXEC, NOATIME, ATIME } = MOUNT_ATTR;

Deno.test("options are sorted by whom they concern; a later one takes back an earlier", () => {
  const options = parseMountOptions(["ro", "nosuid", "rw", "noexec", "sync", "size=1k", "rslave"]);
  assertEquals(options.attributes, { set: NOSUID | NOEXEC, clear: RDONLY });
  assertEquals(options.superFlags, ["sync"]);
  assertEquals(options.data, ["size=1k"]);
  assertEquals(options.propagation, [{ flag: PROPAGATION.slave, recursive: true }]);
});

Deno.test("binds, remounts, copies and recursive attributes are seen", () => {
  const { bind, bindRecursive, remount, copyUp, recursiveAttributes } = parseMountOptions(
    ["rbind", "remount", "tmpcopyup", "rro", "rnoatime"],
  );
  assertEquals([bind, bindRecursive, remount, copyUp], [true, true, true, true]);
  assertEquals(recursiveAttributes, { set: RDONLY | NOATIME, clear: ATIME });
});

Deno.test("no options leave everything as it is", () => {
  const { attributes, recursiveAttributes, propagation, data } = parseMountOptions(["defaults"]);
  assertEquals([attributes, recursiveAttributes], [undefined, undefined]);
  assertEquals([propagation, data], [[], []]);
});
