import { assertEquals } from "@std/assert";

Deno.test("a process is not taken for ended where no more files can be opened", async () => {
  const module = (path: string) => new URL(`../../../../${path}`, import.meta.url).href;
  const program = `
    import { identify, isAlive } from "${module("src/state/process_identity.ts")}";
    import { optionalText } from "${module("ffi/files/optional_text.ts")}";
    import { isInUserNamespace } from "${module("src/own/rights.ts")}";
    const self = identify(Deno.pid);
    const told = (look) => {
      try {
        return String(look());
      } catch (error) {
        return error.code;
      }
    };
    const open = [];
    try {
      for (;;) open.push(Deno.openSync("/dev/null"));
    } catch { /* no more */ }
    const looks = [
      () => isAlive(self),
      () => identify(1)?.pid,
      () => optionalText("/proc/self/status").length,
      () => isInUserNamespace(),
    ];
    const full = looks.map(told);
    for (const each of open) each.close();
    console.log(JSON.stringify([...full, ...looks.slice(0, 2).map(told)]));
  `;
  const { stdout } = await new Deno.Command("prlimit", {
    args: ["--nofile=100", Deno.execPath(), "eval", "--quiet", program],
    stderr: "inherit",
  }).output();
  const full = ["EMFILE", "EMFILE", "EMFILE", "EMFILE"];
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [...full, "true", "1"]);
});
