import { assertEquals, assertThrows } from "@std/assert";
import { parseMount, parseTmpfs, parseVolume } from "../../../../../src/cli/flags/mount_flags.ts";

const reach = (path: string) => `/reached/${path}`;

Deno.test("a volume is a path of the host, writable unless it says otherwise", () => {
  const host = { type: "host", source: "/reached//srv", destination: "/data" } as const;
  assertEquals(parseVolume("/srv:/data", reach), { ...host, writable: true });
  assertEquals(parseVolume("/srv:/data:ro,Z", reach), { ...host, writable: false });
  assertEquals(parseVolume("./x:/data:rw", reach), {
    ...host,
    source: "/reached/./x",
    writable: true,
  });
});

Deno.test("a volume that hull can't make says why", () => {
  const cases: [string, string][] = [
    ["/data", "no place"],
    ["named:/data", "names no path"],
    [":/data", "names no path"],
    ["/a:/b:ro:x", "too many parts"],
    ["/a:/b:O", "does not know: O"],
  ];
  for (const [written, what] of cases) assertThrows(() => parseVolume(written, reach), Error, what);
});

Deno.test("a tmpfs has a size and a mode, and executes nothing unless it may", () => {
  const tmpfs = { type: "tmpfs", destination: "/run" } as const;
  assertEquals(parseTmpfs("/run"), { ...tmpfs, executable: false });
  assertEquals(parseTmpfs("/run:size=64m,mode=0700,exec,rw,nosuid"), {
    ...tmpfs,
    sizeBytes: 64 << 20,
    mode: 0o700,
    executable: true,
  });
  for (const options of ["size=0", "size=x", "mode=9", "uid=5", "ro"]) {
    assertThrows(() => parseTmpfs(`/run:${options}`));
  }
});

Deno.test("a mount names its type, source and destination in any order", () => {
  assertEquals(parseMount("target=/data,src=/srv,type=bind,ro", reach), {
    type: "host",
    source: "/reached//srv",
    destination: "/data",
    writable: false,
  });
  assertEquals(parseMount("type=bind,source=/a,dst=/b,readonly=false", reach).type, "host");
  assertEquals(parseMount("type=tmpfs,destination=/w,tmpfs-size=1m,tmpfs-mode=1777", reach), {
    type: "tmpfs",
    destination: "/w",
    sizeBytes: 1 << 20,
    mode: 0o1777,
  });
});

Deno.test("a mount that hull can't make says why", () => {
  const cases: [string, string][] = [
    ["type=bind,source=/a", "no destination="],
    ["type=bind,destination=/a", "no source="],
    ["source=/a,destination=/b", "no type that hull has: volume"],
    ["type=devpts,destination=/b", "no type that hull has: devpts"],
    ["type=tmpfs,source=/a,destination=/b", "has source, which type=tmpfs has not"],
    ["type=bind,source=/a,destination=/b,tmpfs-size=1", "has tmpfs-size"],
    ["type=bind,source=/a,destination=/b,ro=perhaps", "readonly is true or false"],
    ["type=bind,source=/a,destination=/b,speed=9", "does not know: speed"],
  ];
  for (const [written, what] of cases) assertThrows(() => parseMount(written, reach), Error, what);
});
