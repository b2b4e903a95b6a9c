import { assert, assertEquals, assertLess } from "@std/assert";
import { scratchFolder } from "../fixtures/bundle.ts";
import { refused, withSandbox } from "../fixtures/sandbox.ts";

const LEASE = `
import fcntl, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open("leased", "r+")
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("taken", flush=True)
time.sleep(600)`;

Deno.test("a lease that a program inside holds keeps no call waiting", async () => {
  await withSandbox("hull-sb-lease", async (sandbox) => {
    const { fs } = sandbox;
    await fs.writeTextFile("leased", "text");
    const holder = await sandbox.spawn("python3", { args: ["-c", LEASE], stderr: "null" });
    const reader = holder.stdout?.getReader();
    assertEquals(new TextDecoder().decode((await reader?.read())?.value), "taken\n");
    const begin = performance.now();
    for (const call of [fs.readFile("leased"), fs.truncate("leased"), fs.copyFile("leased", "b")]) {
      assertEquals((await refused("SystemError", () => call)).errno, "EAGAIN");
    }
    assertLess(performance.now() - begin, 10_000); // the kernel would let each wait for 45 s
    await holder.kill("SIGKILL");
    await holder.status;
    await reader?.cancel();
    assertEquals(await fs.readTextFile("leased"), "text");
  });
});

Deno.test("names that are no text, and links without an end, keep nothing from being reached", async () => {
  await withSandbox("hull-sb-names", async ({ sh, fs }) => {
    await sh`mkdir top; cd top; mkdir "$(printf 'dir\\376')"; touch "$(printf 'file\\377')"
      printf text >file; ln -s loop loop; ln -s . again; mkfifo fifo`;
    using folder = scratchFolder();
    const left: string[] = [];
    await fs.download("top", folder.path, { onLeftOut: (path) => left.push(path) });
    assertEquals(await Deno.readTextFile(`${folder.path}/top/file`), "text");
    const made = [...Deno.readDirSync(`${folder.path}/top`)].map(({ name }) => name).sort();
    assertEquals(made, ["again", "file", "loop"]);
    assertEquals(left.length, 3, left.join());
    let count = 0;
    for await (const { name } of fs.walk("top", { followSymlinks: true })) {
      assert(name !== "loop");
      count++;
    }
    assertLess(count, 1000);
  });
});

Deno.test("a program that writes without an end fills no memory but its own", async () => {
  await withSandbox("hull-sb-endless", async ({ sh }) => {
    const error = await refused("SystemError", () => sh`cat /dev/zero`.text());
    assertEquals(error.errno, "EFBIG");
    assertEquals(await sh`sleep 0.2; pgrep -c cat || true`.text(), "0\n");
  });
});
