import { assertEquals } from "@std/assert";
import { isServed } from "../../../../../src/cli/resident/served.ts";

const PIPES = { stdin: { isTerminal: () => false }, stdout: sink(false) };
const TERMINAL = { stdin: { isTerminal: () => true }, stdout: sink(true) };

function sink(isTerminal: boolean) {
  return { isTerminal: () => isTerminal, writeSync: () => 0 };
}

const args = (...words: string[]) => ({ args: words, environment: ["PATH=/bin"] });

Deno.test("a resident does what needs nothing of the caller's own process", () => {
  for (const words of [["state", "web"], ["--root", "/run/x", "run", "web"], ["nonsense"], []]) {
    assertEquals(isServed(args(...words), PIPES), true, words.join(" "));
  }
});

Deno.test("what means the caller's own process is left to it", () => {
  const left = [
    ["resident"],
    ["--trace", "t.json", "run", "web"],
    ["run", "--network=bridge", "web"],
    ["exec", "--process", "/dev/fd/63", "web"],
    ["exec", "--process=/proc/self/fd/3", "web"],
    ["--log", "/dev/stderr", "state", "web"],
    ["--left-by-resident", "run", "web"],
    ["exec", "web", "echo", ...new Array<string>(5000).fill("w")], // more than a client can keep
  ];
  for (const words of left) assertEquals(isServed(args(...words), PIPES), false, words.join(" "));
});

Deno.test("a session's folder that is none leaves nothing to the caller: Podman says that", () => {
  const served = (variable: string) =>
    isServed({ args: ["run", "web"], environment: [variable] }, PIPES);
  assertEquals([served("XDG_RUNTIME_DIR="), served("XDG_RUNTIME_DIR=/run/user/0")], [true, false]);
});

Deno.test("so is what has variables of the session, or a terminal", () => {
  for (
    const variable of ["NOTIFY_SOCKET=/x", "LISTEN_FDS=1", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/x"]
  ) {
    assertEquals(
      isServed({ args: ["run", "web"], environment: [variable] }, PIPES),
      false,
      variable,
    );
  }
  assertEquals(isServed(args("exec", "web", "sh"), TERMINAL), false);
  assertEquals(isServed(args("state", "web"), TERMINAL), true);
});

Deno.test("the variables of its session matter for all but the host's root", () => {
  for (const variable of ["XDG_RUNTIME_DIR=/run/user/0", "DBUS_SESSION_BUS_ADDRESS=unix:path=/x"]) {
    const peer = { args: ["list"], environment: [variable] };
    assertEquals([true, false].map((isRoot) => isServed(peer, PIPES, isRoot)), [true, false]);
  }
  const peer = { args: ["list"], environment: ["DBUS_SYSTEM_BUS_ADDRESS=unix:path=/x"] };
  assertEquals(isServed(peer, PIPES, true), false);
});

Deno.test("a path of the caller's own process is one with blanks, too; a script is none", () => {
  const paths = ["/proc/self/cwd/a b", "--bundle=/proc/self/cwd/a b", "a b=/dev/fd/3"];
  for (const path of paths) assertEquals(isServed(args("state", path), PIPES), false, path);
  assertEquals(isServed(args("exec", "web", "sh", "-c", "cat /proc/self/stat"), PIPES), true);
});
