import { assertEquals, assertThrows } from "@std/assert";
import {
  contains,
  formatCidr,
  formatIp,
  formatMac,
  networkOf,
  parseCidr,
  parseIp,
  parseMac,
} from "../../../../src/config/ip_address.ts";
import { forSeeds, type Random } from "../../../fixtures/random.ts";

/** What the platform's own parser of addresses makes of IPv6 text; undefined if it refuses it. */
function byUrl(text: string): string | undefined {
  return URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
}

/** Writes eight groups in one of the ways that are allowed. */
function writeIpv6(bytes: Uint8Array, random: Random): string {
  const groups = Array.from({ length: 8 }, (_, k) => {
    const digits = ((bytes[2 * k] ?? 0) * 256 + (bytes[2 * k + 1] ?? 0)).toString(16);
    const padded = random.below(2) === 0 ? digits : digits.padStart(4, "0");
    return random.below(2) === 0 ? padded : padded.toUpperCase();
  });
  const tail = random.below(3) === 0 ? [bytes.subarray(12).join(".")] : groups.slice(6);
  const all = [...groups.slice(0, 6), ...tail];
  const zeros = all.findIndex((group) => /^0+$/.test(group));
  if (zeros < 0 || random.below(3) === 0) return all.join(":");
  let end = zeros;
  while (/^0+$/.test(all[end] ?? "") && (end === zeros || random.below(4) > 0)) end++;
  return `${all.slice(0, zeros).join(":")}::${all.slice(end).join(":")}`;
}

function sparseBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return random.bytes(length).map((byte) => random.below(3) === 0 ? byte : 0);
}

Deno.test("addresses come back from their text as they were", () => {
  forSeeds(2000, (random) => {
    const bytes = sparseBytes(random, random.of(4, 16));
    const family = bytes.length === 4 ? 4 : 6;
    assertEquals(parseIp(formatIp(bytes)), { family, bytes });
    const prefixLength = random.below(bytes.length * 8 + 1);
    assertEquals(parseCidr(formatCidr({ family, bytes, prefixLength })), {
      family,
      bytes,
      prefixLength,
    });
    const mac = random.bytes(6);
    assertEquals(parseMac(formatMac(mac)), mac);
    assertEquals(parseMac(formatMac(mac).toUpperCase()), mac);
  });
});

Deno.test("IPv6 is read however it is written, and written as the standard has it", () => {
  forSeeds(2000, (random) => {
    const bytes = sparseBytes(random, 16);
    const text = writeIpv6(bytes, random);
    assertEquals(parseIp(text)?.bytes, bytes, text);
    const isMapped = formatIp(bytes).includes(".");
    if (!isMapped) assertEquals(formatIp(bytes), byUrl(text), text);
  });
});

Deno.test("text of chance is read as the platform reads it", () => {
  let read = 0;
  forSeeds(20_000, (random) => {
    const length = 1 + random.below(12);
    const text = Array.from(
      { length },
      () => random.of("1", "0", "f", ":", ":", ":", "::", ":2", "1.2.3.4", "."),
    ).join("");
    const address = parseIp(text.includes(":") ? text : `${text}:`);
    const expected = byUrl(text.includes(":") ? text : `${text}:`);
    assertEquals(address !== undefined, expected !== undefined, text);
    if (address === undefined) return;
    read++;
    assertEquals(byUrl(formatIp(address.bytes)), expected, text);
  });
  assertEquals(read > 500, true, `${read}`);
});

Deno.test("what is no address is refused", () => {
  const odd = [
    ...["", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "01.2.3.4", "1.2.3.4 "],
    ...[" 1.2.3.4", "1.2.3.4\n", "0x1.2.3.4", "1.2.3.-4", "+1.2.3.4", "1.2.3.4.", ".1.2.3.4"],
    ...["1..2.3", "1,2,3,4", "١.2.3.4", "1.2.3.4\0", "1e0.2.3.4", "16909060", "localhost"],
    ...[":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::"],
    ...["1::2:3:4:5:6:7:8", "::1:2:3:4:5:6:7:8", "fe80::1%eth0", "fe80::1%1", "[::1]", "::g"],
    ...["::1.2.3", "::1.2.3.04", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::0x1"],
    ...["::ffff:1.2.3.256", "::1 ", " ::1", "::1\n", "::1/64", "1.2.3.4/8", "-1::", "::-"],
  ];
  for (const text of odd) assertEquals(parseIp(text), undefined, JSON.stringify(text));
  const prefixes = [
    "",
    "33",
    "024",
    "-1",
    "+8",
    "8 ",
    " 8",
    "8\n",
    "0x8",
    "1e1",
    "8.0",
    "255.0.0.0",
  ];
  for (const length of prefixes) assertEquals(parseCidr(`1.2.3.4/${length}`), undefined, length);
  for (const text of ["", "/", "/8", "1.2.3.4", "1.2.3.4/8/8", "::/129", "::%1/64", "1.2.3/8"]) {
    assertEquals(parseCidr(text), undefined, text);
  }
  const macs = [
    ...["", "02:00:00:00:00", "02:00:00:00:00:01:02", "2:0:0:0:0:1", "02-00-00-00-00-01"],
    ...["0200.0000.0001", "020000000001", "0g:00:00:00:00:01", " 02:00:00:00:00:01"],
    ...["02:00:00:00:00:01\n", "02:00:00:00:00:0", "02:00:00:00:00:001", "02::00:00:00:01"],
  ];
  for (const text of macs) assertEquals(parseMac(text), undefined, JSON.stringify(text));
});

Deno.test("the ends of the ranges, and forms that look odd, are addresses", () => {
  for (const text of ["0.0.0.0", "255.255.255.255", "::", "::1", "1::", "1:2:3:4:5:6:7:8"]) {
    const address = parseIp(text);
    assertEquals(address && formatIp(address.bytes), text);
  }
  const forms: readonly (readonly [string, string])[] = [
    ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["::FFFF:0102:0304", "::ffff:1.2.3.4"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["::1.2.3.4", "::102:304"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["0001:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ];
  for (const [text, short] of forms) {
    const address = parseIp(text);
    assertEquals([address?.family, address && formatIp(address.bytes)], [6, short]);
  }
  assertEquals(parseCidr("0.0.0.0/0")?.prefixLength, 0);
  assertEquals(parseCidr("1.2.3.4/32")?.prefixLength, 32);
  assertEquals(parseCidr("::/128")?.prefixLength, 128);
  assertThrows(() => formatIp(new Uint8Array(5)), RangeError);
  assertEquals(formatMac(new Uint8Array()), "");
});

Deno.test("a network holds what begins as it does", () => {
  forSeeds(2000, (random) => {
    const family = random.of(4 as const, 6 as const);
    const bytes = random.bytes(family === 4 ? 4 : 16);
    const bits = bytes.length * 8;
    const cidr = { family, bytes, prefixLength: random.below(bits + 1) };
    const at = random.below(bits);
    const other = bytes.map((byte, k) => k === at >> 3 ? byte ^ (0x80 >> (at & 7)) : byte);
    assertEquals(contains(cidr, { family, bytes: other }), at >= cidr.prefixLength);
    assertEquals(contains(cidr, { family, bytes }), true);
    const network = networkOf(cidr);
    assertEquals([contains(network, cidr), contains(cidr, network)], [true, true]);
    const host = network.bytes.findIndex((byte, k) => {
      const own = Math.min(8, Math.max(0, cidr.prefixLength - 8 * k));
      return (byte & (2 ** (8 - own) - 1)) !== 0;
    });
    assertEquals(host, -1, "a bit behind the prefix");
  });
  const mapped = parseIp("::ffff:1.2.3.4");
  const every = parseCidr("0.0.0.0/0");
  assertEquals(mapped && every && contains(every, mapped), false, "of the other version");
});
