/**
 * Completion for bash: a function that needs no other package.
 *
 * @module
 */

import { type FlagWords, type Grammar, type Kind, wordsOf } from "./grammar.ts";
import { quoted, SHELL_ROOT } from "./shell.ts";

/** The script. */
export function bashCompletion({ flags, commands }: Grammar): string {
  const all = [{ name: "", flags }, ...commands];
  const flagCases = all.map(({ name, flags }) =>
    `    ${quoted(name)}) _hull_reply "$2" ${flags.map((flag) => `--${flag.name}`).join(" ")} ;;`
  );
  const valueCases = all.flatMap(({ name, flags }) =>
    flags.flatMap((flag) => valueCase(name, flag, false))
  );
  const optionalCases = all.flatMap(({ name, flags }) =>
    flags.flatMap((flag) => valueCase(name, flag, true))
  );
  const argumentCases = commands.flatMap(({ name, args }) =>
    args.map((kind, k) => `    ${quoted(`${name} ${k}`)}) ${complete(kind)} ;;`)
  );
  const early = commands.filter(({ stopsEarly }) => stopsEarly).map(({ name }) => name);
  return BASH
    .replace("@ROOT@", () => SHELL_ROOT)
    .replace("@COMMANDS@", () => commands.map(({ name }) => name).join(" "))
    .replace("@FLAGS@", () => flagCases.join("\n"))
    .replace("@VALUES@", () => valueCases.join("\n"))
    .replace("@OPTIONAL@", () => optionalCases.join("\n"))
    .replace("@ARGUMENTS@", () => argumentCases.join("\n"))
    .replace("@EARLY@", () => early.join(" | "));
}

function valueCase(command: string, flag: FlagWords, isOptional: boolean): string[] {
  if (flag.value?.isOptional !== isOptional) return [];
  const words = wordsOf(flag).map((word) => quoted(`${command} ${word}`)).join(" | ");
  return [`    ${words}) ${complete(flag.value.kind)} ;;`];
}

/** What may be there, as `_hull_complete` takes it. */
function complete(kind: Kind): string {
  return `kind=${quoted(kind.kind === "words" ? `words ${kind.words.join(" ")}` : kind.kind)}`;
}

const BASH = String.raw`# Completion of hull for bash, made by: hull completion bash

# Those words that begin as what is typed does.
_hull_reply() {
  local typed=$1 word
  shift
  for word; do
    if [[ $word == "$typed"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_hull_files() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "-$1" -- "$2")
}

# Sets the variable $2 to the word $1 as it is meant: without its quotes.
_hull_unquoted() {
  local word=$1 plain= quote= letter
  while [[ -n $word ]]; do
    letter=${"$"}{word:0:1} word=${"$"}{word:1}
    if [[ $letter == \\ && $quote != "'" ]]; then
      plain+=${"$"}{word:0:1} word=${"$"}{word:1}
    elif [[ -n $quote && $letter == "$quote" ]]; then quote=
    elif [[ -z $quote && $letter == [\"\'] ]]; then quote=$letter
    else plain+=$letter
    fi
  done
  printf -v "$2" %s "$plain"
}

# The containers of a root, by the folders of their states. One whose name looks like a flag is left
# to who types it behind a --.
_hull_ids() {
  local root=$2 typed=$1 state id
  _hull_unquoted "$typed" typed
  if [[ -z $root ]]; then
@ROOT@
  fi
  _hull_unquoted "$root" root
  root=${"$"}{root/#"~/"/"$HOME/"}
  for state in "$root"/{*,.[!.]*}/state.json; do
    id=${"$"}{state%/state.json}
    id=${"$"}{id##*/}
    if [[ -f $state && $id =~ ^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$ ]]; then
      _hull_reply "$typed" "$id"
    fi
  done
}

_hull_commands() {
  _hull_reply "$1" @COMMANDS@
}

_hull_flags() {
  case $1 in
@FLAGS@
  esac
}

# What a flag's value may be; fails for a flag without one.
_hull_value() {
  case "$1 $2" in
@VALUES@
    *) return 1 ;;
  esac
}

# What may follow a = of a flag that may also stand alone.
_hull_optional() {
  kind='words true false'
  case "$1 $2" in
@OPTIONAL@
  esac
}

# What a command's argument may be.
_hull_argument() {
  case "$1 $2" in
@ARGUMENTS@
  esac
}

_hull_complete() {
  case $1 in
    'words '*) _hull_reply "$2" ${"$"}{1#words } ;;
    files | program) _hull_files f "$2" ;;
    folders) _hull_files d "$2" ;;
    ids) _hull_ids "$2" "$3" ;;
    commands) _hull_commands "$2" ;;
  esac
}

_hull() {
  local typed=${"$"}{COMP_WORDS[COMP_CWORD]} command= root= flag= behind= kind= arguments=0 word k
  COMPREPLY=()
  for ((k = 1; k < COMP_CWORD; k++)); do
    word=${"$"}{COMP_WORDS[k]}
    if [[ $word == = ]]; then
      # bash takes --flag=value for three words
      if [[ -z $flag ]]; then ((++k)); fi
    elif [[ -n $flag ]]; then
      if [[ -z $command && $flag == --root ]]; then root=$word; fi
      flag=
    elif [[ -n $behind ]]; then
      ((++arguments))
    elif [[ $word == -- ]]; then
      behind=yes
    elif [[ $word == -?* ]]; then
      if _hull_value "$command" "$word"; then flag=$word; fi
    elif [[ -z $command ]]; then
      command=$word
    else
      ((++arguments))
      case $command in
        @EARLY@) behind=yes ;;
      esac
    fi
  done
  local before=
  if [[ $typed == = ]]; then
    typed='' before=${"$"}{COMP_WORDS[COMP_CWORD - 1]}
  elif [[ $COMP_CWORD -gt 1 && ${"$"}{COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
    before=${"$"}{COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ -n $flag ]]; then
    _hull_value "$command" "$flag"
    _hull_complete "$kind" "$typed" "$root"
  elif [[ $before == -* ]]; then
    _hull_optional "$command" "$before"
    _hull_complete "$kind" "$typed" "$root"
  elif [[ -n $behind ]]; then
    _hull_files f "$typed"
  elif [[ $typed == -* ]]; then
    _hull_flags "$command" "$typed"
  elif [[ -z $command ]]; then
    _hull_commands "$typed"
  else
    kind=
    _hull_argument "$command" "$arguments"
    _hull_complete "$kind" "$typed" "$root"
  fi
}

complete -F _hull hull
`;
