# What starts hull. Sourced by scripts/hull, and by the hull that scripts/install puts on the PATH,
# with their words, and in $self the path that scripts/hull has beside this file. Neither the folder
# that it is called in nor a variable that is meant for other programs of Deno changes what runs or
# where it writes. It forks once, where there are sources, which may have changed.
# shellcheck shell=sh

. "${self%/*}/find_deno.sh"
if ! find_cached_deno; then
  printf 'hull: Deno %s is not here; run %s/setup once\n' "$deno_version" "${self%/*}" >&2
  exit 1
fi
root=${self%/scripts/*}

# Deno needs a folder to stand in. One that was removed is empty and can't be written, as /proc
# can't, while absolute paths mean what they did.
[ -d "${PWD-}" ] || cd /proc

# These make Deno load a module, write files, connect, print, or not start.
unset NODE_OPTIONS NODE_CHANNEL_FD NODE_V8_COVERAGE OTEL_DENO SSLKEYLOGFILE DENO_V8_FLAGS DENO_CERT \
  DENO_TLS_CA_STORE DENO_COVERAGE_DIR DENO_AUDIT_PERMISSIONS DENO_TRACE_PERMISSIONS DENO_LOG \
  DENO_UNSTABLE_CONTROL_SOCK DENO_SERVE_ADDRESS DENO_AUTO_SERVE DENO_CONDITIONS DENO_COMPAT \
  DENO_EMIT_CACHE_MODE DENO_CACHE_DB_MODE DENO_CACHE_LSC_ENDPOINT DENO_INTERNAL_CHILD_ENTRYPOINT

# The bundle that scripts/setup made holds as long as no source has changed since: a file's ctime
# can't be turned back. Where hull is installed there are no sources.
has_bundle() {
  stamp=$root/.hull/bundle
  [ -r "$stamp" ] && read -r bundle <"$stamp" || return 1
  [ -d "$root/src" ] || return 0
  [ -z "$(command -p find "$root/ffi" "$root/init" "$root/src" "$root/std" "$root/deno.json" \
    -cnewer "$stamp" -print -quit 2>&1)" ]
}

if has_bundle; then
  bundle_code
  # Both files are all of hull. One reads fast what makes a container, the other what finds one.
  case " $* " in
    *" run "* | *" create "*) modules=cli ;;
    *) modules=life ;;
  esac
  set -- --no-config "$root/.hull/$bundle/src/$modules/hull.js" "$@"
else
  code_folder
  set -- --cached-only --config "$root/deno.json" "$root/src/cli/hull.ts" "$@"
fi
DENO_DIR=$code DENO_NO_UPDATE_CHECK=1 exec "$deno" run --quiet --allow-all --no-lock "$brief_flags" "$@"
