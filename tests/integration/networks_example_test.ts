/** The networking that README and examples/ show, in a network namespace of the test's own. */

import { assertEquals, assertMatch } from "@std/assert";
import { type BridgeHost, bridgeTest, isListening } from "../fixtures/bridge_host.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, HULL } from "../fixtures/cli.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { until } from "../fixtures/until.ts";

const [EXAMPLE, README] = ["examples/networks.ts", "README.md"]
  .map((path) => fromFileUrl(new URL(`../../${path}`, import.meta.url)));

bridgeTest("networks-", "the example's containers reach each other", async (host) => {
  const program = [...FROM_SOURCES, EXAMPLE ?? "", host.root];
  const { code, stdout, stderr } = await host.program(program);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout.split("\n"), [
    "the server has 10.88.0.2/16, the host 10.88.0.1",
    "10.88.0.2:80 says: hello from the server",
    "10.88.0.1:8088 says: hello from the server",
    "",
  ]);
});

/** The lines of README's block about networks. */
function readmeLines(): string[] {
  const text = Deno.readTextFileSync(README ?? "");
  const block = /^### Networks\n+```sh\n(.*?)```/ms.exec(text)?.[1] ?? "";
  return block.trimEnd().split("\n");
}

bridgeTest("hull-readme", "README's five lines about networks do what they say", async (host) => {
  const lines = readmeLines();
  assertEquals(lines.length, 5);
  using bin = scratchFolder();
  const script = `#!/bin/sh\nexec ${HULL.join(" ")} --root ${host.root} "$@"\n`;
  Deno.writeTextFileSync(`${bin.path}/hull`, script);
  Deno.chmodSync(`${bin.path}/hull`, 0o755);
  const said: string[] = [];
  for (const [k, line] of lines.entries()) {
    said.push(await shell(host, line, bin.path));
    if (k === 0) await until(() => isListening(host.namespaceOf("web"), 80), 20);
  }
  const [began, asked, published, alone, removed] = said;
  assertEquals([began, asked, published, removed], ["", "web\n", "web\n", ""]);
  assertMatch(alone ?? "", /^1: lo: <LOOPBACK>/);
});

/** Runs a line as a user would, with its output in a file: a container may keep it. */
async function shell(host: BridgeHost, line: string, folder: string): Promise<string> {
  const out = `${folder}/out`;
  const path = `${folder}:${Deno.env.get("PATH")}`;
  const { code, stderr } = await host.program(
    ["sh", "-c", `{ ${line.replace(/ +#.*/, "")}; } >${out} 2>&1`],
    { PATH: path },
  );
  const said = Deno.readTextFileSync(out);
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, `${line}: ${said}`);
  return said;
}
