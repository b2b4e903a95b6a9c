/**
 * What the flags of a run wish, for the built-in default and for a bundle.
 *
 * @module
 */

import type { Config } from "../../config/types/config.ts";
import { CAPABILITY_NAMES } from "../../config/types/names.ts";
import type { Resources } from "../../config/types/resources.ts";
import type { Seccomp } from "../../config/types/seccomp.ts";
import { validateConfig } from "../../config/validate/validate.ts";
import { BUILTIN_CAPABILITIES } from "../../create/builtin_bundle.ts";
import type { DefaultWishes } from "../../create/default_wishes.ts";
import { wishedConfig } from "../../create/wished_config.ts";
import type { ProcessOptions } from "../../process.ts";
import { heldCapabilities } from "../../security/capabilities.ts";
import type { Caller } from "../caller/caller.ts";
import { NotHere } from "../caller/caller.ts";
import { choice, type GivenFlags, type Invocation, isOn, list, text } from "../flags/command.ts";
import { parseDocument } from "../flags/json_document.ts";
import { type FlagMount, parseMount, parseTmpfs, parseVolume } from "../flags/mount_flags.ts";
import { usageError } from "../flags/options.ts";
import { parseBytes, parseInteger } from "../flags/quantities.ts";
import { filterOfProfile } from "../flags/seccomp_profile.ts";
import { variablesIn, withValue } from "../flags/variables.ts";
import { FlagFaults, namingFlags } from "../flags/wish_faults.ts";
import { reason } from "../../failures/reason.ts";

/** What a run's flags wish. */
export interface FlagWishes {
  readonly wishes: DefaultWishes;
  /** Whether a bundle's filter of system calls is not to be loaded. */
  readonly isUnconfined: boolean;
  /** What the process is started with beside its config. */
  readonly process: Pick<ProcessOptions, "apparmorProfile" | "stdin" | "user">;
  /** An error about the wishes, by the flags that they came from. */
  name(error: unknown): unknown;
}

/** The words of a flag that may be given several times, with what stands in config.json for them. */
type Origins = Map<string, string>;

const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;

/**
 * Reads the flags.
 *
 * @param base the bundle's config; undefined for the built-in default
 * @throws {ContainerError} `ConfigInvalid` with all that is wrong, each by its flag
 */
export function wishesOf(
  { flags, output, caller }: Pick<Invocation, "flags" | "output" | "caller">,
  base: Config | undefined,
): FlagWishes {
  const faults = new FlagFaults();
  const origins: Origins = new Map();
  const mounts = mountsOf(flags, caller, faults, origins);
  const capabilities = capabilitiesOf(flags, base, faults);
  const security = securityOf(flags, caller, capabilities ?? BUILTIN_CAPABILITIES, faults);
  const env = Object.fromEntries(
    [
      ...list(flags, "env-file").flatMap((file) =>
        faults.read(`--env-file ${file}`, () => variablesIn(file, caller)) ?? []
      ),
      ...list(flags, "env").flatMap((entry) => withValue(entry, output, caller)),
    ].map((entry) => {
      const at = entry.indexOf("=");
      const name = entry.slice(0, at);
      if (name === "") faults.note(`--env ${entry}`, "has no name");
      return [name, entry.slice(at + 1)];
    }),
  );
  const resources = resourcesOf(flags, faults);
  faults.throw();
  const given = <Key extends keyof DefaultWishes>(
    name: Key,
    flag: string,
    value: DefaultWishes[Key],
  ): Pick<DefaultWishes, Key> | undefined => {
    if (value === undefined) return undefined;
    if (!origins.has(`/${name}`)) origins.set(`/${name}`, flag);
    return { [name]: value } as Pick<DefaultWishes, Key>;
  };
  const [user, cwd] = [text(flags, "user"), text(flags, "workdir")];
  const [hostname, zone] = [text(flags, "hostname"), text(flags, "tz")];
  const readOnly = choice(flags, "read-only");
  return {
    wishes: {
      ...given("mounts", "--volume", mounts.length === 0 ? undefined : mounts),
      ...given("env", "--env", Object.keys(env).length === 0 ? undefined : env),
      ...given("user", `--user ${user}`, user),
      ...given("cwd", `--workdir ${cwd}`, cwd),
      ...given("hostname", `--hostname ${hostname}`, hostname),
      ...given("timezone", `--tz ${zone}`, zone),
      ...given("resources", "--memory", resources),
      ...given("writableRoot", "--read-only", readOnly === undefined ? undefined : !readOnly),
      ...given("capabilities", "--cap-add", capabilities),
      ...given("privileged", "--privileged", isOn(flags, "privileged") ? true : undefined),
      ...given("seccomp", "--security-opt", security.seccomp),
      ...given("noNewPrivileges", "--security-opt", security.noNewPrivileges),
      ...given("init", "--init", choice(flags, "init") === true ? true : undefined),
    },
    isUnconfined: security.isUnconfined ?? false,
    process: {
      ...(choice(flags, "interactive") === false ? { stdin: "null" } : {}),
      ...(security.apparmor === undefined ? {} : { apparmorProfile: security.apparmor }),
    },
    name: (error) => namingFlags(error, origins),
  };
}

/**
 * A bundle's config with what the flags wish.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function overBundle(
  config: Config,
  { wishes, isUnconfined }: FlagWishes,
): { readonly config: Config; readonly process: Pick<ProcessOptions, "user"> } {
  const { user, init: _, timezone, ...laid } = wishes;
  if (timezone !== undefined) {
    throw usageError("--tz is for the built-in default", "a bundle has its own /etc/localtime");
  }
  const { linux = {}, ...valid } = validateConfig(config);
  const { seccomp: _filter, ...free } = linux;
  return {
    config: wishedConfig({ ...valid, linux: isUnconfined ? free : linux }, laid),
    process: user === undefined ? {} : { user },
  };
}

function mountsOf(
  flags: GivenFlags,
  caller: Caller,
  faults: FlagFaults,
  origins: Origins,
): readonly FlagMount[] {
  const reach = (path: string) => {
    if (caller.isOther) throw new NotHere("mounts of the caller's files");
    return caller.path(path);
  };
  const read = (name: string, parse: (written: string) => FlagMount) =>
    list(flags, name).map((written) => {
      const flag = `--${name} ${written}`;
      return [flag, faults.read(flag, () => parse(written))] as const;
    });
  const all = [
    ...read("volume", (written) => parseVolume(written, reach)),
    ...read("mount", (written) => parseMount(written, reach)),
    ...read("tmpfs", parseTmpfs),
  ];
  return all.flatMap(([flag, mount], k) => {
    origins.set(`/mounts/${k}`, flag);
    return mount === undefined ? [] : [mount];
  });
}

function resourcesOf(flags: GivenFlags, faults: FlagFaults): Resources | undefined {
  const read = (name: string, parse: (written: string) => number) => {
    const written = text(flags, name);
    if (written === undefined) return undefined;
    return faults.read(`--${name} ${written}`, () => parse(written));
  };
  const limit = read("memory", (written) => parseBytes("memory", written));
  const swap = read("memory-swap", (written) => parseBytes("memory-swap", written));
  const shares = read("cpu-shares", (written) => parseInteger("cpu-shares", written, 0));
  const quota = read("cpus", parseCpus);
  const pids = read("pids-limit", parsePids);
  const resources: Resources = {
    ...section("memory", { ...number("limit", limit), ...number("swap", swap) }),
    ...section("cpu", {
      ...number("shares", shares),
      ...number("quota", quota),
      ...(quota === undefined ? {} : { period: PERIOD_US }),
    }),
    ...section("pids", { ...number("limit", pids) }),
  };
  return Object.keys(resources).length === 0 ? undefined : resources;
}

function number(name: string, value: number | undefined): Record<string, number> {
  return value === undefined ? {} : { [name]: value };
}

function section(name: keyof Resources, fields: object): Resources {
  return Object.keys(fields).length === 0 ? {} : { [name]: fields };
}

function parseCpus(written: string): number {
  const quota = Math.round(Number(written) * PERIOD_US);
  if (/^\d*\.?\d+$|^\d+\.$/.test(written) && quota >= MIN_QUOTA_US) return quota;
  throw usageError(
    `is no number of CPUs: ${written}`,
    `such as 0.5 or 2; at least ${MIN_QUOTA_US / PERIOD_US}`,
  );
}

/** 0 is no limit, as in Docker. */
function parsePids(written: string): number {
  if (/^(?:-1|\d{1,15})$/.test(written)) return Number(written) || -1;
  throw usageError(`is no number of tasks: ${written}`, "such as 100, or -1 for no limit");
}

/** The capabilities as they become by --cap-add and --cap-drop; undefined without these. */
function capabilitiesOf(
  flags: GivenFlags,
  base: Config | undefined,
  faults: FlagFaults,
): readonly string[] | undefined {
  const known: ReadonlySet<string> = new Set([ALL, ...CAPABILITY_NAMES]);
  const read = (flag: string) =>
    list(flags, flag).flatMap((written) => written.split(",")).map((written) => {
      const upper = written.toUpperCase();
      const name = upper === ALL || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
      if (!known.has(name)) faults.note(`--${flag} ${written}`, "is no capability");
      return name;
    });
  const [added, dropped] = [read("cap-add"), read("cap-drop")];
  if (added.length === 0 && dropped.length === 0) return undefined;
  const both = added.find((name) => dropped.includes(name));
  if (both !== undefined) faults.note(`--cap-add ${both}`, "is dropped as well");
  const own = base === undefined
    ? BUILTIN_CAPABILITIES
    : base.process?.capabilities?.bounding ?? [];
  const from = added.includes(ALL) || isOn(flags, "privileged")
    ? [...heldCapabilities(false)]
    : own;
  const kept = dropped.includes(ALL) ? [] : from.filter((name) => !dropped.includes(name));
  return [...new Set([...kept, ...added.filter((name) => name !== ALL)])];
}

const ALL = "ALL";

/** What --security-opt says. */
interface Security {
  readonly seccomp?: Seccomp | undefined;
  readonly isUnconfined?: boolean;
  readonly noNewPrivileges?: boolean | undefined;
  readonly apparmor?: string | undefined;
}

function securityOf(
  flags: GivenFlags,
  caller: Caller,
  capabilities: readonly string[],
  faults: FlagFaults,
): Security {
  let security: Security = {};
  for (const written of list(flags, "security-opt")) {
    const flag = `--security-opt ${written}`;
    const [name = "", value] = halves(written);
    if (name === "seccomp" && value !== undefined) {
      const seccomp = value === UNCONFINED
        ? undefined
        : faults.read(flag, () => readProfile(value, caller, capabilities));
      security = { ...security, seccomp, isUnconfined: value === UNCONFINED };
    } else if (name === "no-new-privileges" && /^(?:true|false)?$/.test(value ?? "")) {
      security = { ...security, noNewPrivileges: value !== "false" };
    } else if (name === "apparmor" && value !== undefined) {
      security = { ...security, apparmor: value === UNCONFINED ? "" : value };
    } else if (written !== "label=disable" && written !== "label:disable") {
      faults.note(flag, "is unknown; there are seccomp=, no-new-privileges and apparmor=");
    }
  }
  return security;
}

const UNCONFINED = "unconfined";

/** Docker takes a colon for the equals sign, too. */
function halves(written: string): readonly [string, string | undefined] {
  const at = written.search(/[=:]/);
  return at < 0 ? [written, undefined] : [written.slice(0, at), written.slice(at + 1)];
}

function readProfile(path: string, caller: Caller, capabilities: readonly string[]): Seccomp {
  const { arch } = Deno.build;
  return filterOfProfile(parseDocument(readFile(path, caller)), {
    arch,
    release: Deno.osRelease(),
    capabilities,
  });
}

function readFile(path: string, caller: Caller): string {
  try {
    return caller.readText(caller.path(path));
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    throw usageError(`can't be read: ${reason(cause)}`, "name a file that hull may read");
  }
}
