/**
 * What the built-in default takes from the host's /etc and its time zones, if that is wished.
 *
 * @module
 */

import type { Report } from "../config/fields/field.ts";
import type { BuiltinFile } from "./builtin_files.ts";
import { isHostFolder } from "./check_wishes.ts";

const ZONES = "/usr/share/zoneinfo";
/** Names of zones lead nowhere else. */
const ZONE_NAME = /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/;
/** What a compiled zone begins with: tzfile(5). */
const MAGIC = "TZif";
const MAX_ZONE_BYTES = 1 << 20;

const LOCAL = "local";
const CERTIFICATES = "/etc/ssl/certs";

/** /etc/localtime with the zone's rules, so that they are there whatever is shown of the host. */
export function timezoneFiles(zone: string | undefined, report: Report): BuiltinFile[] {
  if (zone === undefined) return [];
  const file = { kind: "file", mode: 0o644 } as const;
  const content = zone === LOCAL
    ? readZone("/etc/localtime")
    : ZONE_NAME.test(zone)
    ? readZone(`${ZONES}/${zone}`)
    : undefined;
  if (content === undefined) {
    report.fault(
      "/timezone",
      zone === LOCAL
        ? "can't be the host's: /etc/localtime is not there or holds no time zone"
        : `is no time zone that the host has in ${ZONES}: ${zone}`,
    );
    return [];
  }
  const named: BuiltinFile[] = zone === LOCAL
    ? []
    : [{ ...file, path: "/etc/timezone", content: `${zone}\n` }];
  return [{ ...file, path: "/etc/localtime", content }, ...named];
}

function readZone(path: string): Uint8Array | undefined {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile || size > MAX_ZONE_BYTES) return undefined;
    const bytes = Deno.readFileSync(path);
    return new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) === MAGIC ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of the certificates that the host trusts. */
export function certificateFolder(report: Report): string | undefined {
  if (isHostFolder(CERTIFICATES)) return CERTIFICATES;
  report.fault(
    "/caCertificates",
    `the host has none in ${CERTIFICATES}: install its package ca-certificates`,
  );
  return undefined;
}
