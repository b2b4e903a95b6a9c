import { assertEquals } from "@std/assert";
import { timestamp } from "../../../../src/state/timestamp.ts";

const DAY_MS = 86_400_000;

Deno.test("each day of four centuries, and the last moment before it, is what Date says", () => {
  for (let day = Date.UTC(1900, 0, 1); day < Date.UTC(2300, 11, 31); day += DAY_MS) {
    for (const time of [day - 1, day]) assertEquals(timestamp(time), new Date(time).toISOString());
  }
});

Deno.test("any moment is what Date says", () => {
  for (let k = 0; k < 10_000; k++) {
    const time = Math.floor(Math.random() * Date.UTC(9999, 11, 31));
    assertEquals(timestamp(time), new Date(time).toISOString());
  }
});
