import { assertEquals } from "@std/assert";
import { libc, sure } from "../../../../ffi/c/libc.ts";

const EBADF = 9;
const EIO = 5;
/** A number that no process has. */
const BEYOND = 2 ** 22;

/** Leaves an errno behind, as a call of the engine's does. */
const badFd = () => void libc.close(-1);
const noProcess = () => void libc.pidfd_open(BEYOND, 0);

Deno.test("a call that fails gives the errno below zero", () => {
  assertEquals(libc.close(-1), -EBADF);
});

Deno.test("an errno that another call left is not taken for that of the call", () => {
  const left = [noProcess, badFd, badFd];
  let count = 0;
  const result = sure(() => {
    left[count++]?.();
    return -1;
  });
  assertEquals([result, count], [-EBADF, 3]);
});

Deno.test("a call that succeeds when it is made again has succeeded", () => {
  const results = [-1, 7];
  assertEquals(sure(() => results.shift() ?? 0), 7);
});

Deno.test("a call that fails otherwise each time comes to an end", () => {
  let count = 0;
  const result = sure(() => {
    [noProcess, badFd][count++ % 2]?.();
    return -1;
  });
  assertEquals(result, -EBADF);
});

Deno.test("a call that fails has failed, even if its errno was set to 0 meanwhile", () => {
  const { symbols } = Deno.dlopen("libc.so.6", {
    __errno_location: { parameters: [], result: "pointer" },
  });
  const place = symbols.__errno_location() as Deno.PointerObject;
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(place, 4));
  const clear = () => {
    errno[0] = 0;
    return -1;
  };
  assertEquals(sure(clear), -EIO);
  let count = 0;
  const result = sure(() => {
    if (count++ === 0) return clear();
    badFd();
    return -1;
  });
  assertEquals([result, count], [-EBADF, 3]);
});
