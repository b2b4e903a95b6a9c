/**
 * Checks of `linux.netDevices` (config-linux.md, Network Devices) and of interface names.
 *
 * @module
 */

import type { Field } from "../fields/field.ts";

/** IFNAMSIZ without its NUL (netdevice(7)). */
const MAX_NAME_BYTES = 15;

/**
 * Every device to move in, and where to. The spec's own sample has no network namespace, so a
 * container without one is not refused here but when it is made.
 */
export function checkNetDevices(netDevices: Field): void {
  const inside = new Set<string>();
  for (const [hostName, device] of netDevices.entries()) {
    checkInterfaceName(device, hostName);
    if (!device.isObject()) continue;
    const name = device.get("name").string() || hostName;
    if (name !== hostName) checkInterfaceName(device.get("name"), name);
    // the kernel numbers the devices of a template such as eth%d
    if (inside.has(name) && !name.includes("%d")) {
      device.get("name").fault(`is the name of two devices: ${JSON.stringify(name)}`);
    }
    inside.add(name);
  }
}

/** The kernel's rule for interface names (dev_valid_name). */
export function checkInterfaceName(field: Field, name: string | undefined): void {
  if (name === undefined) return;
  const bytes = new TextEncoder().encode(name).length;
  if (
    name === "" || name === "." || name === ".." || bytes > MAX_NAME_BYTES || /[/:\s]/.test(name)
  ) {
    field.fault(
      `is not an interface name (1 to ${MAX_NAME_BYTES} bytes without "/", ":" and spaces): ${
        JSON.stringify(name)
      }`,
    );
  }
}
