import { assertEquals, assertThrows } from "@std/assert";
import { readCall } from "../../../../../src/shim/node/flags.ts";

Deno.test("containerd's words are read", () => {
  const words = "-namespace k8s.io -address /run/c.sock -publish-binary /bin/c -id a -debug start";
  assertEquals(readCall(words.split(" ")), {
    action: "start",
    id: "a",
    namespace: "k8s.io",
    address: "/run/c.sock",
    bundle: "",
    isDebug: true,
    root: "",
  });
  const { bundle, id } = readCall(["--id=x", "-bundle=/b=c", "delete"]);
  assertEquals({ bundle, id }, { bundle: "/b=c", id: "x" });
  assertEquals(readCall(["-v"]).action, "version");
  assertEquals(readCall(["-info"]).action, "info");
});

Deno.test("an action that there is not is refused", () => {
  assertThrows(() => readCall(["-id", "a", "stop"]), TypeError, "stop");
  assertThrows(() => readCall([]), TypeError);
});
