/**
 * What the kinds of network need.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import { requireNft } from "../network/hull_bridge/nft.ts";
import { requireProgram } from "../network/user_network.ts";
import { failed, type Finding, ok, warning } from "./finding.ts";
import type { Host } from "./host.ts";

/** The programs that are looked for: each gives its path, or throws what a start would. */
export interface NetworkPrograms {
  readonly nft: () => string;
  readonly pasta: () => string;
  readonly slirp4netns: () => string;
  /** Why the kernel takes no rules from nft; undefined if it does. */
  readonly refusal: (nft: string) => Promise<string | undefined>;
}

const INSTALLED: NetworkPrograms = {
  nft: () => requireNft(),
  pasta: () => requireProgram("pasta"),
  slirp4netns: () => requireProgram("slirp4netns"),
  refusal: refusalOf,
};

/** Whether `--network bridge` works for root, and a connection of their own for users. */
export async function networkFindings(host: Host, programs = INSTALLED): Promise<Finding[]> {
  return host.isOrdinaryUser ? [userFinding(programs)] : [await bridgeFinding(host, programs)];
}

async function bridgeFinding(host: Host, { nft, refusal }: NetworkPrograms): Promise<Finding> {
  const remedy = "install nftables, or use --network none, loopback or host";
  let path: string;
  try {
    path = nft();
  } catch (error) {
    return failed("network", "warning", error, remedy);
  }
  if (!host.isAdmin) {
    const told = "without CAP_SYS_ADMIN no bridge can be made";
    return warning("network", told, "run hull as root, or use --network loopback or host");
  }
  const said = await refusal(path);
  if (said === undefined) return ok("network", `${path}, for --network bridge and published ports`);
  const told = `${path} can set no rules: ${said}`;
  return warning("network", told, "load the module nf_tables (modprobe nf_tables)");
}

/** Has nft check a table of its own, which is not made. */
async function refusalOf(nft: string): Promise<string | undefined> {
  const child = new Deno.Command(nft, {
    args: ["--check", "add", "table", "inet", "hull_doctor"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await child.output();
  if (success) return undefined;
  return new TextDecoder().decode(stderr).trim().split("\n")[0] || "it says nothing";
}

function userFinding({ pasta, slirp4netns }: NetworkPrograms): Finding {
  const found: string[] = [];
  for (const look of [pasta, slirp4netns]) {
    try {
      found.push(look());
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
    }
  }
  if (found.length > 0) return ok("network", `${found.join(" and ")}, for a user's containers`);
  return warning(
    "network",
    "neither pasta nor slirp4netns is installed: a user's container has only its loopback, or the " +
      "host's network",
    "install the package passt (or slirp4netns)",
  );
}
