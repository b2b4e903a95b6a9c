/**
 * The clients for which a shim was started: a file for each.
 *
 * @module
 */

import type { Client, Places } from "./places.ts";

/** Notes one. */
export function keepClient(places: Places, name: string, client: Client): void {
  const path = `${places.clients}/${name}`;
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(client), { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
}

/** All of them. */
export function readClients(places: Places): Client[] {
  const names = [...Deno.readDirSync(places.clients)].map(({ name }) => name);
  return names.filter((name) => !name.includes(".")).map((name) =>
    JSON.parse(Deno.readTextFileSync(`${places.clients}/${name}`)) as Client
  );
}
