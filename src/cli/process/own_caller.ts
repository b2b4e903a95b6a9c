/** The caller of this program, which is the command. @module */

import { identify, type ProcessIdentity } from "../../state/process_identity.ts";
import type { Caller } from "../caller/caller.ts";
import { readGivenText } from "../caller/given_text.ts";

/** This program's own caller. */
export const OWN_CALLER: Caller = {
  isOther: false,
  get stdin() {
    return Deno.stdin;
  },
  get stdout() {
    return Deno.stdout;
  },
  get stderr() {
    return Deno.stderr;
  },
  get identity() {
    return identify(Deno.pid) as ProcessIdentity;
  },
  bearer: undefined,
  stdio: {},
  reapOrphans: async () => new (await import("../foreground/orphan_reaper.ts")).OrphanReaper(),
  variable: (name) => Deno.env.get(name),
  preserved: (count) => ({ preserveFds: count }),
  tellStage: () => Promise.resolve(),
  takeSignals: (names, take) => {
    for (const name of names) Deno.addSignalListener(name, () => take(name));
    return Promise.resolve();
  },
  path: (path) => path,
  readText: readGivenText,
  output: (path) => path,
};
