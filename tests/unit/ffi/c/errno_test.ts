import { assert, assertEquals, assertThrows } from "@std/assert";
import { errnoName, errnoNumber, errnoText, MAX_ERRNO } from "../../../../ffi/c/errno.ts";

Deno.test("each error number has a name and a text, and the name leads back to the number", () => {
  const numbers = Array.from({ length: MAX_ERRNO }, (_, index) => index + 1);
  const known = numbers.filter((number) => errnoName(number) !== `E${number}`);
  assertEquals(known.length, 131, "the kernel's go to 133 and leave out 41 and 58");
  for (const number of known) {
    assert(/^E[A-Z0-9]+$/.test(errnoName(number)), errnoName(number));
    assertEquals(errnoNumber(errnoName(number)), number);
    assert(/^[a-zR.].+$/.test(errnoText(number)), errnoText(number));
  }
});

Deno.test("a number without an error is named by itself", () => {
  for (const number of [0, 41, 58, 134, 4095]) {
    assertEquals(errnoName(number), `E${number}`);
    assertEquals(errnoText(number), `error ${number}`);
  }
});

Deno.test("a name without an error is refused, part of one and a text's word too", () => {
  for (const name of ["", "ENO", "RFS", "EWOULDBLOCK", "such", "2", "2 ENOENT"]) {
    assertThrows(() => errnoNumber(name), RangeError, `no errno is named ${name}`);
  }
});
