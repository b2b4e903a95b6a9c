import { assert, assertEquals } from "@std/assert";
import { failedWith } from "../../../../../ffi/c/errno.ts";
import { Look } from "../../../../../src/cli/resident/look.ts";

/** Any of the calls may be the first that finds a process gone. */
const PROCESSES = 40;

Deno.test("A process that ends while it is looked at is gone", async () => {
  const look = new Look();
  for (let k = 0; k < PROCESSES; k++) {
    const child = new Deno.Command("true").spawn();
    const status = child.status;
    try {
      for (;;) {
        look.at(child.pid);
        await new Promise((resolve) => setTimeout(resolve));
      }
    } catch (error) {
      assert(failedWith(error, "ENOENT", "ESRCH"), String(error));
    }
    await status;
  }
});

Deno.test("A process is seen as it is", () => {
  const { files, fds, isAtFolder } = new Look().at(Deno.pid);
  const status = new TextDecoder().decode(files.status);
  assertEquals(/^Pid:\t(\d+)$/m.exec(status)?.[1], String(Deno.pid));
  assert(fds.length > 0);
  assert(isAtFolder);
});
