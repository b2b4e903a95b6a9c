# Where hull's Deno lies. Sourced by scripts/hull at every start, so it forks nothing.
# shellcheck shell=sh

deno_version=2.9.6

# find_cached_deno: sets $deno to the Deno that scripts/setup left, or fails.
# The same places as cache_folder's, and root's own for a start with an empty environment.
find_cached_deno() {
  for deno in \
    "${HULL_CACHE:-/nowhere}/deno-$deno_version" \
    "${XDG_CACHE_HOME:-/nowhere}/hull/deno-$deno_version" \
    "${HOME:-/nowhere}/.cache/hull/deno-$deno_version" \
    "/var/cache/hull/deno-$deno_version" \
    ~root/".cache/hull/deno-$deno_version"; do
    if [ -x "$deno" ]; then return 0; fi
  done
  return 1
}

# cache_folder: sets $cache to the folder that hull's files go to.
# A HOME that does not exist or can't be written (a daemon's, a read-only system's) is no place.
cache_folder() {
  if [ -n "${HULL_CACHE-}" ]; then
    cache=$HULL_CACHE
  elif [ -n "${XDG_CACHE_HOME-}" ]; then
    cache=$XDG_CACHE_HOME/hull
  elif [ -n "${HOME-}" ] && [ -d "$HOME" ] && [ -w "$HOME" ]; then
    cache=$HOME/.cache/hull
  else
    cache=/var/cache/hull
  fi
}
