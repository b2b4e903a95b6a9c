import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  acceptPackets,
  connectPackets,
  listenForPackets,
  receivePacket,
  sendPackets,
} from "../../../../../ffi/sockets/packet_socket.ts";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { Client } from "../../../../../src/cli/resident/client.ts";
import { ClientGone } from "../../../../../src/cli/resident/client_channel.ts";
import { clientAddresses } from "../../../../../src/cli/resident/client_program.ts";
import { scratchFolder } from "../../../../fixtures/bundle.ts";
import { countFds } from "../../../../fixtures/open_fds.ts";

const PEER = {
  pid: Deno.pid,
  fds: new Set([0, 1, 2, 3]),
  ignored: [],
  environment: [],
  words: { address: 0n, sizes: [] },
};

Deno.test("of the streams of a client that ends before it answers none stays open", async () => {
  const before = countFds();
  {
    using scratch = scratchFolder();
    using poller = new Poller();
    using listener = listenForPackets(`${scratch.path}/socket`);
    using far = connectPackets(`${scratch.path}/socket`)!;
    const connection = { socket: acceptPackets(listener)!, isToSayHello: false };
    using client = new Client(connection, poller, clientAddresses("a build"), PEER);
    using received = new DisposableStack();
    const gone = assertRejects(() => client.streams(received), ClientGone);
    await poller.wait(far);
    assert(receivePacket(far, 4096) !== undefined); // its program
    sendPackets(far, [{ bytes: new Uint8Array(1), fds: [0, 1, 2] }]);
    far.close();
    await gone;
  }
  assertEquals(countFds(), before);
});
