import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { addressesOf } from "../../../../../src/cgroups/systemd/addresses.ts";
import { SystemdBus, UNIT_EXISTS } from "../../../../../src/cgroups/systemd/systemd_bus.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { answeredWith } from "../../../../../src/systemd/bus_errors.ts";
import { ERROR, type Message, SIGNAL } from "../../../../../src/systemd/message.ts";
import { FakeBus, type Play, withFakeBus } from "../../../../fixtures/fake_bus.ts";

const JOB = "/org/freedesktop/systemd1/job/7";
const MANAGER = "org.freedesktop.systemd1.Manager";
/** systemd's name on a bus. */
const SYSTEMD = ":1.0";

/** A conversation with a systemd that the test plays. */
async function withSystemd(
  play: Play,
  talk: (systemd: SystemdBus) => Promise<void>,
): Promise<void> {
  const whole = async (bus: FakeBus) => {
    await play(bus);
    await bus.untilClosed();
  };
  await withSystemds([whole], talk);
}

/**
 * One over several connections.
 *
 * @param isBus whether they are to a message bus, which greets
 */
async function withSystemds(
  plays: readonly Play[],
  talk: (systemd: SystemdBus) => Promise<void>,
  isBus = false,
): Promise<void> {
  const letIn = plays.map((play) => async (bus: FakeBus) => {
    await bus.letIn();
    await play(bus);
  });
  await withFakeBus(letIn, async (path) => {
    const addresses = [{ path: `${path}-missing`, isBus: false }, { path, isBus }];
    const limits = { answerMs: 5000, jobMs: 300, lookMs: 100 };
    using systemd = await SystemdBus.open({ whose: "system", addresses, ...limits });
    await talk(systemd);
  });
}

async function removed(bus: FakeBus, job: string, result: string): Promise<void> {
  await bus.send({
    type: SIGNAL,
    serial: 3,
    path: "/org/freedesktop/systemd1",
    interface: MANAGER,
    member: "JobRemoved",
    sender: SYSTEMD,
    signature: "uoss",
    body: [7, job, "a.scope", result],
  });
}

async function refuse(bus: FakeBus, call: Message | undefined, errorName: string): Promise<void> {
  const replySerial = call?.serial ?? 0;
  const body = { signature: "s", body: ["said by the test"] };
  await bus.send({ type: ERROR, serial: 4, replySerial, errorName, ...body });
}

async function failureOf(call: Promise<unknown>): Promise<ContainerError> {
  return await assertRejects(() => call, ContainerError);
}

Deno.test("a unit is started once its job has ended, whatever other jobs end before", async () => {
  const property = ["TasksMax", { signature: "t", value: 5n }] as const;
  await withSystemd(async (bus) => {
    const call = await bus.message() as Message;
    assertEquals([call.member, call.signature], ["StartTransientUnit", "ssa(sv)a(sa(sv))"]);
    assertEquals(call.body, ["a.scope", "replace", [property], []]);
    await removed(bus, "/other", "failed");
    await removed(bus, JOB, "done"); // may come before the answer
    await bus.answer(call, "o", [JOB]);
  }, (systemd) => systemd.startTransient("a.scope", [property]));
});

Deno.test("a job that fails, and one that never ends, are told", async () => {
  await withSystemd(async (bus) => {
    await bus.answer(await bus.message() as Message, "o", [JOB]);
    await removed(bus, JOB, "failed");
  }, async (systemd) => {
    const { message } = await failureOf(systemd.startTransient("a.scope", []));
    assertStringIncludes(message, 'could not start a.scope: its job ended as "failed"');
  });
  await withSystemd(async (bus) => {
    await bus.answer(await bus.message() as Message, "o", [JOB]);
    while (await tellState(bus, 7, "inactive"));
  }, async (systemd) => {
    const error = await failureOf(systemd.startTransient("a.scope", []));
    assertEquals(error.errno, "ETIMEDOUT");
  });
});

/** Answers what is asked of the unit whose job it is; false once nothing more is asked. */
async function tellState(bus: FakeBus, job: number, activeState: string): Promise<boolean> {
  const answers = [
    ["o", "/org/freedesktop/systemd1/unit/a"],
    ["v", { signature: "(uo)", value: [job, job === 0 ? "/" : JOB] }],
    ["v", { signature: "s", value: activeState }],
  ] as const;
  for (const [signature, value] of answers) {
    const call = await bus.message();
    if (call === undefined) return false;
    await bus.answer(call, signature, [value]);
  }
  return true;
}

Deno.test("a job whose end nobody tells is found to have ended by its unit", async () => {
  for (const [state, isDone] of [["active", true], ["failed", false]] as const) {
    await withSystemd(async (bus) => {
      await bus.answer(await bus.message() as Message, "o", [JOB]);
      await tellState(bus, 7, "inactive");
      await tellState(bus, 0, state);
    }, async (systemd) => {
      const started = systemd.startTransient("a.scope", []);
      if (isDone) await started;
      else assertStringIncludes((await failureOf(started)).message, "could not start a.scope");
    });
  }
});

/** What a message bus answers while a systemd that executes itself anew is not connected. */
const LEFT = ["NoReply", "Disconnected", "NameHasNoOwner", "ServiceUnknown"]
  .map((name) => `org.freedesktop.DBus.Error.${name}`);

/** Answers as a bus with a systemd, but for one method, which nobody answers. */
function without(member: string, errorName: string): Play {
  return async (bus) => {
    for (let call = await bus.message(); call !== undefined; call = await bus.message()) {
      if (call.member === member) await refuse(bus, call, errorName);
      else await answerAsBus(bus, call);
    }
  };
}

async function answerAsBus(bus: FakeBus, call: Message): Promise<void> {
  switch (call.member) {
    case "GetNameOwner":
      return await bus.answer(call, "s", [SYSTEMD]);
    case "Get":
      return await bus.answer(call, "v", [{ signature: "s", value: "252" }]);
    case "StartTransientUnit":
    case "StopUnit":
      await bus.answer(call, "o", [JOB]);
      return await removed(bus, JOB, "done");
    case "GetUnit":
      return await refuse(bus, call, "org.freedesktop.systemd1.NoSuchUnit");
    default:
      return await bus.answer(call);
  }
}

const OPERATIONS: readonly [member: string, ask: (systemd: SystemdBus) => Promise<unknown>][] = [
  ["Subscribe", (systemd) => systemd.hearJobs()],
  ["GetNameOwner", (systemd) => systemd.hearJobs()],
  ["AddMatch", (systemd) => systemd.hearJobs()],
  ["StartTransientUnit", (systemd) => systemd.startTransient("a.scope", [])],
  ["ResetFailedUnit", (systemd) => systemd.resetFailed("a.scope")],
  ["SetUnitProperties", (systemd) => systemd.setProperties("a.scope", [])],
  ["Get", (systemd) => systemd.version()],
];

Deno.test("a systemd that has left the message bus for a moment is asked again", async () => {
  for (const [member, ask] of OPERATIONS) {
    for (const errorName of LEFT) {
      const plays = [without(member, errorName), without("", "")];
      await withSystemds(plays, async (systemd) => {
        await ask(systemd);
        await systemd.stop("a.scope");
      }, true);
    }
  }
});

Deno.test("a connection that is lost in any operation is made again", async () => {
  for (const [member, ask] of OPERATIONS) {
    const lost: Play = async (bus) => {
      for (let call = await bus.message(); call?.member !== member; call = await bus.message()) {
        if (call === undefined) return;
        await answerAsBus(bus, call);
      }
    };
    await withSystemds([lost, without("", "")], async (systemd) => {
      await ask(systemd);
    }, true);
  }
});

Deno.test("a systemd that has left for good is told of in the end", async () => {
  const [errorName] = LEFT as [string];
  const folder = await Deno.makeTempDir({ prefix: "hull-bus-" });
  const path = `${folder}/bus`;
  const listener = Deno.listen({ transport: "unix", path });
  const serve = async () => {
    for await (const connection of listener) {
      const bus = new FakeBus(connection);
      await bus.letIn();
      await without("Get", errorName)(bus);
      connection.close();
    }
  };
  const serving = serve();
  const addresses = [{ path, isBus: true }];
  using systemd = await SystemdBus.open({ whose: "system", addresses, lossesMs: 200 });
  const error = await failureOf(systemd.version());
  assertStringIncludes(error.message, `systemd refused Get: ${errorName}`);
  systemd[Symbol.dispose]();
  listener.close();
  await serving;
  await Deno.remove(folder, { recursive: true });
});

/** Loses a start's connection; after it a unit of that name runs. */
function startOf(after: Play): readonly Play[] {
  const lost: Play = async (bus) => {
    assertEquals((await bus.message())?.member, "StartTransientUnit");
  };
  return [lost, async (bus) => {
    await tellState(bus, 0, "active");
    await after(bus);
    await bus.untilClosed();
  }];
}

Deno.test("a unit that runs after a lost connection is only started if it is the own one", async () => {
  await withSystemds(startOf(() => Promise.resolve()), async (systemd) => {
    await systemd.startTransient("a.scope", [], () => true);
  });
  const refusal: Play = async (bus) => await refuse(bus, await bus.message(), UNIT_EXISTS);
  await withSystemds(startOf(refusal), async (systemd) => {
    const error = await failureOf(systemd.startTransient("a.scope", [], () => false));
    assertEquals(answeredWith(error, UNIT_EXISTS), true);
  });
});

Deno.test("a unit that is there is told from other refusals", async () => {
  await withSystemd(async (bus) => {
    await refuse(bus, await bus.message(), UNIT_EXISTS);
    await refuse(bus, await bus.message(), "org.freedesktop.DBus.Error.AccessDenied");
  }, async (systemd) => {
    const exists = await failureOf(systemd.startTransient("a.scope", []));
    assertEquals(answeredWith(exists, UNIT_EXISTS), true);
    const denied = await failureOf(systemd.setProperties("a.scope", []));
    assertEquals(answeredWith(denied, UNIT_EXISTS), false);
    assertStringIncludes(denied.message, "only root may ask");
  });
});

Deno.test("a unit that is gone has stopped, and is forgotten", async () => {
  await withSystemd(async (bus) => {
    await refuse(bus, await bus.message(), "org.freedesktop.systemd1.NoSuchUnit");
    await refuse(bus, await bus.message(), "org.freedesktop.systemd1.UnitNotLoaded");
    await bus.answer(await bus.message() as Message, "o", [JOB]);
    await removed(bus, JOB, "canceled");
  }, async (systemd) => {
    assertEquals(await systemd.stop("a.scope"), false);
    assertEquals(await systemd.resetFailed("a.scope"), false);
    assertEquals(await systemd.stop("a.scope"), true);
  });
});

Deno.test("the version's number is read, however it goes on", async () => {
  for (
    const [text, number] of [["257.9-1~deb13u1", 257], ["v252", 252], ["258~rc1", 258]] as const
  ) {
    await withSystemd(async (bus) => {
      const value = { signature: "s", value: text };
      await bus.answer(await bus.message() as Message, "v", [value]);
    }, async (systemd) => assertEquals(await systemd.version(), number));
  }
});

Deno.test("where no systemd listens, the first socket is told", async () => {
  const addresses = [{ path: "/nowhere/private", isBus: false }, {
    path: "/nowhere/bus",
    isBus: true,
  }];
  const error = await failureOf(SystemdBus.open({ whose: "system", addresses }));
  assertEquals([error.code, error.errno, error.path], [
    "SystemError",
    "ENOENT",
    "/nowhere/private",
  ]);
  assertStringIncludes(error.hint ?? "", "does systemd run here");
});

Deno.test("all tries of a connection have one limit of time together", async () => {
  const begun = Promise.withResolvers<void>();
  const closes = (_bus: FakeBus) => new Promise<void>((resolve) => setTimeout(resolve, 300));
  const hangs = async (bus: FakeBus) => {
    begun.resolve();
    await bus.untilClosed();
  };
  await withFakeBus(closes, async (first) => {
    await withFakeBus(hangs, async (second) => {
      const addresses = [{ path: first, isBus: false }, { path: second, isBus: false }];
      const error = await failureOf(SystemdBus.open({ whose: "system", addresses, answerMs: 800 }));
      await begun.promise;
      assertEquals(error.errno, "ETIMEDOUT");
      const [, seconds] = /within ([\d.]+) s/.exec(error.message) ?? [];
      assert(Number(seconds) <= 0.5, error.message);
    });
  });
});

Deno.test("systemd's own socket is tried before the buses", () => {
  const environment = (variables: Record<string, string>) => (name: string) => variables[name];
  assertEquals(addressesOf("system", environment({}), 0), [
    { path: "/run/systemd/private", isBus: false },
    { path: "/run/dbus/system_bus_socket", isBus: true },
  ]);
  const session = {
    XDG_RUNTIME_DIR: "/run/user/7",
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/x%20y,guid=0;tcp:host=a;unix:abstract=z",
  };
  assertEquals(addressesOf("user", environment(session), 7), [
    { path: "/run/user/7/systemd/private", isBus: false },
    { path: "/run/x y", isBus: true },
    { path: "@z", isBus: true },
    { path: "/run/user/7/bus", isBus: true },
  ]);
  assertEquals(addressesOf("user", environment({}), 8)[0]?.path, "/run/user/8/systemd/private");
});
