import { assert, assertEquals } from "@std/assert";
import { openPidfd } from "../../../../ffi/processes/process.ts";
import { openNamespaces } from "../../../../src/namespaces/process_namespaces.ts";

Deno.test("a signal that comes meanwhile is not taken for the end of a process", async () => {
  let taken = 0;
  const take = () => taken++;
  Deno.addSignalListener("SIGURG", take);
  const loop = "while kill -URG $1; do :; done";
  const args = ["-c", loop, "sh", `${Deno.pid}`];
  await using sender = new Deno.Command("sh", { args, stdin: "null", stderr: "null" }).spawn();
  try {
    using pidfd = openPidfd(sender.pid);
    const looks = () => {
      using namespaces = openNamespaces(sender.pid, pidfd, true);
      return namespaces.isAlive;
    };
    for (let k = 0; k < 4000; k++) assert(looks(), `at look ${k}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert(taken > 0);
    sender.kill("SIGKILL");
    await sender.status;
    using namespaces = openNamespaces(Deno.pid, pidfd, true);
    assertEquals(namespaces.isAlive, false);
  } finally {
    Deno.removeSignalListener("SIGURG", take);
  }
});
