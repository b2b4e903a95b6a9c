/**
 * hull's own flags, and what their values mean.
 *
 * @module
 */

import { LEFT_FLAG } from "./caller/caller.ts";
import { type Flag, type GivenFlags, isOn, text } from "./flags/command.ts";
import { usageError } from "./flags/options.ts";
import type { LogFormat } from "./output/output.ts";

/** The flags before the command's name. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "root", value: "DIR", summary: "where the containers' state is kept" },
  { name: "log", value: "FILE", summary: "append errors, warnings and debug lines to FILE" },
  {
    name: "log-format",
    value: "FORMAT",
    choices: ["text", "json"],
    summary: "text (default) or json",
  },
  { name: "debug", summary: "say what is being done" },
  {
    name: "log-level",
    value: "LEVEL",
    choices: ["error", "warning", "debug"],
    summary: "error, warning (default) or debug",
  },
  {
    name: "cgroup-manager",
    value: "NAME",
    choices: ["cgroupfs", "systemd", "disabled"],
    summary: "cgroupfs (default), systemd or disabled",
  },
  { name: "systemd-cgroup", summary: "make cgroups through systemd" },
  {
    name: "rootless",
    value: "WHEN",
    choices: ["true", "false", "auto"],
    summary: "accepted for runc's sake: true, false or auto",
  },
  { name: "criu", value: "PATH", summary: "accepted for runc's sake, and ignored" },
  { name: "trace", value: "FILE", summary: "write what is done when to FILE, for Perfetto" },
  { name: "version", letter: "v", summary: "print the version" },
  { name: LEFT_FLAG, value: "STAGE", summary: "", isInner: true },
];

/** How the cgroups are made. */
export function driver(global: GivenFlags): "cgroupfs" | "systemd" | "disabled" {
  const name = isOn(global, "systemd-cgroup") ? "systemd" : text(global, "cgroup-manager");
  switch (name) {
    case undefined:
      return "cgroupfs";
    case "cgroupfs":
    case "disabled":
    case "systemd":
      return name;
    default:
      throw usageError(`unknown cgroup manager ${name}`, "use cgroupfs, systemd or disabled");
  }
}

/** How the log is written. */
export function logFormat(format: string | undefined): LogFormat {
  if (format === undefined || format === "text") return "text";
  if (format === "json") return "json";
  throw usageError(`unknown log format ${JSON.stringify(format)}`, "use text or json");
}

/** The log levels are crun's; other common names are mapped to the nearest one. */
export function logLevel(level: string | undefined): "error" | "warning" | "debug" {
  switch (level) {
    case undefined:
    case "warning":
    case "warn":
    case "info":
      return "warning";
    case "error":
    case "fatal":
    case "panic":
      return "error";
    case "debug":
    case "trace":
      return "debug";
    default:
      throw usageError(`unknown log level ${JSON.stringify(level)}`, "use error, warning or debug");
  }
}

/**
 * Checks `--rootless`. hull finds out by itself what it may do; the flag is accepted because
 * callers of runc pass it.
 */
export function requireRootless(when: string | undefined): void {
  if (when === undefined || /^(true|false|auto)$/.test(when)) return;
  throw usageError(`--rootless ${when} means nothing`, "use true, false or auto");
}
