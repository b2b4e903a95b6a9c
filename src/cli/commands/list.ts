/** `hull list`. @module */

import { exactJson } from "../../config/fields/exact_json.ts";
import { ContainerError } from "../../errors.ts";
import { type Command, isOn, text } from "../flags/command.ts";
import { describe, type Described } from "../output/described.ts";
import { usageError } from "../flags/options.ts";
import { reason } from "../../failures/reason.ts";

const LEAST_WIDTH = 12;
const GAP = 3;

/** Lists the containers under the root. */
export const command: Command = {
  synopsis: "",
  description: "Lists the containers under --root.",
  flags: [
    {
      name: "format",
      letter: "f",
      value: "FORMAT",
      choices: ["table", "json"],
      summary: "table (default) or json",
    },
    { name: "quiet", letter: "q", summary: "print the ids alone" },
  ],
  arity: [0, 0],
  onlyLooks: true,
  async run({ flags, root, factory, output }) {
    const format = text(flags, "format") ?? "table";
    if (format !== "table" && format !== "json") {
      throw usageError(`unknown format ${JSON.stringify(format)}`, "use table or json");
    }
    if (root !== undefined) requireRoot(root);
    const infos = (await factory()).list();
    for (const { problem } of infos) if (problem !== undefined) output.warn(problem);
    if (isOn(flags, "quiet")) output.print(infos.map(({ id }) => `${id}\n`).join(""));
    else if (format === "json") output.print(exactJson(infos.map(describe)) + "\n");
    else output.print(table(infos.map(describe)));
    return 0;
  },
};

/**
 * A root folder that was named but doesn't exist is more likely a typing mistake than a root
 * without containers.
 */
function requireRoot(root: string): void {
  try {
    if (Deno.statSync(root).isDirectory) return;
  } catch (cause) {
    throw new ContainerError("SystemError", `cannot list the root ${root}: ${reason(cause)}`, {
      path: root,
      cause,
      hint: cause instanceof Deno.errors.NotFound
        ? "it is made with its first container"
        : undefined,
    });
  }
  throw new ContainerError("SystemError", `the root ${root} is no folder`, { path: root });
}

function table(containers: readonly Described[]): string {
  const rows = [
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...containers.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle.replaceAll("\n", "\\n"), // a row is a line
      created,
      owner,
    ]),
  ];
  const widths =
    rows[0]?.map((_, column) =>
      Math.max(LEAST_WIDTH, GAP + Math.max(...rows.map((row) => row[column]?.length ?? 0)))
    ) ?? [];
  return rows.map((row) =>
    row.map((cell, k) => k === row.length - 1 ? cell : cell.padEnd(widths[k] ?? 0)).join("") + "\n"
  ).join("");
}
