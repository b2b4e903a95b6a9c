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

Deno.test("it finds the launcher that was installed with it, wherever both are", async () => {
  using scratch = scratchFolder();
  const others = `${scratch.path}/others`;
  Deno.writeTextFileSync(others, "#!/bin/sh\necho others\n", { mode: 0o755 });
  const places = { socket: `${scratch.path}/none`, launcher: others, build: "1" };
  const { bytes } = clientImage(places);
  const prefix = `${scratch.path}/a prefix`;
  const own = `${prefix}/lib/hull/scripts/launcher`;
  for (const folder of ["bin", "sbin", "lib/hull/scripts"]) {
    Deno.mkdirSync(`${prefix}/${folder}`, { recursive: true });
  }
  const said = async (file: string) => {
    const { stdout } = await new Deno.Command(file, { args: ["two words"] }).output();
    return new TextDecoder().decode(stdout);
  };
  const file = `${prefix}/bin/hull`;
  Deno.writeFileSync(file, bytes, { mode: 0o755 });
  assertEquals(await said(file), "others\n"); // it has no such neighbour
  Deno.writeTextFileSync(own, '#!/bin/sh\necho "own: $1"\n', { mode: 0o755 });
  assertEquals(await said(file), "own: two words\n");
  const moved = `${scratch.path}/${"deep/".repeat(40)}moved`;
  Deno.mkdirSync(moved.slice(0, -"/moved".length), { recursive: true });
  Deno.renameSync(prefix, moved);
  Deno.symlinkSync(`${moved}/bin/hull`, `${scratch.path}/link`);
  assertEquals(await said(`${moved}/bin/hull`), "own: two words\n");
  assertEquals(await said(`${scratch.path}/link`), "own: two words\n");
  for (const name of ["sbin/hull", "bin/runc", "bin/hul"]) {
    Deno.copyFileSync(`${moved}/bin/hull`, `${moved}/${name}`);
    assertEquals(await said(`${moved}/${name}`), "others\n", name);
  }
});

Deno.test("its own operations lie before the programs that it gets, for both CPUs", () => {
  for (const index of clientAddresses("a build").labels.values()) {
    assert(index < 0 && index >= -FRAME_AT);
  }
  const places = { socket: "/s", launcher: "/l", build: "1" };
  for (const arch of ["x86_64", "aarch64"] as const) {
    assert(clientImage(places, arch).bytes.length > 1000);
  }
});
