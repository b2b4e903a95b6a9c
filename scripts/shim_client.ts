/**
 * Writes containerd's shim as an executable of a few KB:
 *
 *     deno run -A scripts/shim_client.ts <file> <launcher> [root]
 *
 * @module
 */

import { DEFAULT_ROOT } from "../src/own/default_root.ts";
import { CALLS, Places } from "../src/shim/host/places.ts";
import { shimClient } from "../src/shim/keeper/client_program.ts";

const [file, launcher, root = DEFAULT_ROOT] = Deno.args;
if (file === undefined || launcher === undefined) {
  console.error("usage: shim_client.ts <file> <launcher> [root]");
  Deno.exit(2);
}
const { bytes } = shimClient({ socket: `${new Places(root).sockets}/${CALLS}`, launcher });
const whole = `${file}.new-${Deno.pid}`;
Deno.writeFileSync(whole, bytes, { mode: 0o755 });
Deno.renameSync(whole, file);
