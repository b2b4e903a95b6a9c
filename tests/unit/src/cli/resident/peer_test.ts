import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ClientGone } from "../../../../../src/cli/resident/client_channel.ts";
import { clientAddresses } from "../../../../../src/cli/resident/client_program.ts";
import { CloserLook } from "../../../../../src/cli/resident/closer_look.ts";
import { Look } from "../../../../../src/cli/resident/look.ts";
import { identityIn, Peer } from "../../../../../src/cli/resident/peer.ts";

const STATUS = `Umask:\t0022
Uid:\t0\t0\t0\t0
Gid:\t0\t0\t0\t0
Groups:\t0 27 
CapEff:\t000001ffffffffff
NoNewPrivs:\t0
Seccomp:\t2
Seccomp_filters:\t1
`;

Deno.test("who has one filter more than this program is not like it, who has another pid is", () => {
  const own = identityIn(STATUS);
  assertNotEquals(identityIn(STATUS.replace("filters:\t1", "filters:\t2")), own);
  assertNotEquals(identityIn(STATUS.replace("Umask:\t0022", "Umask:\t0077")), own);
  assertEquals(identityIn(`Pid:\t7\n${STATUS}`), own);
});

Deno.test("of a client that was killed before a closer look it is known that it is gone", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const seen = new Look(clientAddresses("a build")).at(child.pid);
  child.kill("SIGKILL");
  await child.status;
  const peer = new Peer(child.pid, seen, STATUS, new CloserLook());
  assertThrows(() => peer.fds, ClientGone);
  assertThrows(() => peer.terminals, ClientGone);
});
