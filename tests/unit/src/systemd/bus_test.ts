import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { Bus } from "../../../../src/systemd/bus.ts";
import { answeredWith } from "../../../../src/systemd/bus_errors.ts";
import { encodeMessage, ERROR, METHOD_RETURN, SIGNAL } from "../../../../src/systemd/message.ts";
import { type FakeBus, withFakeBus } from "../../../fixtures/fake_bus.ts";
import { startFlood } from "../../../fixtures/flooding_bus.ts";
import { leavesNothing } from "../../../fixtures/leftovers.ts";

const NO_UNIT = "org.freedesktop.systemd1.NoSuchUnit";
const THING = { path: "/a", interface: "a.b" } as const;
/** Three times what is read until the event loop gets a turn. */
const MOST_SIGNALS_A_TURN = 50_000;
const GONE = { ...THING, type: SIGNAL, serial: 5, member: "Gone", signature: "s" } as const;

/** A test whose bus plays a part; nothing may be left of it. */
function busTest(
  name: string,
  play: (bus: FakeBus) => Promise<void>,
  test: (path: string) => Promise<void>,
): void {
  Deno.test(name, () => leavesNothing("hull-bus", () => withFakeBus(play, test)));
}

/** Lets the caller in, and answers each call by what is given. */
function answering(
  act: (bus: FakeBus, call: NonNullable<Awaited<ReturnType<FakeBus["message"]>>>) => Promise<void>,
): (bus: FakeBus) => Promise<void> {
  return async (bus) => {
    await bus.letIn();
    for (;;) {
      const call = await bus.message();
      if (call === undefined) return;
      await act(bus, call);
    }
  };
}

async function failureOf(work: Promise<unknown>): Promise<ContainerError> {
  const error = await assertRejects(() => work, ContainerError);
  assertEquals([error.code, error.step], ["SystemError", "cgroups"]);
  return error;
}

busTest(
  "a method's answer comes back, to each call its own",
  answering(async (bus, call) => {
    if (call.member === "First") return; // answered with the second, and after it
    await bus.answer(call, "s", ["second"]);
    await bus.answer({ ...call, serial: call.serial - 1 }, "sv", [
      "first",
      { signature: "t", value: 1n },
    ]);
  }),
  async (path) => {
    using bus = await Bus.connect(path);
    const first = bus.call({ ...THING, member: "First", signature: "s", body: ["x"] });
    const second = bus.call({ ...THING, member: "Second" });
    assertEquals(await second, ["second"]);
    assertEquals(await first, ["first", { signature: "t", value: 1n }]);
  },
);

busTest(
  "an answer that is an error says what systemd said",
  answering((bus, { serial: replySerial }) =>
    bus.send({
      ...{ type: ERROR, serial: 3, replySerial, errorName: NO_UNIT },
      ...{ signature: "s", body: ["Unit a.scope not loaded."] },
    })
  ),
  async (path) => {
    using bus = await Bus.connect(path);
    const error = await failureOf(bus.call({ ...THING, member: "StopUnit" }));
    const said = `systemd refused StopUnit: ${NO_UNIT}: Unit a.scope not loaded.`;
    assertEquals(error.summary, said);
    assert(answeredWith(error, "a.b", NO_UNIT));
    assert(!answeredWith(error, "a.b"));
  },
);

busTest(
  "a call that is not answered ends at its time limit, and the bus can still be used",
  answering(async (bus, call) => {
    if (call.member !== "Hang") await bus.answer(call);
  }),
  async (path) => {
    using bus = await Bus.connect(path);
    const error = await failureOf(bus.call({ ...THING, member: "Hang", timeout: 50 }));
    assertStringIncludes(error.message, "did not answer Hang within 0.05 s");
    assertStringIncludes(error.message, "systemctl status");
    assertEquals(await bus.call({ ...THING, member: "Other" }), []);
  },
);

busTest("a bus that says nothing is given up", (bus) => bus.untilClosed(), async (path) => {
  const error = await failureOf(Bus.connect(path, { timeout: 50 }));
  assertStringIncludes(error.message, "did not answer the connection within 0.05 s");
  assertEquals(error.path, path);
});

busTest(
  "a bus that lets in and then hangs is given up",
  async (bus) => {
    await bus.letIn();
    await bus.untilClosed();
  },
  async (path) => {
    const error = await failureOf(Bus.connect(path, { timeout: 200 }));
    assertStringIncludes(error.message, "did not answer");
  },
);

busTest("a bus that lets nobody in is told as that", async (bus) => {
  await bus.line();
  await bus.say("REJECTED DBUS_COOKIE_SHA1");
  await bus.untilClosed();
}, async (path) => {
  const error = await failureOf(Bus.connect(path));
  assertStringIncludes(error.message, 'does not let hull in: "REJECTED DBUS_COOKIE_SHA1"');
});

busTest(
  "a bus is asked to take whom it sees, and gets no message before its answer",
  async (bus) => {
    const lines = [await bus.line(), await bus.line(), await bus.line()];
    assertEquals(lines, ["\0AUTH EXTERNAL", "DATA", "BEGIN"]);
    await bus.say("DATA");
    assertEquals(bus.isEmpty, true);
    await bus.say(`OK ${"1".repeat(32)}`);
    await bus.message();
  },
  async (path) => {
    using _bus = await Bus.connect(path);
  },
);

busTest("a peer is not greeted, and sends signals without a rule", async (bus) => {
  await bus.letIn();
  await bus.send({ ...GONE, body: ["early"] });
  const call = await bus.bytes();
  assert(call !== undefined);
  await bus.answer({ type: 1, serial: 1 });
  await bus.untilClosed();
}, async (path) => {
  using bus = await Bus.connect(path, { isPeer: true });
  await bus.addMatch("type='signal'");
  await bus.call({ ...THING, member: "Any" });
  assertEquals(await bus.signal({ ...THING, member: "Gone", fits: () => true }), ["early"]);
});

busTest(
  "a signal is found that came before it was waited for, and those of others are ignored",
  answering(async (bus, call) => {
    if (call.member === "GetNameOwner") return await bus.answer(call, "s", [":1.2"]);
    if (call.member === "AddMatch") await bus.send({ ...GONE, sender: ":1.2", body: ["a"] });
    if (call.member === "Stop") await bus.send({ ...GONE, sender: ":1.66", body: ["forged"] });
    await bus.answer(call);
    if (call.member === "Stop") await bus.send({ ...GONE, sender: ":1.2", body: ["b"] });
  }),
  async (path) => {
    using bus = await Bus.connect(path);
    const wait = (name: string, timeout = 5000) =>
      bus.signal({ ...THING, member: "Gone", fits: ([unit]) => unit === name, timeout });
    await bus.addMatch("type='signal',sender='org.freedesktop.systemd1',member='Gone'");
    await bus.call({ ...THING, member: "Stop" });
    const two = [wait("b"), wait("b")];
    assertEquals(await Promise.all([...two, wait("a")]), [["b"], ["b"], ["a"]]);
    for (const never of ["b", "forged"]) { // each counts once, another sender's never
      const error = await failureOf(wait(never, 30));
      assertStringIncludes(error.message, "the signal Gone within 0.03 s");
    }
    const broken = bus.signal({
      ...{ ...THING, member: "Gone", timeout: 5000 },
      fits: () => {
        throw new RangeError("own");
      },
    });
    await bus.call({ ...THING, member: "Stop" });
    await assertRejects(() => broken, RangeError, "own");
  },
);

busTest(
  "more signals than are kept push the oldest out",
  answering(async (bus, call) => {
    if (call.member === "Flood") {
      for (let k = 0; k < 5000; k++) await bus.send({ ...GONE, body: [`${k}`] });
    }
    await bus.answer(call);
  }),
  async (path) => {
    using bus = await Bus.connect(path);
    await bus.addMatch("type='signal'");
    await bus.call({ ...THING, member: "Flood" });
    assertEquals(await bus.signal({ ...THING, member: "Gone", fits: () => true }), ["904"]);
  },
);

const MANGLED: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(0), "closed the connection before it answered Ask"],
  ["half a message", encodeMessage({ ...GONE, body: ["a"] }).subarray(0, 30), "closed the"],
  ["garbage", new Uint8Array(100).fill(0x55), "is no D-Bus: this is no message"],
  ["a huge length", hugeMessage(), "is no D-Bus: a message is longer than 128 MiB"],
  ["a broken body", brokenBody(), "is no D-Bus: the bytes end before the value does"],
];
for (const [what, bytes, message] of MANGLED) {
  busTest(
    `a bus that answers ${what} ends all that is asked, and is not asked again`,
    async (bus) => {
      await bus.letIn();
      await bus.message();
      await bus.message();
      await bus.write(bytes);
    },
    async (path) => {
      using bus = await Bus.connect(path);
      const asked = ["Ask", "Ask"].map((member) => failureOf(bus.call({ ...THING, member })));
      for (const error of await Promise.all(asked)) assertStringIncludes(error.message, message);
      await failureOf(bus.call({ ...THING, member: "Again" }));
    },
  );
}

// The thread that floods leaves fds of its own for a while, so what is left is not looked for.
Deno.test("a flood does not keep a time limit from ending a call", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hull-bus-" });
  try {
    using _flood = await startFlood(`${folder}/bus`);
    using bus = await Bus.connect(`${folder}/bus`, { isPeer: true });
    let [inARow, most] = [0, 0];
    const turns = setInterval(() => inARow = 0);
    const fits = () => {
      most = Math.max(most, ++inARow);
      return false;
    };
    const waiting = bus.signal({ ...THING, member: "Gone", fits, timeout: 300 });
    const error = await failureOf(waiting).finally(() => clearInterval(turns));
    assertStringIncludes(error.message, "did not answer the signal Gone");
    assert(most > 0 && most < MOST_SIGNALS_A_TURN, `${most} signals in one turn`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

busTest("a message that no room is left for is given up with the bus", async (bus) => {
  await bus.letIn();
  const hello = await bus.bytes();
  assert(hello !== undefined);
  await bus.answer({ type: 1, serial: 1 }, "s", [":1.1"]);
  await closed.promise;
}, async (path) => {
  using bus = await Bus.connect(path);
  const body = [new Uint8Array(4 * 1024 * 1024)];
  const error = await failureOf(
    bus.call({ ...THING, member: "Much", signature: "ay", body, timeout: 100 }),
  );
  assertStringIncludes(error.message, "did not answer Much");
  const again = await failureOf(bus.call({ ...THING, member: "Again" }));
  assertStringIncludes(again.message, "did not answer Much");
  closed.resolve();
});
const closed = Promise.withResolvers<void>();

busTest("a long message is sent whole, and a long answer received", async (bus) => {
  await bus.letIn();
  const call = await bus.message();
  assert(call !== undefined);
  await bus.answer(call, "ay", call.body);
  await bus.untilClosed();
}, async (path) => {
  using bus = await Bus.connect(path);
  const body = [new Uint8Array(700_000).map((_, k) => k)];
  assertEquals(await bus.call({ ...THING, member: "Echo", signature: "ay", body }), body);
});

busTest(
  "who waits when the bus is closed gets an error",
  answering(async () => {}),
  async (path) => {
    const bus = await Bus.connect(path);
    const waiting = failureOf(bus.call({ ...THING, member: "Hang" }));
    bus[Symbol.dispose]();
    bus[Symbol.dispose]();
    assertStringIncludes((await waiting).message, "was closed before Hang was answered");
  },
);

busTest(
  "the abort of its poller ends what is waited for",
  answering(async () => {}),
  async (path) => {
    const controller = new AbortController();
    using poller = new Poller();
    using bus = await Bus.connect(path, { poller: poller.until(controller.signal) });
    const hanging = bus.call({ ...THING, member: "Hang" });
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 20);
    assertEquals(await assertRejects(() => hanging), reason);
  },
);

busTest(
  "what can't be said is an error, and the bus can still be used",
  answering(
    (bus, call) => bus.answer(call),
  ),
  async (path) => {
    using bus = await Bus.connect(path);
    const wrong = { ...THING, member: "Set", signature: "u", body: [-1] };
    const error = await failureOf(bus.call(wrong));
    assertStringIncludes(error.message, "cannot ask systemd for Set: -1 is no value");
    assertEquals(await bus.call({ ...THING, member: "Get" }), []);
  },
);

Deno.test("where nobody listens, the error says that systemd does not run", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const missing = await failureOf(Bus.connect(`${folder}/none`));
    assertEquals([missing.syscall, missing.errno], ["connect", "ENOENT"]);
    assertStringIncludes(missing.message, "does systemd run here");
    const listener = Deno.listen({ transport: "unix", path: `${folder}/alive` });
    await Deno.rename(`${folder}/alive`, `${folder}/dead`); // or its end takes it away
    listener.close();
    const dead = await failureOf(Bus.connect(`${folder}/dead`));
    assertEquals(dead.errno, "ECONNREFUSED");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function hugeMessage(): Uint8Array {
  const bytes = encodeMessage({ ...GONE, body: ["a"] });
  new DataView(bytes.buffer).setUint32(4, 0xf0000000, true);
  return bytes;
}

function brokenBody(): Uint8Array {
  const answer = { type: METHOD_RETURN, serial: 5, replySerial: 2, signature: "s" };
  const bytes = encodeMessage({ ...answer, body: ["abcd"] });
  new DataView(bytes.buffer).setUint32(bytes.length - 9, 1_000_000, true);
  return bytes;
}
