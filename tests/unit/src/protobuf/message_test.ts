import { assertEquals, assertThrows } from "@std/assert";
import {
  decode,
  encode,
  type Given,
  type Kind,
  type MessageTable,
  table,
} from "../../../../src/protobuf/message.ts";
import { ProtobufError, WireWriter } from "../../../../src/protobuf/wire.ts";
import { forSeeds, Random } from "../../../fixtures/random.ts";
import { testWhere } from "../../../fixtures/test_where.ts";

const INNER = table({ name: [1, "string"], count: [7, "uint64"] });
const SAMPLE = table({
  text: [1, "string"],
  data: [2, "bytes"],
  flag: [3, "bool"],
  signed: [4, "int32"],
  small: [5, "uint32"],
  large: [6, "int64"],
  huge: [7, "uint64"],
  real: [8, "double"],
  inner: [9, INNER],
  inners: [16, [INNER]],
  texts: [17, "string[]"],
  numbers: [2047, "uint64[]"],
  reals: [2048, "double[]"],
  labels: [536_870_911, "map"],
});

Deno.test("what is written is read again", () => {
  forSeeds(300, (random) => {
    const values = randomValues(SAMPLE, random) as Given<typeof SAMPLE>;
    const read = decode(SAMPLE, encode(SAMPLE, values));
    assertEquals(decode(SAMPLE, encode(SAMPLE, read)), read);
    for (const [name, value] of Object.entries(values)) {
      if (name !== "inner" && name !== "inners" && value !== undefined) {
        assertEquals(read[name as keyof typeof read], value, name);
      }
    }
  });
});

Deno.test("bytes of anybody's give a message or a ProtobufError, and nothing else", () => {
  forSeeds(3000, (random) => {
    const bytes = random.below(2) === 0 ? random.bytes(random.below(200)) : damaged(random);
    try {
      decode(SAMPLE, bytes);
    } catch (error) {
      if (!(error instanceof ProtobufError)) throw error;
    }
  });
});

Deno.test("a field that is not known is passed over, whatever its way", () => {
  const wide = table({ a: [1, "uint32"], b: [2, "bytes"], c: [3, "double"], d: [4, "string"] });
  const narrow = table({ d: [4, "string"] });
  const bytes = encode(wide, { a: 300, b: Uint8Array.of(1, 2), c: 0.5, d: "kept" });
  const group = Uint8Array.fromHex("6b" + "5b5c" + "0a0101" + "6c" + "6501020304"); // 13 { 11 {} 1: } 12
  assertEquals(decode(narrow, concat(group, bytes)), { d: "kept" });
});

Deno.test("the last of several values counts, lists grow, and messages are laid over each other", () => {
  const first = encode(SAMPLE, { small: 1, texts: ["a"], inner: { name: "n" }, numbers: [1n] });
  const second = encode(SAMPLE, { small: 2, texts: ["b"], inner: { count: 3n }, numbers: [2n] });
  const { small, texts, inner, numbers } = decode(SAMPLE, concat(first, second));
  assertEquals({ small, texts, inner, numbers }, {
    small: 2,
    texts: ["a", "b"],
    inner: { name: "n", count: 3n },
    numbers: [1n, 2n],
  });
});

Deno.test("a list of numbers is read in one piece and one by one", () => {
  const list = table({ n: [1, "uint32[]"] });
  assertEquals(decode(list, Uint8Array.fromHex("0801" + "0a020203" + "0804")), { n: [1, 2, 3, 4] });
});

Deno.test("a known field that is written in another way is passed over", () => {
  assertEquals(decode(INNER, Uint8Array.fromHex("0805" + "3a0161" + "3805")), {
    name: "",
    count: 5n,
  });
});

Deno.test("numbers below 0 and above 2^53 are exact", () => {
  const values = { signed: -1, large: -(2n ** 63n), huge: 2n ** 64n - 1n, small: 2 ** 32 - 1 };
  const { signed, large, huge, small } = decode(SAMPLE, encode(SAMPLE, values));
  assertEquals({ signed, large, huge, small }, values);
});

Deno.test("a key of a map may have any name", () => {
  const labels = JSON.parse('{"__proto__": "a", "constructor": "b"}');
  const read = decode(SAMPLE, encode(SAMPLE, { labels }));
  assertEquals(Object.entries(read.labels), [["__proto__", "a"], ["constructor", "b"]]);
});

for (
  const [what, hex] of [
    ["a length beyond the end", "0a0561"],
    ["a length of 2^63", "0affffffffffffffff7f"],
    ["a number of eleven bytes", "18ffffffffffffffffffff01"],
    ["a number that does not end", "18ff"],
    ["the field 0", "0001"],
    ["a way that there is not", "0f"],
    ["a text that is not UTF-8", "0a01ff"],
    ["a group that does not end", "6b"],
    ["a group that ends as another", "6b74"],
    ["groups in groups in groups", "6b".repeat(100_000)],
  ]
) {
  Deno.test(`${what} is refused`, () => {
    assertThrows(() => decode(SAMPLE, Uint8Array.fromHex(hex as string)), ProtobufError);
  });
}

Deno.test("a message of more values than there can be sense in is refused", () => {
  const writer = new WireWriter();
  for (let k = 0; k < 70_000; k++) {
    writer.tag(16, 2);
    writer.bytes(new Uint8Array(0));
  }
  assertThrows(() => decode(SAMPLE, writer.written.slice()), ProtobufError, "too many");
});

testWhere(missingProtoc(), "protoc reads what is written, and what it writes is read", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  try {
    Deno.writeTextFileSync(`${folder}/t.proto`, protoOf(SAMPLE));
    for (let seed = 0; seed < 12; seed++) {
      const values = randomValues(SAMPLE, new Random(seed)) as Given<typeof SAMPLE>;
      const bytes = encode(SAMPLE, values);
      const text = await protoc(folder, "--decode=Sample", bytes);
      const again = await protoc(folder, "--encode=Sample", text);
      assertEquals(decode(SAMPLE, again), decode(SAMPLE, bytes), `seed ${seed}`);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

async function protoc(
  folder: string,
  flag: string,
  input: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command("protoc", {
    args: [`-I${folder}`, flag, "t.proto"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return stdout as Uint8Array<ArrayBuffer>;
}

function missingProtoc(): string | undefined {
  try {
    return new Deno.Command("protoc", { args: ["--version"] }).outputSync().success
      ? undefined
      : "protoc";
  } catch {
    return "protoc (Debian's protobuf-compiler)";
  }
}

function protoOf(sample: MessageTable): string {
  const fields = (message: MessageTable) =>
    Object.entries(message).map(([name, [number, kind]]) =>
      `${protoKind(kind)} ${name} = ${number};`
    );
  return `syntax = "proto3"; message Inner { ${fields(INNER).join(" ")} }
    message Sample { ${fields(sample).join(" ")} }`;
}

function protoKind(kind: Kind): string {
  if (kind === "map") return "map<string, string>";
  if (Array.isArray(kind)) return "repeated Inner";
  if (typeof kind === "object") return "Inner";
  return kind.endsWith("[]") ? `repeated ${kind.slice(0, -2)}` : kind as string;
}

function randomValues(message: MessageTable, random: Random): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, [, kind]] of Object.entries(message)) {
    values[name] = random.maybe(() => randomValue(kind, random));
  }
  return values;
}

function randomValue(kind: Kind, random: Random): unknown {
  const several = <Value>(make: () => Value) => Array.from({ length: random.below(5) }, make);
  if (kind === "map") {
    return Object.fromEntries(several(() => [randomText(random), randomText(random)]));
  }
  if (Array.isArray(kind)) return several(() => randomValues(kind[0], random));
  if (typeof kind === "object") return randomValues(kind as MessageTable, random);
  if (kind.endsWith("[]")) return several(() => randomScalar(kind.slice(0, -2), random));
  return randomScalar(kind as string, random);
}

function randomScalar(kind: string, random: Random): unknown {
  const bits = () => random.bytes(8).reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
  const shorter = BigInt(random.below(64));
  switch (kind) {
    case "string":
      return randomText(random);
    case "bytes":
      return random.bytes(random.below(300));
    case "bool":
      return random.below(2) === 1;
    case "int32":
      return Number(BigInt.asIntN(32, bits() >> shorter));
    case "uint32":
      return Number(BigInt.asUintN(32, bits() >> shorter));
    case "int64":
      return BigInt.asIntN(64, bits()) >> shorter;
    case "uint64":
      return bits() >> shorter;
    default:
      return random.of(0.5, -1, 1e300, Number(bits()), 3);
  }
}

function randomText(random: Random): string {
  return Array.from({ length: random.below(8) }, () => random.of("a", "é", "\u{1f600}", "\0", '"'))
    .join("");
}

/** A message that was right, with a few bytes changed, added or lost. */
function damaged(random: Random): Uint8Array<ArrayBuffer> {
  const bytes = encode(SAMPLE, randomValues(SAMPLE, random) as Given<typeof SAMPLE>);
  for (let k = random.below(4); k >= 0 && bytes.length > 0; k--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return bytes.slice(0, random.below(bytes.length + 1));
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
