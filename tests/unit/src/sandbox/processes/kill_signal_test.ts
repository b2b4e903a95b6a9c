import { assertEquals } from "@std/assert";
import { KillController } from "../../../../../src/sandbox/processes/kill_signal.ts";

Deno.test("signals reach listeners and linked signals, and those that end are remembered", () => {
  const [parent, child] = [new KillController(), new KillController()];
  const seen: string[] = [];
  const listener = (signal: string) => seen.push(signal);
  child.signal.addListener(listener);
  const link = parent.signal.linkChild(child.signal);
  parent.kill("SIGUSR1");
  assertEquals([seen, child.signal.aborted, child.signal.abortedExitCode], [
    ["SIGUSR1"],
    false,
    undefined,
  ]);
  parent.kill();
  assertEquals([child.signal.aborted, child.signal.abortedExitCode], [true, 143]);
  parent.kill("SIGKILL");
  assertEquals(child.signal.abortedExitCode, 143);
  link.unsubscribe();
  parent.kill("SIGUSR2");
  child.signal.removeListener(listener);
  child.kill("SIGHUP");
  assertEquals(seen, ["SIGUSR1", "SIGTERM", "SIGKILL"]);
});
