/** `hull completion`. @module */

import type { Command } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";

/** Prints the script of a shell. */
export const command: Command = {
  synopsis: "bash|zsh|fish",
  description:
    "Prints what completes hull's commands, flags and the ids of containers in a shell. For bash:\n" +
    "hull completion bash >/etc/bash_completion.d/hull; for zsh a file _hull in a folder of fpath;\n" +
    "for fish ~/.config/fish/completions/hull.fish. scripts/install puts them where shells look.",
  flags: [],
  arity: [1, 1],
  onlyLooks: true,
  async run({ args: [shell = ""], program, output }) {
    if (!/^(bash|zsh|fish)$/.test(shell)) {
      throw usageError(
        `there is no completion for ${JSON.stringify(shell)}`,
        "use bash, zsh or fish",
      );
    }
    const { grammarOf } = await import("../completion/grammar.ts");
    const grammar = await grammarOf(program);
    if (shell === "bash") {
      output.print((await import("../completion/bash.ts")).bashCompletion(grammar));
    } else if (shell === "zsh") {
      output.print((await import("../completion/zsh.ts")).zshCompletion(grammar));
    } else {
      output.print((await import("../completion/fish.ts")).fishCompletion(grammar));
    }
    return 0;
  },
};
