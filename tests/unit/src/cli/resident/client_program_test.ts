import { assert, assertEquals } from "@std/assert";
import { scratchFolder } from "../../../../fixtures/bundle.ts";
import {
  clientAddresses,
  clientImage,
  FRAME_AT,
} from "../../../../../src/cli/resident/client_program.ts";

Deno.test("a client that nobody serves becomes the launcher, with its words and environment", async () => {
  using scratch = scratchFolder();
  const [file, launcher] = [`${scratch.path}/client`, `${scratch.path}/launcher`];
  Deno.writeTextFileSync(launcher, '#!/bin/sh\nprintf "%s|" "$@"; echo "$WORD"; exit 5\n', {
    mode: 0o755,
  });
  const places = { socket: `${scratch.path}/none`, launcher, build: "1" };
  const { bytes } = clientImage(places);
  assert(bytes.length < 4096, `${bytes.length} bytes`);
  Deno.writeFileSync(file, bytes, { mode: 0o755 });
  const { code, stdout } = await new Deno.Command(file, {
    args: ["state", "two words", ""],
    env: { WORD: "of the environment" },
  }).output();
  const said = new TextDecoder().decode(stdout);
  assertEquals([code, said], [5, "state|two words||of the environment\n"]);
});

Deno.test("its own operations lie before the programs that it gets, for both CPUs", () => {
  for (const index of clientAddresses().labels.values()) assert(index < 0 && index >= -FRAME_AT);
  const places = { socket: "/s", launcher: "/l", build: "1" };
  for (const arch of ["x86_64", "aarch64"] as const) {
    assert(clientImage(places, arch).bytes.length > 1000);
  }
});
