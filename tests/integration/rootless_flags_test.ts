import { assertEquals } from "@std/assert";
import { OrdinaryUser } from "../fixtures/ordinary_user.ts";

Deno.test("an ordinary user's run takes the same wishes", async () => {
  await using user = new OrdinaryUser();
  const script = [
    "id -u; echo $A; hostname; cat /sources/hostname > /dev/null && echo seen",
    "touch /sources/x 2> /dev/null || echo read-only; df -k /work | tail -1 | tr -s ' ' | cut -d ' ' -f 2",
    "ps -o args= 1 | cut -c 1-8; kill -ABRT $$",
  ].join("\n");
  const wishes = ["-e", "A=b", "--hostname", "mine", "-v", "/etc:/sources:ro"];
  const more = ["--tmpfs", "/work:size=1m", "-w", "/work", "--init", "--tz", "UTC"];
  const words = ["run", ...wishes, ...more, "--", "sh", "-c", script];
  const { code, stdout, stderr } = await user.call(words, { lacks: {} });
  const seen = ["0", "b", "mine", "seen", "read-only", "1024", "/init sh", ""];
  assertEquals({ code, stdout: stdout.split("\n") }, { code: 134, stdout: seen }, stderr);
});
