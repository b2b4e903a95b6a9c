/**
 * Completion for fish.
 *
 * @module
 */

import { DEFAULT_ROOT } from "../../own/default_root.ts";
import { type CommandWords, type FlagWords, type Grammar, type Kind, wordsOf } from "./grammar.ts";

/** The script. */
export function fishCompletion({ flags, commands }: Grammar): string {
  const takers = [{ name: "", flags }, ...commands].map(({ name, flags }) => {
    const words = flags.filter(({ value }) => value?.isOptional === false).flatMap(wordsOf);
    return `        case ${quoted(name)}\n            printf '%s\\n' ${
      words.map(quoted).join(" ")
    }`;
  });
  const lines = [
    ...flags.map((flag) => flagLine("__hull_is ''", flag)),
    ...commands.map(({ name, summary }) =>
      `complete -c hull -n "__hull_is ''" -a ${name} -d ${quoted(summary)}`
    ),
    ...commands.flatMap(commandLines),
  ];
  const early = commands.filter(({ stopsEarly }) => stopsEarly).map(({ name }) => name);
  return FISH
    .replace("@TAKERS@", () => takers.join("\n"))
    .replace("@ROOT@", () => DEFAULT_ROOT)
    .replace("@EARLY@", () => early.join(" "))
    .replace("@LINES@", () => lines.join("\n"));
}

function commandLines({ name, flags, args }: CommandWords): string[] {
  return [
    ...flags.map((flag) => flagLine(`__hull_is ${name}`, flag)),
    ...args.flatMap((kind, k) => {
      if (kind.kind === "any") return [];
      const isRest = kind.kind === "program";
      const where = `__hull_is ${name} ${isRest ? `${k}+` : k}`;
      return [`complete -c hull -n ${quoted(where)} ${answer(kind)}`];
    }),
  ];
}

function flagLine(where: string, { name, letter, summary, value }: FlagWords): string {
  const short = letter === undefined ? "" : ` -s ${letter}`;
  const required = value?.isOptional === false ? " -r" : "";
  const kind = value === undefined ? "" : `${required} ${answer(value.kind)}`;
  return `complete -c hull -n ${quoted(where)}${short} -l ${name}${kind} -d ${quoted(summary)}`;
}

function answer(kind: Kind): string {
  switch (kind.kind) {
    case "words":
      return `-f -a ${quoted(kind.words.join(" "))}`;
    case "files":
    case "program":
      return "-F";
    case "folders":
      return "-f -a '(__fish_complete_directories (commandline -ct))'";
    case "ids":
      return "-f -a '(__hull_ids)'";
    case "commands":
      return "-f -a '(__hull_commands)'";
    case "any":
      return "-f";
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll(/['\\]/g, "\\$&")}'`;
}

const FISH = String.raw`# Completion of hull for fish, made by: hull completion fish

# The flags of a command that have a value.
function __hull_takers
    switch "$argv[1]"
@TAKERS@
    end
end

# What is typed before the word at the cursor: the command, how many arguments it has, the root.
function __hull_typed
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    set -l root ''
    set -l count 0
    set -l flag ''
    set -l behind no
    for word in $words
        if test $behind = yes
            set count (math $count + 1)
        else if test -n "$flag"
            test "$command$flag" = --root; and set root $word
            set flag ''
        else if test "$word" = --
            set behind yes
            set count (math $count + 1)
        else if string match -q -- '--root=*' $word
            set root (string replace -- --root= '' $word)
        else if string match -q -- '-?*' $word
            contains -- $word (__hull_takers "$command"); and set flag $word
        else if test -z "$command"
            set command $word
        else
            set count (math $count + 1)
            contains -- $command @EARLY@; and set behind yes
        end
    end
    printf '%s\n' "$command" $count "$root"
end

# Whether the command is this one and, if a number is given, whether the word is that argument.
function __hull_is
    set -l typed (__hull_typed)
    test "$typed[1]" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    if string match -q -- '*+' $argv[2]
        test $typed[2] -ge (string replace + '' $argv[2])
    else
        test $typed[2] -eq $argv[2]
    end
end

# The containers of the root, by the folders of their states.
function __hull_ids
    set -l root (__hull_typed)[3]
    if test -z "$root"
        if test (id -u) -eq 0
            set root @ROOT@
        else if test -n "$XDG_RUNTIME_DIR"
            set root $XDG_RUNTIME_DIR/hull
        else
            set root /run/user/(id -u)/hull
        end
    end
    set root (string replace -r '^~/' "$HOME/" $root)
    # one whose name looks like a flag is left to who types it behind a --
    for state in $root/*/state.json $root/.*/state.json
        string split / $state | tail -n 2 | head -n 1 | string match -v -- '-*'
    end
end

function __hull_commands
    complete -C 'hull ' | string match -r '^[a-z].*'
end

complete -c hull -f
@LINES@
`;
