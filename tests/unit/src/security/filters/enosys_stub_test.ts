import { assertEquals } from "@std/assert";
import { SCMP_ARCH_X32 } from "../../../../../ffi/seccomp/seccomp.ts";
import { enosysStub, type LargestCall } from "../../../../../src/security/filters/enosys_stub.ts";
import { AARCH64, answerOf, ARM, I386, X86_64 } from "../../../../fixtures/filter_machine.ts";

const X32 = 0x40000000;
const ENOSYS = 0x00050026;
/** What stands for the filter behind the stub. */
const FILTER = 7;

/** Which calls reach the filter. */
function reaches(largest: readonly LargestCall[], calls: readonly [number, number][]): boolean[] {
  const stub = enosysStub(largest);
  const program = new Uint8Array(stub.length + 8);
  program.set(stub);
  program.set(Uint8Array.of(6, 0, 0, 0, FILTER, 0, 0, 0), stub.length);
  return calls.map(([architecture, number]) => {
    const answer = answerOf(program, { architecture, number });
    if (answer !== FILTER) assertEquals(answer, ENOSYS);
    return answer === FILTER;
  });
}

Deno.test("nothing is put in front where there is no largest call", () => {
  assertEquals(enosysStub([]).length, 0);
});

Deno.test("calls above the largest one answer ENOSYS, on their architecture alone", () => {
  const largest = [{ architecture: AARCH64, number: 300 }, { architecture: ARM, number: 400 }];
  assertEquals(
    reaches(largest, [
      [AARCH64, 0],
      [AARCH64, 300],
      [AARCH64, 301],
      [AARCH64, 0xffffffff],
      [ARM, 301],
      [ARM, 400],
      [ARM, 401],
      [X86_64, 999],
    ]),
    [true, true, false, false, true, true, false, true],
  );
});

Deno.test("x86_64 and x32 have each their largest call, and either may have none", () => {
  const [plain, x32] = [
    { architecture: X86_64, number: 300 },
    { architecture: SCMP_ARCH_X32, number: X32 + 500 },
  ];
  const calls: [number, number][] = [
    [X86_64, 300],
    [X86_64, 301],
    [X86_64, X32 + 500],
    [X86_64, X32 + 501],
    [I386, 301],
  ];
  assertEquals(reaches([plain], calls), [true, false, true, true, true]);
  assertEquals(reaches([x32], calls), [true, true, true, false, true]);
  assertEquals(reaches([plain, x32], calls), [true, false, true, false, true]);
  assertEquals(reaches([x32, { architecture: I386, number: 300 }, plain], calls), [
    true,
    false,
    true,
    false,
    false,
  ]);
});

Deno.test("the stub holds for more architectures than a filter can have", () => {
  const largest = Array.from({ length: 100 }, (_, k) => ({ architecture: k + 1, number: k + 1 }));
  for (const k of [1, 50, 100]) {
    assertEquals(reaches(largest, [[k, k], [k, k + 1]]), [true, false]);
  }
});
