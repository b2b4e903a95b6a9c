/**
 * `--network` and `--publish` of `create`, `run` and `plan`.
 *
 * @module
 */

import { DEFAULT_BRIDGE, type NetworkMode } from "../../config/types/network_mode.ts";
import { type Flag, type GivenFlags, list, text } from "./command.ts";
import { usageError } from "./options.ts";

/** The flags. */
export const NETWORK_FLAGS: readonly Flag[] = [
  {
    name: "network",
    value: "KIND",
    choices: ["loopback", "none", "host", "bridge", "pasta", "slirp4netns"],
    summary: "loopback, none, host, bridge[=NAME], pasta or slirp4netns",
  },
  {
    name: "networks-from-annotations",
    summary: "make what the annotations org.hull.networks and org.hull.routes ask for on the host",
  },
  {
    name: "publish",
    letter: "p",
    value: "PORTS",
    many: true,
    summary:
      "with a bridge or pasta: [HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp] leads to the container",
  },
];

const BRIDGE = "bridge";
const WORDS = ["loopback", "none", "host", "pasta", "slirp4netns"] as const;

/**
 * What the flags ask for.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export async function networkOf(flags: GivenFlags): Promise<NetworkMode | undefined> {
  const given = text(flags, "network");
  const publish = list(flags, "publish");
  if (publish.length > 0) await checkPorts(publish);
  const [kind, ...name] = given?.split("=") ?? [];
  if (kind === BRIDGE) {
    return { bridge: name.length === 0 ? DEFAULT_BRIDGE : name.join("="), publish };
  }
  if (kind === "pasta" && given === kind) return { through: kind, publish };
  if (publish.length > 0) {
    throw usageError(
      "only a bridge and pasta publish ports",
      "add --network bridge or pasta",
    );
  }
  if (given === undefined) return undefined;
  const word = WORDS.find((each) => each === given);
  if (word !== undefined) return word;
  throw usageError(
    `unknown network ${JSON.stringify(given)}`,
    "use loopback, none, host, bridge, bridge=NAME, pasta or slirp4netns",
  );
}

async function checkPorts(publish: readonly string[]): Promise<void> {
  const { parsePublishedPort } = await import("../../config/published_port.ts");
  for (const port of publish) {
    const fault = parsePublishedPort(port);
    if (typeof fault !== "string") continue;
    throw usageError(
      `--publish ${port} ${fault}`,
      "such as -p 8080:80 or -p 127.0.0.1:5353:53/udp",
    );
  }
}
