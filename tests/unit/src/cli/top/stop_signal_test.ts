import { assertEquals } from "@std/assert";
import { signalNumber } from "../../../../../ffi/processes/signals.ts";
import { stopSignalOf } from "../../../../../src/cli/top/stop_signal.ts";

const named = (text: string) => stopSignalOf({ "org.opencontainers.image.stopSignal": text });

Deno.test("a stop signal is known by its names and its number; what is none is SIGTERM", () => {
  assertEquals([undefined, {}].map(stopSignalOf), ["SIGTERM", "SIGTERM"]);
  assertEquals(["SIGQUIT", "quit", "3", " 3 "].map(named), Array(4).fill("SIGQUIT"));
  assertEquals(["SIGRTMIN+3", "RTMIN+3", "37"].map(named), Array(3).fill("SIGRTMIN+3"));
  assertEquals(["", "0", "65", "NONE", "9 9", "-1"].map(named), Array(6).fill("SIGTERM"));
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue; // libc's own
    assertEquals(signalNumber(named(String(number))), number, named(String(number)));
  }
});
