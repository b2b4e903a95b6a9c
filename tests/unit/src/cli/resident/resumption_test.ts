import { assertEquals } from "@std/assert";
import { clientAddresses, WORDS_SIZE } from "../../../../../src/cli/resident/client_program.ts";
import { resumingWords } from "../../../../../src/cli/resident/resumption.ts";

Deno.test("the launcher's words are the client's own with the flag behind the first", () => {
  const addresses = clientAddresses("a build");
  const bytes = resumingWords(
    addresses,
    { address: 1000n, sizes: [5, 4, 3] },
    { stage: "runs", others: "12 345" },
  ) as Uint8Array;
  const view = new DataView(bytes.buffer);
  const words = Array.from({ length: 6 }, (_, k) => view.getBigUint64(8 * k, true));
  const flag = addresses.words + 40n; // behind four addresses and the zero
  assertEquals(words, [addresses.words, 1000n, flag, 1005n, 1009n, 0n]);
  assertEquals(new TextDecoder().decode(bytes.subarray(48)), "--left-by-resident=runs 12 345\0");
});

Deno.test("more words than a client can keep are left as they are", () => {
  const sizes = new Array<number>(WORDS_SIZE).fill(2);
  const left = { stage: "begun", others: "" } as const;
  assertEquals(
    resumingWords(clientAddresses("a build"), { address: 1000n, sizes }, left),
    undefined,
  );
});
