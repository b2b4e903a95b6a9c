/**
 * Two containers on a network of their own: one serves a word, the other fetches it by the server's
 * address and by the port of the host that is published for it.
 *
 *     deno run -A examples/networks.ts
 *
 * It takes root, the nft command and busybox. Nothing of it is left at the end: the bridge, its rules
 * and the addresses go with the last container.
 *
 * @module
 */

import { type Container, Factory, type Factory as Makes, Process } from "../mod.ts";

const BRIDGE = "demo0";
const PORT = 8088;

const factory = new Factory({ root: Deno.args[0] ?? "/run/hull-networks-example" });
await using server = await serve(factory, "hello from the server");
const [{ address = "", gateway = "" } = {}] = server.networks();
const [serverAddress = ""] = address.split("/");
console.log(`the server has ${address}, the host ${gateway}`);

for (const [host, port] of [[serverAddress, 80], [gateway, PORT]] as const) {
  console.log(`${host}:${port} says: ${await fetchFrom(factory, host, port)}`);
}

/** Starts a container that answers every call of its port 80, published on the host's PORT. */
async function serve(makes: Makes, word: string): Promise<Container> {
  const container = await makes.create("networks-server", undefined, {
    network: { bridge: BRIDGE, publish: [`${PORT}:80`] },
  });
  await container.run(
    new Process({
      args: ["busybox", "nc", "-ll", "-p", "80", "-e", "echo", word],
      stdin: "null",
    }),
  );
  return container;
}

/** Calls an address from a container of its own; gives what is answered. */
async function fetchFrom(makes: Makes, host: string, port: number): Promise<string> {
  await using client = await makes.create("networks-client", undefined, {
    network: { bridge: BRIDGE },
  });
  // The server may not listen yet: it is asked some times.
  const call = `busybox nc -w 2 ${host} ${port} </dev/null`;
  const process = new Process({
    args: ["sh", "-c", `for try in 1 2 3 4 5 6 7 8; do ${call} && exit; sleep 0.5; done`],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
  await client.run(process);
  const answer = await new Response(process.stdout).text();
  await process.wait();
  return answer.trim();
}
