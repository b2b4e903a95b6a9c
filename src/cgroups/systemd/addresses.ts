/**
 * Where systemd is spoken to: its own socket, with nothing between, or else the message bus.
 *
 * Source: the D-Bus specification, "Server Addresses"; systemd's own socket is what systemctl uses.
 *
 * @module
 */

import type { StoredUnit } from "../manager.ts";

/** Whose systemd: the host's, or that of an ordinary user's session. */
export type Whose = StoredUnit["whose"];

/** A socket to connect to. */
export interface Address {
  /** Its path, or an abstract name with `@` before it. */
  readonly path: string;
  /** Whether a message bus is there, which must be greeted, rather than systemd itself. */
  readonly isBus: boolean;
}

/** The variables that say where the buses are. */
export type Environment = (name: string) => string | undefined;

const OWN_SOCKET = "/run/systemd/private";
const SYSTEM_BUS = "/run/dbus/system_bus_socket";

/**
 * The sockets to try, in order.
 *
 * @param uid whose session it is, for the user's systemd
 */
export function addressesOf(whose: Whose, environment: Environment, uid: number): Address[] {
  if (whose === "system") {
    const buses = pathsOf(environment("DBUS_SYSTEM_BUS_ADDRESS") ?? "");
    return withoutDoubles([
      { path: OWN_SOCKET, isBus: false },
      ...[...buses, SYSTEM_BUS].map((path) => ({ path, isBus: true })),
    ]);
  }
  const folder = environment("XDG_RUNTIME_DIR") || `/run/user/${uid}`;
  const buses = pathsOf(environment("DBUS_SESSION_BUS_ADDRESS") ?? "");
  return withoutDoubles([
    { path: `${folder}/systemd/private`, isBus: false },
    ...[...buses, `${folder}/bus`].map((path) => ({ path, isBus: true })),
  ]);
}

/** The unix sockets of a list of addresses such as `unix:path=/run/user/1000/bus`. */
export function pathsOf(addresses: string): string[] {
  return addresses.split(";").flatMap((address) => {
    const [, transport, rest] = /^([a-z-]+):(.*)$/.exec(address) ?? [];
    if (transport !== "unix") return [];
    const keys = new Map(
      (rest ?? "").split(",").map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at), unescape(pair.slice(at + 1))] as const;
      }),
    );
    const path = keys.get("path");
    const abstract = keys.get("abstract");
    return path !== undefined ? [path] : abstract !== undefined ? [`@${abstract}`] : [];
  });
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutDoubles(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ path }, k) => addresses.findIndex((a) => a.path === path) === k);
}
