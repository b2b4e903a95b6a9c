# Where hull's Deno lies. Sourced by scripts/launch.sh at every start, so it forks nothing.
# shellcheck shell=sh

deno_version=2.9.6

# How V8 runs what ends after some milliseconds; src/own_modules.ts says the same to hull's init.
brief_flags=--v8-flags=--no-lazy,--jitless,--single-threaded,--min-semi-space-size=4

# find_cached_deno: sets $deno to the Deno that scripts/setup left, or fails. First the one that was
# installed with hull, beside the script $self; then the same places as cache_folder's, and root's
# own for a start with an empty environment.
# A relative name is no place, whoever set it: it would lie in a folder that is another's.
find_cached_deno() {
  for folder in "${self:+${self%/scripts/*}/.hull}" "${HULL_CACHE-}" \
    "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/hull}" "${HOME:+$HOME/.cache/hull}" \
    /var/cache/hull ~root/.cache/hull; do
    case $folder in /*) ;; *) continue ;; esac
    deno=$folder/deno-$deno_version
    if [ -x "$deno" ]; then return 0; fi
  done
  return 1
}

# cache_folder: sets $cache to the folder that hull's files go to.
# A HOME that does not exist or can't be written (a daemon's, a read-only system's) is no place.
cache_folder() {
  cache=/var/cache/hull
  case ${HOME-} in /*) if [ -d "$HOME" ] && [ -w "$HOME" ]; then cache=$HOME/.cache/hull; fi ;; esac
  case ${XDG_CACHE_HOME-} in /*) cache=$XDG_CACHE_HOME/hull ;; esac
  case ${HULL_CACHE-} in /*) cache=$HULL_CACHE ;; esac
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

# bundle_code: sets $code to the folder of what Deno compiled of $root's $bundle: beside it, where
# scripts/setup has made one that can be written.
bundle_code() {
  code=$root/.hull/$bundle/code
  if ! [ -w "$code" ]; then
    code_folder
    code=$code/$bundle
  fi
}
