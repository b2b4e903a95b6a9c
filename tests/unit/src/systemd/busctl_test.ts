/** D-Bus against other people's: systemd's busctl, and the bus that desktops have. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { Bus, type Variant } from "../../../../src/systemd/bus.ts";
import { answeredWith } from "../../../../src/systemd/bus_errors.ts";
import { decode, encode } from "../../../../src/systemd/marshal.ts";
import { decodeMessage, encodeMessage } from "../../../../src/systemd/message.ts";
import { parseSignature, parseSingle, type Type } from "../../../../src/systemd/signature.ts";
import { randomSignature, randomValue } from "../../../fixtures/dbus_values.ts";
import { FakeBus } from "../../../fixtures/fake_bus.ts";
import { leavesNothing } from "../../../fixtures/leftovers.ts";
import { Random } from "../../../fixtures/random.ts";
import { testWhere } from "../../../fixtures/test_where.ts";

const CALLS = 60;
const THE_BUS = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

const noBusctl = await isThere("busctl") ? undefined : "busctl (of the package systemd)";
const noDaemon = await isThere("dbus-daemon")
  ? noBusctl
  : "dbus-daemon (of the package dbus-daemon)";

testWhere(
  noBusctl,
  "busctl sends the same bytes, and reads what is sent",
  () =>
    leavesNothing("hull-ctl", () =>
      inFolder(async (folder) => {
        const path = `${folder}/bus`;
        using listener = Deno.listen({ transport: "unix", path });
        for (let seed = 0; seed < CALLS; seed++) await checkCall(listener, path, seed);
      })),
);

/** busctl calls with values by chance; it gets them back, and prints what it was given. */
async function checkCall(listener: Deno.UnixListener, path: string, seed: number): Promise<void> {
  const random = new Random(seed);
  const signature = randomSignature(random);
  const types = parseSignature(signature);
  const values = types.map((type) => plain(type, randomValue(random, type)));
  const words = types.flatMap((type, k) => wordsOf(type, values[k]));
  const told = signature === "" ? [] : [signature, ...words];
  const calling = busctl(path, "call", "a.b", "/a/b", "a.b.C", "Echo", ...told);
  using connection = await listener.accept();
  const bus = new FakeBus(connection);
  await bus.letIn();
  const hello = await bus.bytes();
  assert(hello !== undefined);
  assertSame(hello);
  await bus.answer(decodeMessage(hello), "s", [":1.7"]);
  const bytes = await bus.bytes();
  if (bytes === undefined) throw new Error(`seed ${seed}: ${(await calling).errors}`);
  assertSame(bytes);
  const call = decodeMessage(bytes);
  assertEquals(call.body, values, `seed ${seed}: ${signature}`);
  await bus.answer(call, signature, call.body);
  const { output, errors } = await calling;
  const shown = [signature, ...types.flatMap((type, k) => wordsOf(type, values[k], shownText))];
  assertEquals(output.trim(), shown.join(" ").trim(), `seed ${seed}: ${errors}`);
}

/** What was received is what would be sent in its place. */
function assertSame(bytes: Uint8Array): void {
  const message = decodeMessage(bytes);
  assertEquals(encodeMessage(message), new Uint8Array(bytes));
  const fields = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  const header = bytes.slice(0, 16 + fields);
  assertEquals(encode("yyyyuua(yv)", decode("yyyyuua(yv)", header)), header);
}

testWhere(
  noDaemon,
  "a real bus is asked, and its errors and signals are heard",
  () =>
    leavesNothing(
      "hull-ctl",
      () =>
        inFolder((folder) =>
          withDaemon(`${folder}/bus`, async (path) => {
            using bus = await Bus.connect(path);
            using other = await Bus.connect(path);
            const [names] = await bus.call({ ...THE_BUS, member: "ListNames" });
            assertEquals((names as string[]).filter((name) => name.startsWith(":")).length, 2);
            const owner = { ...THE_BUS, member: "GetNameOwner", signature: "s", body: ["a.none"] };
            const error = await assertRejects(() => bus.call(owner), ContainerError);
            assert(answeredWith(error, "org.freedesktop.DBus.Error.NameHasNoOwner"), error.message);
            const rule = "type='signal',interface='a.b.C',member='Gone'";
            await bus.addMatch(`${rule},sender='org.freedesktop.DBus'`);
            await other.addMatch(rule);
            const values = ["as", "1", "x", "-3"] as const;
            const sent = await busctl(
              path,
              "emit",
              "/a",
              "a.b.C",
              "Gone",
              "asx",
              ...values.slice(1),
            );
            assertEquals(sent.errors, "");
            const gone = {
              interface: "a.b.C",
              member: "Gone",
              fits: () => true,
            } as const;
            assertEquals(await other.signal(gone), [["x"], -3n]);
            await assertRejects(
              () => bus.signal({ ...gone, timeout: 50 }),
              ContainerError,
              "Gone",
            );
          })
        ),
    ),
);

testWhere(
  noDaemon,
  "a bus that ends while it is asked ends the call",
  () =>
    leavesNothing("hull-ctl", () =>
      inFolder(async (folder) => {
        const left = Promise.withResolvers<Bus>();
        await withDaemon(`${folder}/bus`, async (path) => left.resolve(await Bus.connect(path)));
        using bus = await left.promise;
        const signal = { interface: "a.b", member: "C", fits: () => true, timeout: 5000 };
        const error = await assertRejects(() => bus.signal(signal), ContainerError);
        assertStringIncludes(
          error.message,
          "closed the connection before it answered the signal C",
        );
      })),
);

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hull-ctl-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A bus of the test's own. */
async function withDaemon(path: string, test: (path: string) => Promise<void>): Promise<void> {
  const args = ["--session", "--nofork", "--nopidfile", `--address=unix:path=${path}`];
  await using daemon = new Deno.Command("dbus-daemon", {
    args: [...args, "--print-address"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = daemon.stdout.getReader();
  try {
    await reader.read(); // its address: it listens
    await test(path);
  } finally {
    daemon.kill("SIGKILL");
    await daemon.status;
    await reader.cancel();
  }
}

async function busctl(
  path: string,
  ...args: readonly string[]
): Promise<{ readonly output: string; readonly errors: string }> {
  const address = [`--address=unix:path=${path}`, "--timeout=10"];
  const command = new Deno.Command("busctl", { args: [...address, "--", ...args], stdin: "null" });
  const { stdout, stderr } = await command.output();
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { output: output ?? "", errors: errors ?? "" };
}

/** Values as busctl is given them; texts are shown by `text`. */
function wordsOf(
  type: Type,
  value: unknown,
  text: (value: string) => string = (value) => value,
): string[] {
  const { code, inside } = type;
  if ("sog".includes(code)) return [text(String(value))];
  if (code === "v") {
    const { signature, value: inner } = value as Variant;
    return [signature, ...wordsOf(parseSingle(signature), inner, text)];
  }
  if (code === "(" || code === "{") {
    return inside.flatMap((field, k) => wordsOf(field, (value as unknown[])[k], text));
  }
  if (code !== "a") return [String(value)];
  const elements = [...value as Iterable<unknown>];
  return [
    String(elements.length),
    ...elements.flatMap((one) => wordsOf(inside[0] as Type, one, text)),
  ];
}

function shownText(value: string): string {
  return `"${value}"`;
}

/** The same with letters in its texts that busctl shows as they are. */
function plain(type: Type, value: unknown): unknown {
  const { code, inside } = type;
  if (code === "s") return String(value).replaceAll(/[^a7]/gu, "z");
  if (code === "v") {
    const { signature, value: inner } = value as Variant;
    return { signature, value: plain(parseSingle(signature), inner) };
  }
  if (code === "(") return inside.map((field, k) => plain(field, (value as unknown[])[k]));
  if (code !== "a" || value instanceof Uint8Array) return value;
  const [element] = inside as [Type];
  if (!(value instanceof Map)) return (value as unknown[]).map((one) => plain(element, one));
  const [keyType, valueType] = element.inside as [Type, Type];
  return new Map([...value].map(([key, one]) => [plain(keyType, key), plain(valueType, one)]));
}

async function isThere(command: string): Promise<boolean> {
  try {
    const args = ["--version"];
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
