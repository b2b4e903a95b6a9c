/**
 * The signal by which a container is asked to end.
 *
 * @module
 */

import { signalName, signalNumber } from "../../../ffi/processes/signals.ts";

const USUAL = "SIGTERM";

/**
 * The name of the signal that a container's annotations name. hull writes the image's there, Podman
 * and CRI-O do so, too, by its number; what is no signal is the image's mistake, and counts as none.
 */
export function stopSignalOf(annotations: Readonly<Record<string, string>> | undefined): string {
  const named = annotations?.["org.opencontainers.image.stopSignal"] ?? USUAL;
  const number = signalNumber(named.trim());
  return number === undefined || number === 0 ? USUAL : signalName(number);
}
