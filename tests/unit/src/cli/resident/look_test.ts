import { assert, assertEquals } from "@std/assert";
import { failedWith } from "../../../../../ffi/c/errno.ts";
import {
  acceptPackets,
  listenForPackets,
  PeerLook,
} from "../../../../../ffi/sockets/packet_socket.ts";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { clientAddresses, clientImage } from "../../../../../src/cli/resident/client_program.ts";
import { CloserLook } from "../../../../../src/cli/resident/closer_look.ts";
import { Look } from "../../../../../src/cli/resident/look.ts";
import { scratchFolder } from "../../../../fixtures/bundle.ts";

const BUILD = "of this build";

/** Any of the calls may be the first that finds a process gone. */
const PROCESSES = 40;

Deno.test("A process that ends while it is looked at is gone", async () => {
  const look = new Look(clientAddresses(BUILD));
  const closer = new CloserLook();
  for (let k = 0; k < PROCESSES; k++) {
    const child = new Deno.Command("true").spawn();
    const status = child.status;
    try {
      for (;;) {
        look.at(child.pid);
        closer.at(child.pid);
        await new Promise((resolve) => setTimeout(resolve));
      }
    } catch (error) {
      assert(failedWith(error, "ENOENT", "ESRCH"), String(error));
    }
    await status;
  }
});

Deno.test("A process is seen as it is", () => {
  const { files, isAtFolder } = new Look(clientAddresses(BUILD)).at(Deno.pid);
  const status = new TextDecoder().decode(files.status);
  assertEquals(/^Pid:\t(\d+)$/m.exec(status)?.[1], String(Deno.pid));
  assert(isAtFolder);
  const { stat, fds, fdLimit } = new CloserLook().at(Deno.pid);
  assert(stat.startsWith(`${Deno.pid} (`));
  assert(fds.has(0) && fds.has(2) && fdLimit >= fds.size);
});

Deno.test("a client is known by its memory, wherever it was installed, and others are not", async () => {
  using scratch = scratchFolder();
  using poller = new Poller();
  const socket = `${scratch.path}/socket`;
  using listener = listenForPackets(socket);
  const look = new Look(clientAddresses(BUILD));
  for (const [k, build] of [BUILD, "one of another", BUILD].entries()) {
    const launcher = `${scratch.path}/${"a".repeat(20 * k)}`;
    const file = `${scratch.path}/client${k}`;
    Deno.writeFileSync(file, clientImage({ socket, launcher, build }).bytes, { mode: 0o755 });
    const command = new Deno.Command(file, { stdout: "null", stderr: "null" });
    const client = command.spawn();
    await poller.wait(listener);
    using connection = acceptPackets(listener)!;
    assertEquals(new PeerLook().at(connection).pid, client.pid);
    const text = (bytes?: Uint8Array) => bytes && new TextDecoder().decode(bytes);
    const { build: read, said, isThere } = look.atPeer(client.pid, connection);
    assertEquals(text(read) === BUILD, build === BUILD);
    assert(text(said) === build || said === undefined);
    assert(isThere);
    connection.close();
    await client.status;
  }
  assertEquals(look.atPeer(Deno.pid).build, undefined);
});
