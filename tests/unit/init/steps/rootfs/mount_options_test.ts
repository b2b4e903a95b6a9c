import { assert, assertEquals } from "@std/assert";
import { MOUNT_ATTR, PROPAGATION } from "../../../../../ffi/files/mount.ts";
import { parseMountOptions } from "../../../../../init/steps/rootfs/mount_options.ts";
import { isFilesystemData, MOUNT_OPTIONS } from "../../../../../src/config/mount_options.ts";

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

Deno.test("of a tree's access times the last counts, and one taken back leaves another", () => {
  const tree = (...options: string[]) => parseMountOptions(options).recursiveAttributes;
  const none = { set: NOATIME, clear: ATIME };
  assertEquals(tree("rnorelatime", "rnoatime", "rnostrictatime"), none);
  assertEquals(tree("rstrictatime", "rnoatime"), none);
  const relative = { set: 0, clear: ATIME };
  assertEquals([tree("rnoatime", "ratime"), tree("rnostrictatime")], [relative, relative]);
  assertEquals(tree("rnoatime", "rrelatime"), relative);
});

Deno.test("no options leave everything as it is", () => {
  const { attributes, recursiveAttributes, propagation, data } = parseMountOptions(["defaults"]);
  assertEquals([attributes, recursiveAttributes], [undefined, undefined]);
  assertEquals([propagation, data], [[], []]);
});

Deno.test("every option that hull lists is known to both readers, and no data", () => {
  for (const option of MOUNT_OPTIONS) {
    assertEquals(parseMountOptions([option]).data, [], option);
    assert(!isFilesystemData(option), option);
  }
});

Deno.test("a context keeps its commas and loses mount(2)'s quotes", () => {
  const { data } = parseMountOptions(['context="a:b:c:s0:c1,c2",size=1k', "mode=755"]);
  assertEquals(data, ["context=a:b:c:s0:c1,c2", "size=1k", "mode=755"]);
});
