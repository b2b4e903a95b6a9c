import { assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import { writeAll } from "../../../../ffi/files/file.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import {
  acceptPackets,
  connectPackets,
  listenForPackets,
  peerOf,
  receivePacket,
  sendPackets,
} from "../../../../ffi/sockets/packet_socket.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("messages come whole and in order, with their fds, and the peer is known", () => {
  using scratch = scratchFolder();
  const path = `${scratch.path}/socket`;
  assertEquals(connectPackets(path), undefined);
  using listener = listenForPackets(path);
  assertEquals(acceptPackets(listener), undefined);
  using client = connectPackets(path)!;
  using server = acceptPackets(listener)!;
  assertEquals(peerOf(server).pid, Deno.pid);
  assertEquals(receivePacket(server, 10), undefined);
  using pipe = new Pipe();
  const [first, second] = [new Uint8Array([1, 2, 3]), new Uint8Array([4])];
  const sent = sendPackets(client, [{ bytes: first }, {
    bytes: second,
    fds: [pipe.reader.number],
  }]);
  assertEquals(sent, 2);
  assertEquals(receivePacket(server, 10, 1)?.bytes, first);
  const packet = receivePacket(server, 10, 1);
  assertEquals([packet?.bytes, packet?.fds.length], [second, 1]);
  for (const fd of packet?.fds ?? []) fd.close();
  writeAll(pipe.writer, new Uint8Array([9]));
  client.close();
  assertEquals(receivePacket(server, 10)?.bytes.length, 0);
  assertThrows(() => sendPackets(server, [{ bytes: first }]), SyscallError);
});
