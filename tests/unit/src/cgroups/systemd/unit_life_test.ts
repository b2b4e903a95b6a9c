import { assertEquals, assertRejects } from "@std/assert";
import { DisabledManager } from "../../../../../src/cgroups/choice/disabled.ts";
import type { CgroupHost } from "../../../../../src/cgroups/detect.ts";
import type { Stats } from "../../../../../src/cgroups/stats.ts";
import { limitUnit } from "../../../../../src/cgroups/systemd/unit_life.ts";
import { ContainerError } from "../../../../../src/errors.ts";

const UNIT = { name: "hull-unit-life.scope", slice: "system.slice", whose: "system" } as const;
const HOST: CgroupHost = { version: 2, hierarchies: [], inUserNamespace: false };

/** Cgroups whose processes use so much memory. */
class Used extends DisabledManager {
  readonly applied: unknown[] = [];
  readonly #usage: number;

  constructor(usage: number) {
    super(2);
    this.#usage = usage;
  }

  override apply(resources: unknown): Promise<void> {
    this.applied.push(resources);
    return Promise.resolve();
  }

  override stats(): Stats {
    return { memory: { usage: { usage: this.#usage } } } as unknown as Stats;
  }
}

Deno.test("a checked limit below the usage is refused before anybody is told of it", async () => {
  const files = new Used(8192);
  const memory = { limit: 4096, checkBeforeUpdate: true };
  const error = await assertRejects(
    () => limitUnit(UNIT, HOST, { memory }, { update: true }, files),
    ContainerError,
    "a memory limit of 4096 is below the usage (now 8192)",
  );
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/resources/memory/limit"]);
  assertEquals(files.applied, []);
});
