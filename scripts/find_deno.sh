# Where hull's Deno and its bundle lie. Sourced by scripts/launch.sh at every start, so it forks nothing but
# the look for sources that have changed.
# shellcheck shell=sh

deno_version=2.9.6

# What V8 compiles with some flags it can't use with others. So those with other flags than most have
# a folder of their own for it, in $code: else each would throw away what the others need.

# How V8 runs what ends after some milliseconds; src/own/own_modules.ts says the same to hull's init.
brief_flags=--v8-flags=--no-lazy,--jitless,--single-threaded,--min-semi-space-size=4
# The same for containerd's shim, most of which is one process that lives long; when it comes to rest
# it collects garbage by itself.
shim_flags=--v8-flags=--single-threaded-gc,--min-semi-space-size=4,--expose-gc
# The same for a resident, which lives as long: a third less memory for a tenth more of its time. Its
# engine collects garbage rarely, and by the thread that made it. Most of its code runs too seldom for
# the engine to find it worth compiling, but somebody waits each time, so all of it is.
# When it comes to rest it collects garbage by itself.
resident_flags=--v8-flags=--optimize-for-size,--single-threaded-gc,--min-semi-space-size=4,--always-sparkplug,--expose-gc

# is_own: whether a folder that a variable names is this user's alone. What root runs, and what it
# believes to have compiled, must not come from the home of another user, which sudo or su may leave
# in HOME, nor from a folder in which everybody may make files, such as /tmp.
is_own() {
  [ -O "$1" ] && ! [ -k "$1" ]
}

# runs_own: whether a program may be run: root runs no other's, a user may have a link to root's.
runs_own() {
  [ -O "$1" ] || { [ -L "$1" ] && ! [ -O / ]; }
}

# own_folders: sets $own to hull's folders below those that the variables name, the first one first.
# A relative name is no place, whoever set it: it would lie in a folder that is another's.
own_folders() {
  own=
  case ${HULL_CACHE-} in /*) if is_own "$HULL_CACHE"; then own=$HULL_CACHE; fi ;; esac
  own_xdg=
  case ${XDG_CACHE_HOME-} in
    /*) if is_own "$XDG_CACHE_HOME"; then own_xdg=$XDG_CACHE_HOME/hull; fi ;;
  esac
  own_home=
  case ${HOME-} in
    /*) if is_own "$HOME" && [ -w "$HOME" ]; then own_home=$HOME/.cache/hull; fi ;;
  esac
}

# find_cached_deno: sets $deno to the Deno that scripts/setup left, or fails. First the one that was
# installed with hull, beside the script $self; then the same places as cache_folder's, and root's
# own for a start with an empty environment.
find_cached_deno() {
  deno=${self%/scripts/*}/.hull/deno-$deno_version
  if [ -n "$self" ] && [ -x "$deno" ]; then return 0; fi
  own_folders
  for folder in "$own" "$own_xdg" "$own_home"; do
    deno=$folder/deno-$deno_version
    if [ -n "$folder" ] && [ -O "$folder" ] && [ -x "$deno" ] && runs_own "$deno"; then return 0; fi
  done
  for folder in /var/cache/hull ~root/.cache/hull; do
    deno=$folder/deno-$deno_version
    if [ -x "$deno" ]; then return 0; fi
  done
  return 1
}

# cache_folder: sets $cache to the folder that hull's files go to.
# A HOME that does not exist or can't be written (a daemon's, a read-only system's) is no place, nor
# is one that is another's. One that is named may have to be made.
cache_folder() {
  own_folders
  cache=${own_home:-/var/cache/hull}
  case ${XDG_CACHE_HOME-} in
    /*) if [ -n "$own_xdg" ] || ! [ -e "$XDG_CACHE_HOME" ]; then cache=$XDG_CACHE_HOME/hull; fi ;;
  esac
  case ${HULL_CACHE-} in
    /*) if [ -n "$own" ] || ! [ -e "$HULL_CACHE" ]; then cache=$HULL_CACHE; fi ;;
  esac
}

# code_folder: sets $code to the folder of what Deno compiled: beside it, where it can, and in no
# folder that other programs write to.
code_folder() {
  code=${deno%/*}/deno
  if ! [ -w "$code" ] && ! [ -w "${deno%/*}" ]; then
    cache_folder
    code=$cache/deno
  fi
}

# has_bundle: sets $bundle to the name of the bundle that scripts/setup made in $root. It holds as
# long as no source has changed since: a file's ctime can't be turned back. Where hull is installed
# there are no sources.
has_bundle() {
  stamp=$root/.hull/bundle
  [ -r "$stamp" ] && read -r bundle <"$stamp" || return 1
  [ -d "$root/src" ] || return 0
  [ -z "$(command -p find "$root/ffi" "$root/init" "$root/src" "$root/std" "$root/deno.json" \
    -cnewer "$stamp" -print -quit 2>&1)" ]
}

# bundle_code: sets $code to the folder of what Deno compiled of $root's $bundle: beside it, where
# scripts/setup has made one that can be written. Deno knows it by the path at which the bundle was.
bundle_code() {
  code=$root/.hull/$bundle/code
  if [ -w "$code" ]; then
    IFS= read -r place 2>/dev/null <"$code/place" || place=
    [ "$place" = "$root" ] || follow_move
  else
    code_folder
    code=$code/$bundle
  fi
}

# follow_move: where $root is not the path at which its bundle was compiled, since a link leads to it, or
# since it was moved. It need not work: the next start is slower then.
follow_move() {
  # shellcheck disable=SC3013 # dash, bash and busybox have -ef
  if [ -n "$place" ] && [ "$root" -ef "$place" ]; then
    root=$place
    code=$root/.hull/$bundle/code
  else
    "$root/scripts/setup" "--place=$root" >/dev/null 2>&1 </dev/null || :
  fi
}

# spare_fds: ends the start where Deno could not open what it has compiled: it would delete that, and
# end. A limit that is low enough for that is rare, and looked at more closely.
spare_fds() {
  ulimit -S -n 256 2>/dev/null && return # Deno raises it to the hard limit
  set -- /proc/self/fd/*
  [ $# -ge $(($(ulimit -H -n) - 15)) ] || return 0
  printf 'hull: no more than %s files may be open here; raise ulimit -n\n' "$(ulimit -H -n)" >&2
  exit 1
}
