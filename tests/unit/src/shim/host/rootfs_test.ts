import { assertEquals } from "@std/assert";
import { shortened } from "../../../../../src/shim/host/rootfs.ts";

Deno.test("layers are named from the folder that all of them lie in", () => {
  const data = [
    "index=off",
    "upperdir=/s/9/fs",
    "lowerdir=/s/snap/1/fs:/s/snap/22/fs:/s/snap/3/fs",
  ];
  assertEquals(shortened(data), {
    folder: "/s/snap",
    data: ["index=off", "upperdir=/s/9/fs", "lowerdir=1/fs:22/fs:3/fs"],
  });
});

Deno.test("layers with nothing in common are named from the top", () => {
  assertEquals(shortened(["lowerdir=/a/1:/b/2"]), { folder: "/", data: ["lowerdir=a/1:b/2"] });
});
