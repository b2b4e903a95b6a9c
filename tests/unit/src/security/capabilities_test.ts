import { assert, assertEquals } from "@std/assert";
import {
  grantCapabilities,
  heldCapabilities,
  kernelCapabilities,
} from "../../../../src/security/capabilities.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("what is not held is left out of every set and named in one warning", () => {
  const asked = {
    bounding: ["CAP_KILL", "CAP_SYS_TIME"],
    permitted: ["CAP_SYS_TIME", "CAP_SYS_BOOT", "CAP_FLY"],
    effective: [],
  };
  const { capabilities, warnings } = grantCapabilities(asked, new Set(["CAP_KILL"]));
  assertEquals(capabilities, { bounding: ["CAP_KILL"], permitted: ["CAP_FLY"], effective: [] });
  assertEquals(warnings, [{
    pointer: "/process/capabilities",
    message:
      "can't be granted, since hull or this kernel doesn't have it: CAP_SYS_BOOT, CAP_SYS_TIME",
  }]);
});

Deno.test("what is held is granted without a word", () => {
  const asked = { ambient: ["CAP_KILL"] };
  const granted = grantCapabilities(asked, new Set(["CAP_KILL"]));
  assertEquals(granted, { capabilities: asked, warnings: [] });
});

Deno.test("held is what is permitted and in the bounding set, up to the kernel's last", () => {
  using proc = scratchFolder();
  Deno.mkdirSync(`${proc.path}/sys/kernel`, { recursive: true });
  Deno.mkdirSync(`${proc.path}/self`);
  Deno.writeTextFileSync(`${proc.path}/sys/kernel/cap_last_cap`, "3\n");
  Deno.writeTextFileSync(`${proc.path}/self/status`, "Name:\tx\nCapPrm:\tff\nCapBnd:\t0a\n");
  assertEquals([...heldCapabilities(false, proc.path)], ["CAP_DAC_OVERRIDE", "CAP_FOWNER"]);
  assertEquals(heldCapabilities(true, proc.path).size, 4);
  assertEquals(kernelCapabilities(proc.path).at(-1), "CAP_FOWNER");
});

Deno.test("this kernel's capabilities are known by name", () => {
  assert(kernelCapabilities().includes("CAP_CHOWN"));
});
