# What starts hull. Sourced by scripts/hull, and by the hull that scripts/install puts on the PATH,
# with their words, and in $self the path that scripts/hull has beside this file. Neither the folder
# that it is called in nor a variable that is meant for other programs of Deno changes what runs or
# where it writes. It forks once, where there are sources, which may have changed.
# shellcheck shell=sh

# All that this Deno reads, by the names that its binary holds: some make it load a module, write
# files, connect, ask a broker, print, or not start.
case ${foreign+x} in x) export HULL_CALLER_foreign="$foreign"; unset foreign ;; esac
foreign="
  DENORT_BIN DENORT_DESKTOP_BIN DENO_AUDIT_PERMISSIONS DENO_AUTH_TOKENS DENO_AUTO_SERVE
  DENO_BUNDLE_HACK DENO_CACHE_DB_MODE DENO_CACHE_LSC_ENDPOINT DENO_CERT DENO_COMPAT
  DENO_CONDITIONS DENO_CONNECTED DENO_COVERAGE_DIR DENO_CRON_TEST_SCHEDULE_OFFSET DENO_DEPLOY_APP
  DENO_DEPLOY_CLI_SANDBOX DENO_DEPLOY_CLI_SPECIFIER DENO_DEPLOY_ORG DENO_DEPLOY_TOKEN
  DENO_DEPLOY_TUNNEL_ENDPOINT DENO_DESKTOP_DEV_URL DENO_DESKTOP_FRAMEWORK_DEV DENO_DESKTOP_HMR
  DENO_DESKTOP_INSPECT_BRK DENO_DESKTOP_INSPECT_INTERNAL_PORT DENO_DESKTOP_INSPECT_WAIT
  DENO_DESKTOP_MUX_WS DENO_DISABLE_NODE_SHIM DENO_DISABLE_OFFSCREEN_CANVAS
  DENO_DISABLE_VERBATIM_MODULE_SYNTAX DENO_DOC_SEARCH_INDEX
  DENO_DONT_USE_INTERNAL_BASE_UPGRADE_URL DENO_DONT_USE_INTERNAL_NODE_COMPAT_STATE_FD
  DENO_EMIT_CACHE_MODE DENO_EXTRA_STDIO_FDS DENO_FETCH_TOKEN DENO_INSTALL_ARCH DENO_INSTALL_ROOT
  DENO_INTERNAL_CHILD_ENTRYPOINT DENO_INTERNAL_DIAGNOSTIC_BATCH_NOTIFICATIONS
  DENO_INTERNAL_FAST_CHECK_OVERWRITE DENO_INTERNAL_IS_LIFECYCLE_SCRIPT
  DENO_INTERNAL_NODE_TEST_FORCE_SHARED_OPENSSL DENO_INTERNAL_NPM_CMD_NAME
  DENO_INTERNAL_TASK_USE_PKG_JSON DENO_JOBS DENO_KV_ACCESS_TOKEN DENO_KV_DB_MODE
  DENO_KV_DEFAULT_PATH DENO_KV_PATH_PREFIX DENO_KV_REQUIRES_DISTRIBUTED_DATABASE DENO_LOG
  DENO_LOG_LAZY_LOAD DENO_LOG_STYLE DENO_LSP_IDLE_MEMORY_RELEASE_MS DENO_LSP_TRACE
  DENO_NODE_SHIM_ACTIVE DENO_NODE_TRACE_EVENT_CATEGORIES DENO_NODE_USE_OPENSSL_CA
  DENO_NO_FILTER_FRAMES DENO_NO_PACKAGE_JSON DENO_NO_PROMPT DENO_PATCH_REACT_CVE
  DENO_PERMISSION_BROKER_PATH DENO_REPL_HISTORY DENO_SERVE_ADDRESS
  DENO_SERVE_AUTOMATIC_COMPRESSION DENO_SLOW_TEST_TIMEOUT DENO_SNAPSHOT_IMPORT_GRAPH
  DENO_STARTUP_PHASES DENO_TESTING_DISABLE_GIT_CHECK DENO_TESTING_UPGRADE DENO_TEST_JUPYTER_PATH
  DENO_TEST_SANITIZE_OPS DENO_TEST_SANITIZE_RESOURCES DENO_TLS_CA_STORE DENO_TOKIO_EVENT_INTERVAL
  DENO_TOKIO_GLOBAL_QUEUE_INTERVAL DENO_TOKIO_MAX_IO_EVENTS_PER_TICK DENO_TOKIO_METRICS
  DENO_TOKIO_METRICS_INTERVAL DENO_TRACE_PERMISSIONS DENO_TRUST_PROXY_HEADERS DENO_TSC_BIN
  DENO_TSC_DEBUG DENO_UNSTABLE_CONTROL_SOCK DENO_UNSTABLE_CRON_SOCK DENO_UNSTABLE_FFI_TRACE_TURBO
  DENO_UNSTABLE_LAZY_DYNAMIC_IMPORTS DENO_UNSTABLE_NPM_LAZY_CACHING
  DENO_UNSTABLE_OTEL_DETERMINISTIC DENO_UNSTABLE_RAW_IMPORTS DENO_UNSTABLE_SLOPPY_IMPORTS
  DENO_UNSTABLE_TSGO DENO_USE DENO_USE_CGROUPS DENO_USR2_MEMORY_TRIM DENO_V8_FLAGS
  DENO_WEBGPU_BACKEND DENO_WEBGPU_DX12_COMPILER DENO_WEBGPU_TRACE JSR_NPM_URL JSR_URL
  NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE NODE_CLUSTER_SCHED_POLICY NODE_DEBUG
  NODE_DEBUG_NATIVE NODE_DISABLE_COLORS NODE_EXTRA_CA_CERTS NODE_ICU_DATA NODE_NO_READLINE
  NODE_OPTIONS NODE_PENDING_PIPE_INSTANCES NODE_REPL_HISTORY NODE_REPL_HISTORY_SIZE NODE_REPL_MODE
  NODE_TEST_REPORTER NODE_TLS_REJECT_UNAUTHORIZED NODE_UNIQUE_ID NODE_USE_ENV_PROXY
  NODE_USE_SYSTEM_CA NODE_V8_COVERAGE NPM_CONFIG_MIN_RELEASE_AGE NPM_CONFIG_REGISTRY
  NPM_CONFIG_REPLACE_REGISTRY_HOST OTEL_DENO OTEL_DENO_CONSOLE OTEL_DENO_VSOCK RAYON_NUM_THREADS
  RAYON_RS_NUM_CPUS RUST_BACKTRACE RUST_LIB_BACKTRACE RUST_LOG RUST_LOG_STYLE RUST_MIN_STACK
  SSLKEYLOGFILE TOKIO_WORKER_THREADS
"

# What a hook is to see of them, as of the names that these scripts use, hull finds under a name of
# its own: src/own_environment.ts puts it back. An exported variable stays exported when it is set.
for HULL_CALLER in $foreign DENO_DIR DENO_NO_UPDATE_CHECK bundle cache code deno deno_version \
  brief_flags folder modules own own_home own_xdg root stamp; do
  eval "case \${$HULL_CALLER+x} in
    x) export HULL_CALLER_$HULL_CALLER=\"\$$HULL_CALLER\"; unset $HULL_CALLER ;;
  esac"
done
export HULL_CALLER=$$

. "${self%/*}/find_deno.sh"
if ! find_cached_deno; then
  printf 'hull: Deno %s is not here; run %s/setup once\n' "$deno_version" "${self%/*}" >&2
  exit 1
fi
root=${self%/scripts/*}

# Deno needs a folder to stand in. One that was removed is empty and can't be written, as /proc
# can't, while absolute paths mean what they did.
[ -d "${PWD-}" ] || cd /proc

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
