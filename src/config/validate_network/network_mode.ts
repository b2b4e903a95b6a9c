/**
 * Checks how a container is to be connected, by itself and against its config: the config decides
 * which namespaces there are.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { type Destination, parseDestination } from "../destination.ts";
import { type Cidr, formatCidr, networkOf, parseCidr } from "../ip_address.ts";
import { type CheckedPort, checkPublishedPort, parsePublishedPort } from "../published_port.ts";
import type { Config } from "../types/config.ts";
import { NETWORKS_ANNOTATION } from "../types/network.ts";
import { type BridgeNetwork, DEFAULT_BRIDGE, type NetworkMode } from "../types/network_mode.ts";
import { Field, isRecord, Report } from "../fields/field.ts";
import type { GivenNetworks } from "./networks.ts";
import { cleanCopy } from "../fields/strings.ts";

/** A network behind a bridge, with its defaults filled in. */
export interface CheckedBridge {
  readonly kind: "bridge";
  readonly name: string;
  /** The network's addresses; chosen later without it. */
  readonly subnet: Cidr | undefined;
  readonly ports: readonly CheckedPort[];
  /** Where its containers may send; anywhere without it. */
  readonly allow?: readonly Destination[] | undefined;
}

/** A connection through a program of the user. */
export interface CheckedUserNetwork {
  readonly kind: "pasta" | "slirp4netns";
  readonly ports: readonly CheckedPort[];
}

/** How a container is connected. */
export type CheckedMode =
  | CheckedBridge
  | CheckedUserNetwork
  | { readonly kind: "loopback" | "none" | "host" };

const PROGRAMS = ["pasta", "slirp4netns"] as const;
const WORDS = ["loopback", "none", "host", "bridge", ...PROGRAMS] as const;
/** Names that nft, the shell and sysctls take without quoting. */
const BRIDGE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
/** Folders beside the interfaces' in /proc/sys/net/ipv4/conf. */
const RESERVED = new Set(["all", "default"]);
const PREFIX = { least: 8, most: 30 } as const;

/**
 * Checks a mode by itself.
 *
 * @throws {ContainerError} `ConfigInvalid` with all faults, pointers begin at `/network`
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { checkNetworkMode } from "./network_mode.ts";
 *
 * assertEquals(checkNetworkMode("none"), { kind: "none" });
 * assertThrows(() => checkNetworkMode({ subnet: "10.1.2.3/16" }), Error, "/network/subnet");
 * ```
 */
export function checkNetworkMode(mode: NetworkMode): CheckedMode {
  const report = new Report();
  const field = new Field(report, "/network", cleanCopy(mode, report, "/network"));
  const checked = readMode(field);
  if (report.faults.length === 0 && checked !== undefined) return checked;
  throw new ContainerError("ConfigInvalid", "the network can't be used", { faults: report.faults });
}

function readMode(field: Field): CheckedMode | undefined {
  const { value } = field;
  if (typeof value === "string") {
    const kind = WORDS.find((word) => word === value);
    if (kind === "bridge") return readBridge(field, {});
    if (kind === "pasta" || kind === "slirp4netns") return { kind, ports: [] };
    if (kind !== undefined) return { kind };
    field.fault(`must be one of ${WORDS.join(", ")}, not ${JSON.stringify(value)}`);
  } else if (isRecord(value)) {
    return value.through === undefined ? readBridge(field, value) : readProgram(field);
  } else field.mismatch("a word or an object");
  return undefined;
}

function readBridge(
  field: Field,
  { bridge: name = DEFAULT_BRIDGE }: { readonly [Key in keyof BridgeNetwork]?: unknown },
): CheckedBridge | undefined {
  if (typeof name !== "string" || !BRIDGE_NAME.test(name) || RESERVED.has(name)) {
    field.get("bridge").fault(
      `is no name for a bridge (1 to 15 letters, digits and _ . -, a letter or digit first): ${
        JSON.stringify(name)
      }`,
    );
  }
  const subnet = isRecord(field.value) ? readSubnet(field.get("subnet")) : undefined;
  const ports = isRecord(field.value) ? readPorts(field.get("publish")) : [];
  const allow = isRecord(field.value) ? readAllow(field.get("allow")) : undefined;
  return { kind: "bridge", name: String(name), subnet, ports, ...(allow && { allow }) };
}

function readProgram(field: Field): CheckedUserNetwork | undefined {
  const kind = field.get("through").oneOf(PROGRAMS);
  const publish = field.get("publish");
  const ports = readPorts(publish);
  if (kind === "slirp4netns" && ports.length > 0) {
    publish.fault("can't be done by slirp4netns; use pasta");
  }
  return kind === undefined ? undefined : { kind, ports };
}

function readSubnet(field: Field): Cidr | undefined {
  if (field.value === undefined) return undefined;
  const text = field.string();
  if (text === undefined) return undefined;
  const subnet = parseCidr(text);
  const [first = 0] = subnet?.bytes ?? [];
  if (subnet?.family !== 4) field.fault(`must be an IPv4 network such as 10.90.0.0/16: ${text}`);
  else if (formatCidr(networkOf(subnet)) !== text) {
    field.fault(`must be a network, such as ${formatCidr(networkOf(subnet))}: ${text}`);
  } else if (subnet.prefixLength < PREFIX.least || subnet.prefixLength > PREFIX.most) {
    field.fault(`must be of /${PREFIX.least} to /${PREFIX.most}: ${text}`);
  } else if (first === 0 || first === 127 || first >= 224) {
    field.fault(`is not of addresses that hosts have: ${text}`);
  }
  return subnet;
}

function readAllow(field: Field): Destination[] | undefined {
  if (field.value === undefined) return undefined;
  if (!Array.isArray(field.value)) {
    field.mismatch("an array");
    return undefined;
  }
  return field.items().flatMap((item) => {
    const text = item.string();
    const destination = text === undefined ? [] : parseDestination(text);
    if (typeof destination !== "string") return destination;
    item.fault(`${destination}: ${text}`);
    return [];
  });
}

function readPorts(field: Field): CheckedPort[] {
  if (field.value === undefined) return [];
  if (!Array.isArray(field.value)) {
    field.mismatch("an array");
    return [];
  }
  return field.items().flatMap((item) => {
    const port = typeof item.value === "string"
      ? parsePublishedPort(item.value)
      : isRecord(item.value)
      ? checkPublishedPort(item.value)
      : "must be a string or an object";
    if (typeof port !== "string") return [port];
    item.fault(port);
    return [];
  });
}

/**
 * Refuses a mode that contradicts the config: the author of the config chooses its namespaces.
 *
 * @param given the networks that were asked for beside the mode
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireFittingMode(
  mode: CheckedMode,
  { linux, annotations = {} }: Config,
  given: GivenNetworks,
): void {
  const { kind } = mode;
  const list = linux?.namespaces ?? [];
  const at = list.findIndex(({ type }) => type === "network");
  const path = list[at]?.path ?? "";
  if (kind === "host") {
    if (at >= 0) {
      throw contradiction(kind, `/linux/namespaces/${at}`, "is a network namespace", "take it out");
    }
  } else if (at < 0) {
    throw contradiction(
      kind,
      "/linux/namespaces",
      "has no network namespace",
      'add {"type":"network"}',
    );
  } else if (path !== "") {
    const hint = "leave the path out for a namespace of its own";
    throw contradiction(kind, `/linux/namespaces/${at}/path`, `joins ${path}`, hint);
  }
  if (kind === "loopback") return;
  const other = given.networks !== undefined
    ? "/networks"
    : given.networksFromAnnotations === true && NETWORKS_ANNOTATION in annotations
    ? `/annotations/${NETWORKS_ANNOTATION}`
    : undefined;
  if (other === undefined) return;
  throw contradiction(kind, other, "asks for other interfaces", "keep one of the two");
}

function contradiction(
  kind: string,
  pointer: string,
  message: string,
  hint: string,
): ContainerError {
  return new ContainerError("ConfigInvalid", `the network ${kind} contradicts the config`, {
    faults: [{ pointer, message }],
    hint,
  });
}
