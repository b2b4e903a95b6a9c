import { assertEquals, assertStringIncludes } from "@std/assert";
import { Fd, read, writeAll } from "../../ffi/files/file.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import { receiveFd } from "../../ffi/sockets/socket.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { bindDatagrams, connectDatagrams } from "../../ffi/sockets/unix_socket.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";

/** Collects datagrams until there are so many; what comes with fds is closed by being read. */
async function collect(socket: Fd, count: number): Promise<string[]> {
  const got: string[] = [];
  await until(() => {
    const message = read(socket, 4096); // read(2) drops the fds, which is the barrier's answer
    if (message !== undefined) got.push(new TextDecoder().decode(message));
    return got.length >= count;
  }, 20);
  return got;
}

Deno.test("NOTIFY_SOCKET: READY=1 goes to the host's socket with MAINPID, for run and for start", async () => {
  await leavesNothing("hull-lc-notify", async () => {
    await using hull = new Hull();
    using folder = scratchFolder();
    const path = `${folder.path}/host.sock`;
    using socket = bindDatagrams(path);
    using bundle = makeBundle(
      'test "$NOTIFY_SOCKET" = /run/notify/notify.sock && test -S $NOTIFY_SOCKET && sleep 600',
    );
    const env = { NOTIFY_SOCKET: path };
    const id = "hull-lc-notify";
    // The container's program has no tool for datagrams: the test says the word in its stead.
    const say = async () => {
      const inside = `${hull.root}/${id}/notify/notify.sock`;
      await until(() => {
        try {
          return Deno.lstatSync(inside).isSocket === true;
        } catch {
          return false;
        }
      }, 20);
      using program = connectDatagrams(inside);
      writeAll(program, new TextEncoder().encode("STATUS=near\nREADY=1\n"));
    };
    const starting = hull.command(["run", "-d", "-b", bundle.folder, id], {
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await say();
    const said = await collect(socket, 3);
    assertEquals((await starting.status).code, 0);
    const { pid, status } = JSON.parse(await hull.must("state", id));
    assertEquals(said, ["READY=1\n", `MAINPID=${pid}\n`, "BARRIER=1"]);
    assertEquals(status, "running");
    await hull.must("delete", "--force", id);

    const quiet = { env, stdin: "null", stdout: "null", stderr: "null" } as const;
    const created = await hull.command(["create", "-b", bundle.folder, id], quiet).output();
    assertEquals(created.code, 0);
    const start = hull.command(["start", id], quiet).spawn();
    await say();
    const told = await collect(socket, 3);
    assertEquals((await start.status).code, 0);
    assertEquals(told[1], `MAINPID=${JSON.parse(await hull.must("state", id)).pid}\n`);
    await hull.must("delete", "--force", id);

    // A program that ends without a word does not hold its caller.
    const silent = await hull.command(["run", "-b", bundle.folder, id, "--", "true"], quiet)
      .output();
    assertEquals(silent.code, 0);
  });
});

Deno.test("--pidfd-socket sends the pidfd of the container's first process", async () => {
  await leavesNothing("hull-lc-pidfd", async () => {
    await using hull = new Hull();
    using folder = scratchFolder();
    using bundle = makeBundle("sleep 600");
    const path = `${folder.path}/pidfd.sock`;
    const id = "hull-lc-pidfd";
    const call = ["run", "-d", "--pidfd-socket", path, "-b", bundle.folder, id];
    assertStringIncludes(await hull.refuse(...call), "somebody must listen");
    using listener = listenUnix(path);
    await hull.detach(...call);
    using connection = accept(listener);
    using pidfd = receiveFd(connection);
    const { pid } = JSON.parse(await hull.must("state", id));
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${pidfd?.number}`);
    assertEquals(Number(/^Pid:\s+(\d+)$/m.exec(info)?.[1]), pid);
    assertEquals(pidfd !== undefined && signalPidfd(pidfd, 9), true);
    await until(async () => await hull.status(id) === "stopped");
    await hull.must("delete", id);
  });
});

/** A socket that waits for connections at a path. */
function listenUnix(path: string): Fd {
  const address = new TextEncoder().encode(`\u0001\0${path}\0`);
  const program = new SyscallProgram([
    { syscall: "socket", label: "socket", args: [1, 1, 0] },
    { syscall: "bind", args: [{ result: "socket" }, address, address.length] },
    { syscall: "listen", args: [{ result: "socket" }, 1] },
  ]);
  program.run();
  assertEquals(program.failure(), undefined);
  return new Fd(program.result("socket"));
}

/** The next connection; the caller knows that there is one. */
function accept(listener: Fd): Fd {
  const program = new SyscallProgram([{ syscall: "accept4", args: [listener.number, 0, 0, 0] }]);
  program.run();
  return new Fd(program.result(0));
}
