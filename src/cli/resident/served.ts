/**
 * Which commands a resident does. What needs more of the caller's own process than it has here is
 * left to that process.
 *
 * @module
 */

import type { Caller } from "../caller/caller.ts";
import type { Peer } from "./peer.ts";

/** Variables that mean the process itself, or what only it can reach. */
const OF_ENVIRONMENT = /^(_HULL|HULL_CACHE=|NOTIFY_SOCKET=|LISTEN_|DBUS_SYSTEM_)/;
/** Of a session, which the host's root has as well; hull asks it only for who is not that. */
const OF_SESSION = /^(DBUS_|XDG_RUNTIME_DIR=.)/;
/** Paths that mean another thing in each process. */
export const OF_PROCESS = /proc\/+(thread-)?self\b|dev\/+(fd|std(in|out|err)|tty)\b/;
/** A word that is such a path: what has a blank before it is a script for the container. */
const WORD_OF_PROCESS = new RegExp(String.raw`^(.*=/*|\S*)(${OF_PROCESS.source})`);
const FLAGS =
  /^--(trace|init|log-output|network|publish|networks-from-annotations|left-by-resident)\b/;

/** A client can keep twice as many for the launcher: see resumption.ts. */
const MOST_WORDS = 4096;

/**
 * Whether a resident does what a caller asks for.
 *
 * @param isHostRoot whether both are the root of the host, rather than of a user namespace
 */
export function isServed(
  { args, environment }: Pick<Peer, "args" | "environment">,
  { stdin, stdout }: Pick<Caller, "stdin" | "stdout">,
  isHostRoot = false,
): boolean {
  // Who sits at a terminal may want it for a program's.
  const isAttended = args.some((word) => word === "run" || word === "exec") &&
    (stdin.isTerminal() || stdout.isTerminal());
  if (isAttended || args.length > MOST_WORDS) return false;
  return !args.includes("resident") &&
    !args.some((word) => WORD_OF_PROCESS.test(word) || FLAGS.test(word)) &&
    !environment.some((entry) =>
      OF_ENVIRONMENT.test(entry) || (!isHostRoot && OF_SESSION.test(entry))
    );
}
