/**
 * A program that connects a container, and of which the container's state does not tell: whoever
 * started it was killed before that could be written.
 *
 * @module
 */

import { optionalText } from "../../ffi/files/optional_text.ts";
import { identify, type ProcessIdentity, startTimeIn } from "../state/process_identity.ts";

/** The file that pasta writes its pid to; pasta's own words name it. */
export const PASTA_FILE = "pasta.pid";

/** The file that slirp4netns, before it is that, copies its line of /proc/PID/stat to. */
export const SLIRP_FILE = "slirp.stat";

/**
 * Finds the processes.
 *
 * @param folder the container's state folder
 */
export function leftPrograms(kind: "pasta" | "slirp4netns", folder: string): ProcessIdentity[] {
  if (kind === "pasta") return pastaOf(`${folder}/${PASTA_FILE}`);
  const stat = optionalText(`${folder}/${SLIRP_FILE}`);
  const found = identify(parseInt(stat));
  return found !== undefined && found.startTime === startTimeIn(stat) ? [found] : [];
}

/** Its file is written late, so its words are looked for. */
function pastaOf(file: string): ProcessIdentity[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    const process = identify(Number(name)); // before it is known: another can't be taken for it
    const words = optionalText(`/proc/${name}/cmdline`).split("\0");
    const isPasta = /\/pasta(\.\w+)?$/.test(words[0] ?? "");
    const isIts = isPasta && words[words.indexOf("--pid") + 1] === file;
    return isIts && process !== undefined ? [process] : [];
  });
}
