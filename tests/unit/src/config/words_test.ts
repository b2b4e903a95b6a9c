import { assertEquals } from "@std/assert";
import { parseCpuList } from "../../../../src/config/cpu_list.ts";
import { isBindMount, isFilesystemData, isIdMapped } from "../../../../src/config/mount_options.ts";
import { sysctlPath } from "../../../../src/config/sysctl.ts";

Deno.test("a CPU list gives its numbers in order, each once", () => {
  const cases: [string, number[] | undefined][] = [
    ["", []],
    ["0", [0]],
    ["3,1-2, 2 ,", [1, 2, 3]],
    [" 0 - 2 ", [0, 1, 2]],
    ["8191", [8191]],
    ["8192", undefined],
    ["0-999999999", undefined],
    ["2-1", undefined],
    ["-1", undefined],
    ["1-", undefined],
    ["0x1", undefined],
    ["a", undefined],
    ["1 2", undefined],
  ];
  for (const [text, numbers] of cases) assertEquals(parseCpuList(text), numbers, text);
});

Deno.test("a sysctl name gives the path below /proc/sys, or none that could leave its folder", () => {
  const cases: [string, string | undefined][] = [
    ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
    ["net/ipv4/ip_forward", "net/ipv4/ip_forward"],
    ["net.ipv4.conf.eno2/100.rp_filter", "net/ipv4/conf/eno2.100/rp_filter"],
    ["net/ipv4/conf/eno2.100/rp_filter", "net/ipv4/conf/eno2.100/rp_filter"],
    ["", undefined],
    ["/net/core", undefined],
    ["net..core", undefined],
    ["net.core.", undefined],
    ["net/./core", undefined],
    ["net/../vm", undefined],
    ["net.//.vm", undefined],
  ];
  for (const [name, path] of cases) assertEquals(sysctlPath(name), path, name);
});

Deno.test("mount options: which are data, what makes a bind mount and an id-mapped one", () => {
  assertEquals(
    ["ro", "rro", "rprivate", "tmpcopyup", "ridmap", "size=1k", "mode=755", "RO", ""]
      .filter(isFilesystemData),
    ["size=1k", "mode=755", "RO", ""],
  );
  assertEquals(isBindMount({ type: "none", options: ["ro", "rbind"] }), true);
  assertEquals(isBindMount({ type: "bind" }), true);
  assertEquals(isBindMount({ type: "tmpfs", options: ["ro"] }), false);
  assertEquals(isIdMapped({ options: ["idmap"] }), true);
  assertEquals(isIdMapped({ uidMappings: [] }), true);
  assertEquals(isIdMapped({ options: ["ro"] }), false);
});
