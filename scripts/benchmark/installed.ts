/** hull as its users have it: installed, with no sources beside it. @module */

import { run } from "../../tests/fixtures/bundle.ts";
import { fromFileUrl } from "../../tests/fixtures/paths.ts";

/** Installs it beside the bundle, in the same place each time. */
export function installHull(): string {
  const prefix = fromFileUrl(new URL("../../.hull/installed", import.meta.url));
  return run(fromFileUrl(new URL("../install", import.meta.url)), "--prefix", prefix).trimEnd();
}
