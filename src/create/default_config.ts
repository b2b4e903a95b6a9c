/**
 * The built-in default's config, for programs that build on it.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { late } from "../own/late.ts";
import type { DefaultWishes } from "./default_wishes.ts";

const loadBundle = () => import("./builtin_bundle.ts");
const wishedBundle = late(() => import("./wished_bundle.ts"), "wishedBundle");

/**
 * The config of the built-in default with wishes. Changed as you like, it is given to
 * `Factory.create` together with the same wishes, of which the built-in root is made.
 *
 * @param wishes as of `Factory.create`'s options
 * @returns the config; without a wished host name it has none, and gets the container's id then
 * @throws {ContainerError} `ConfigInvalid` with all that is wrong with the wishes; pointers begin at
 *   the wishes
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig, Factory, Process } from "@hull/hull";
 *
 * const wishes = { files: { "/etc/motd": "hello" } };
 * const config = await defaultConfig(wishes);
 * const rlimits = [{ type: "RLIMIT_CPU", soft: 10, hard: 10 }] as const;
 * const own = { ...config, process: { ...config.process, cwd: "/", rlimits } };
 * await using container = await new Factory().create("example-own", own, { wishes });
 * const process = new Process({ args: ["sh", "-c", "ulimit -t; cat /etc/motd"], stdout: "piped" });
 * await container.run(process);
 * assertEquals(await new Response(process.stdout).text(), "10\nhello");
 * ```
 */
export async function defaultConfig(wishes: DefaultWishes = {}): Promise<Config> {
  const { hostFacts } = await loadBundle();
  const isHost = wishes.network === "host";
  const subject = { id: "", args: [], host: hostFacts(), network: { isHost } };
  const { config } = await wishedBundle(subject, wishes);
  const { hostname, ...others } = config;
  return wishes.hostname === undefined ? others : { ...others, hostname };
}
