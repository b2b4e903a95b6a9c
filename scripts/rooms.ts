/**
 * The rooms of ffi/, init/ and src/ with the floors that they are on, and the imports between them:
 * what scripts/check_imports.ts checks and scripts/draw_rooms.ts draws.
 *
 * @module
 */

/**
 * The floors from the lowest to the highest. A room may import what is on a lower floor, nothing of
 * its own floor and nothing above. A room is a folder with all that is in it; the modules that lie
 * in src/ itself are rooms of one file.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ["ffi", "src/errors.ts", "src/protobuf", "src/version.ts"],
  ["src/config", "src/failures", "src/own", "src/systemd", "src/ttrpc"],
  ["src/cgroups", "src/resctrl", "src/security", "src/streams"],
  ["init", "src/features.ts", "src/images", "src/namespaces"],
  ["src/process", "src/rootless", "src/trace"],
  ["src/process.ts", "src/state"],
  ["src/birth", "src/network", "src/wishes"],
  ["src/doctor", "src/exec", "src/life", "src/supervisor"],
  ["src/create", "src/events.ts", "src/hooks"],
  ["src/start"],
  ["src/container"],
  ["src/container.ts"],
  ["src/factory.ts"],
  ["src/cli", "src/driver", "src/run.ts", "src/sandbox", "src/shim"],
];

/** The same inside a room that has folders of its own, from the lowest to the highest. */
export const INNER_FLOORS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ffi: [
    ["ffi/c"],
    ["ffi/codecs", "ffi/files"],
    ["ffi/program"],
    ["ffi/processes", "ffi/seccomp", "ffi/waiting"],
    ["ffi/sockets"],
  ],
  init: [
    ["init/operations"],
    ["init/listing", "init/steps/places", "init/work"],
    ["init/steps/process"],
    ["init/steps/rootfs"],
    ["init/words"],
    ["init/launch"],
    ["init"],
  ],
  "src/cgroups": [
    ["src/cgroups"],
    ["src/cgroups/controllers"],
    ["src/cgroups/v1", "src/cgroups/v2"],
    ["src/cgroups/systemd"],
    ["src/cgroups/choice"],
  ],
  "src/cli": [
    ["src/cli/caller"],
    ["src/cli/output"],
    ["src/cli/flags", "src/cli/foreground", "src/cli/top"],
    ["src/cli/completion", "src/cli/process", "src/cli/resident"],
    ["src/cli/commands"],
    ["src/cli"],
    ["src/cli/manual"],
  ],
  "src/config": [
    ["src/config/fields", "src/config/types"],
    ["src/config"],
    ["src/config/sections"],
    ["src/config/validate"],
    ["src/config/validate_network"],
  ],
  "src/failures": [["src/failures/catalogue"], ["src/failures"]],
  "src/images": [
    ["src/images/archive"],
    ["src/images/layers"],
    ["src/images/formats"],
    ["src/images"],
  ],
  "src/network": [
    ["src/network/netlink"],
    ["src/network/links"],
    ["src/network/hull_bridge", "src/network/kinds"],
    ["src/network"],
  ],
  "src/sandbox": [
    ["src/sandbox/fs", "src/sandbox/http", "src/sandbox/options"],
    ["src/sandbox/processes"],
    ["src/sandbox/deno"],
    ["src/sandbox"],
  ],
  "src/security": [["src/security"], ["src/security/filters"]],
  "src/shim": [
    ["src/shim/messages"],
    ["src/shim/host"],
    ["src/shim/keeper", "src/shim/streams"],
    ["src/shim/task"],
    ["src/shim/node"],
    ["src/shim"],
  ],
};

/** Whether a file belongs to the rooms. */
export function isInRooms(file: string): boolean {
  return /^(?:ffi|init|src)\//.test(file);
}

/** The room that a file is in. */
export function roomOf(file: string): string {
  const parts = file.split("/");
  return parts.slice(0, parts[0] === "src" ? 2 : 1).join("/");
}

/** The folder of a room that a file is in. */
export function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}

/** The floor that a name stands on, counted from 0; undefined if it stands on none. */
export function floorOf(
  name: string,
  floors: readonly (readonly string[])[],
): number | undefined {
  const floor = floors.findIndex((names) => names.includes(name));
  return floor < 0 ? undefined : floor;
}

const IMPORT =
  /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|import\(\s*["']([^"']+)["']/gm;

/** What a module imports, its doc comments' examples left out: paths from the top, and packages. */
export function importsOf(file: string): string[] {
  const code = Deno.readTextFileSync(file).replaceAll(/^\s*\/?\*.*$/gm, "");
  const specifiers = [...code.matchAll(IMPORT)].map(([, first, second]) => first ?? second ?? "");
  return specifiers.map((specifier) =>
    specifier.startsWith(".") ? new URL(specifier, `file:///${file}`).pathname.slice(1) : specifier
  );
}

/** All modules below a folder, sorted; below the top without a name. */
export function modulesIn(folder = ""): string[] {
  return [...walk(folder)].sort();
}

function* walk(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder === "" ? "." : folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory && !name.startsWith(".") && name !== "node_modules") yield* walk(path);
    else if (name.endsWith(".ts")) yield path;
  }
}
