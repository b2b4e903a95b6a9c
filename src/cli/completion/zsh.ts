/**
 * Completion for zsh, through its `_arguments`.
 *
 * @module
 */

import type { CommandWords, FlagWords, Grammar, Kind } from "./grammar.ts";
import { quoted, SHELL_ROOT } from "./shell.ts";

/** The script: a file `_hull` in a folder of `fpath`. */
export function zshCompletion({ flags, commands }: Grammar): string {
  return ZSH
    .replace("@ROOT@", () => SHELL_ROOT)
    .replace(
      "@COMMANDS@",
      () =>
        commands.map(({ name, summary }) => `    ${quoted(`${name}:${colons(summary)}`)}`).join(
          "\n",
        ),
    )
    .replace("@FLAGS@", () => flags.map((flag) => `    ${flagSpec(flag)} \\`).join("\n"))
    .replace("@CASES@", () => commands.map(commandCase).join("\n"));
}

function commandCase({ name, flags, args, stopsEarly }: CommandWords): string {
  const specs = [
    ...flags.map(flagSpec),
    ...args.map((kind, k) => {
      const action = actionOf(kind);
      const last = k === args.length - 1 && kind.kind === "program";
      return quoted(last ? `*:command:${action}` : `${k + 1}:${noun(kind)}:${action}`);
    }),
  ];
  // Behind the first argument flags are another program's.
  const only = stopsEarly ? " -A '-*'" : "";
  return `    (${name})\n      _arguments -s -S${only} \\\n        ${
    specs.join(" \\\n        ")
  } && found=0\n      ;;`;
}

function flagSpec({ name, letter, summary, isMany, value }: FlagWords): string {
  const told = `[${summary.replaceAll(/[[\]\\]/g, "\\$&")}]`;
  const colon = value?.isOptional === true ? "::" : ":";
  const kind = value === undefined ? "" : `${colon}${colons(value.name)}:${actionOf(value.kind)}`;
  const equals = value === undefined ? "" : value.isOptional ? "=-" : "=";
  if (letter === undefined) return quoted(`${isMany ? "*" : ""}--${name}${equals}${told}${kind}`);
  const others = isMany ? "*" : `(-${letter} --${name})`;
  const plus = value === undefined ? "" : "+";
  return `${quoted(others)}{-${letter}${plus},--${name}${equals}}${quoted(`${told}${kind}`)}`;
}

function actionOf(kind: Kind): string {
  switch (kind.kind) {
    case "words":
      return `(${kind.words.join(" ")})`;
    case "files":
    case "program":
      return "_files";
    case "folders":
      return "_files -/";
    case "ids":
      return "_hull_ids";
    case "commands":
      return "_hull_commands";
    case "any":
      return "_hull_any";
  }
}

function noun({ kind }: Kind): string {
  return kind === "ids" ? "container" : kind === "commands" ? "command" : "word";
}

/** Where a colon separates parts. */
function colons(text: string): string {
  return text.replaceAll(":", "\\:");
}

const ZSH = String.raw`#compdef hull
# Completion of hull for zsh, made by: hull completion zsh

# The containers of the root, by the folders of their states.
_hull_ids() {
  local root=$_hull_root
  if [[ -z $root ]]; then
@ROOT@
  fi
  local -a ids
  ids=(${"$"}{~root:+$root/*/state.json(ND:h:t)})
  ids=(${"$"}{ids:#-*}) # these are typed behind a --
  _wanted containers expl container compadd -a ids
}

# What nobody knows but who types it. A mere message would keep flags from being completed at once.
_hull_any() {
  return 1
}

_hull_commands() {
  local -a commands
  commands=(
@COMMANDS@
  )
  _describe -t commands command commands
}

_hull() {
  local curcontext=$curcontext state line expl found=1 _hull_root
  local -A opt_args
  _arguments -C -s -S -A '-*' \
@FLAGS@
    '1: :->command' \
    '*:: :->argument' && found=0
  _hull_root=${"$"}{(Q)opt_args[--root]}
  _hull_root=${"$"}{_hull_root/#\~\//$HOME/}
  case $state in
    (command) _hull_commands && found=0 ;;
    (argument)
      curcontext=${"$"}{curcontext%:*:*}:hull-$words[1]:
      case $words[1] in
@CASES@
      esac
      ;;
  esac
  return found
}

if [[ $funcstack[1] == _hull ]]; then _hull "$@"; else compdef _hull hull; fi
`;
