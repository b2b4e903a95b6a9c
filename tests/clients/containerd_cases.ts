/**
 * What containerd is asked for. Its client keeps no logs and knows no user for run, no update,
 * stop, restart, init or health check: those are the engines' above it.
 *
 * @module
 */

import type { ClientCase } from "../fixtures/clients.ts";

/** The image's name. */
export const IMAGE = "docker.io/library/hull-bb:1";

const STATUS = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status";
const HOLD = "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done";

/**
 * Time to read: once in a thousand runs, of runc's as well, the client lacks what was written right
 * before the end.
 */
const READ = "sleep 1";

/**
 * The table. `run` is `ctr run` with a runtime's binary, `enter` its exec, `place` prints the path of
 * its cgroup; $N a free name.
 */
export const CONTAINERD_CASES: readonly ClientCase[] = [
  {
    name: "run: output, exit code, a signal's code",
    shows: "out\n7\n137\n",
    script: `
      run --rm ${IMAGE} $N /bin/sh -c 'echo out; ${READ}; exit 7'; echo $?
      run --rm ${IMAGE} $N /bin/sh -c 'sleep 100 & kill -9 $!; wait $!'; echo $?`,
  },
  {
    name: "run: a command that is not there",
    shows: "1\n",
    script: `run --rm ${IMAGE} $N /nothing 2>/dev/null; echo $?; c container rm $N >/dev/null 2>&1`,
  },
  {
    name: "run: standard input, which its client never closes",
    shows: "got a line\n",
    script:
      `echo a line | run --rm ${IMAGE} $N /bin/sh -c 'read line; echo got $line; ${READ}'; echo $?`,
  },
  {
    name: "run -t: a terminal, and what is typed",
    shows: "/dev/pts/0\n6\ntyped\n",
    script: `
      script -qec "run --rm -t ${IMAGE} $N /bin/sh -c 'tty; ${READ}; exit 5'" /dev/null </dev/null | grep -o '/dev/pts/[0-9]*'
      (till "grep -q 'ready>' $D/typed"; printf 'stty size; echo ty""ped; ${READ}; exit 6\\n') |
        script -qefc "stty rows 31 cols 97; run --rm -t --env 'PS1=ready>' ${IMAGE} $N /bin/sh" $D/typed >/dev/null
      echo $?; tr -d '\\r\\0' <$D/typed | grep -x typed`,
  },
  {
    name: "create, start, exec, ps, metrics, kill, rm",
    shows: "in\n4\n",
    script: `
      c container create ${IMAGE} $N /bin/true >/dev/null; c container rm $N; echo $?
      run -d --memory-limit 67108864 ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      enter --exec-id e1 $N /bin/sh -c 'echo in; ${READ}; exit 4'; echo $?
      enter --exec-id e2 $N /nothing 2>/dev/null; echo $?
      enter --exec-id e3 --user 1001 $N /bin/sh -c "id; ${STATUS}; ${READ}"
      enter --exec-id e4 --cwd /tmp $N /bin/sh -c 'pwd; ${READ}'
      [ $(c task ps $N | wc -l) -gt 1 ] && echo listed; c task metrics $N | grep -cE 'memory|pids'
      c task kill -s TERM $N; till "c task ls | grep $N | grep STOPPED"
      c task rm $N 2>&1 | grep -o 'code.*'; c container rm $N; echo $?`,
  },
  {
    name: "exec -t: a terminal",
    shows: "/dev/pts/",
    script: `
      run -d ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      script -qec "enter -t --exec-id e1 $N /bin/sh -c 'tty; ${READ}; exit 5'" /dev/null </dev/null | grep -o '/dev/pts/[0-9]*'
      c task kill -s KILL $N; till "c task ls | grep $N | grep STOPPED"
      c task rm $N 2>&1 | grep -o 'code.*'; c container rm $N; echo $?`,
  },
  {
    name: "pause and resume",
    shows: "PAUSED\nRUNNING\n",
    script: `
      run -d ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      c task pause $N; c task ls | grep $N | awk '{print $3}'
      c task resume $N; c task ls | grep $N | awk '{print $3}'
      c task kill -s KILL $N; till "c task ls | grep $N | grep STOPPED"
      c task rm $N 2>/dev/null; c container rm $N; echo $?`,
  },
  {
    name: "--cap-drop, --cap-add, --seccomp, --allow-new-privs, --read-only",
    shows: "Read-only file system\n1\n",
    script: `
      for flags in "" "--cap-drop CAP_CHOWN" "--cap-add CAP_SYS_ADMIN" \\
        "--seccomp" "--allow-new-privs"
      do echo "== $flags"; run --rm $flags ${IMAGE} $N /bin/sh -c "id; ${STATUS}; ${READ}"; done
      run --rm --read-only ${IMAGE} $N /bin/sh -c 'touch /x 2>&1 || { ${READ}; exit 1; }'; echo $?`,
  },
  {
    name: "--mount: a volume, a tmpfs",
    shows: "host\nin\n",
    script: `
      mkdir -p $D/v; echo host >$D/v/f
      run --rm --mount type=bind,src=$D/v,dst=/v,options=rbind:rw ${IMAGE} $N /bin/sh -c 'cat /v/f; echo in >/v/g; ${READ}'; cat $D/v/g
      run --rm --mount type=bind,src=$D/v,dst=/v,options=rbind:ro ${IMAGE} $N /bin/sh -c 'echo in 2>&1 >/v/h || { ${READ}; exit 1; }'; echo $?
      run --rm --mount type=tmpfs,src=tmpfs,dst=/t,options=size=1m:mode=750 ${IMAGE} $N /bin/sh -c 'stat -c %a /t; grep " /t " /proc/mounts; ${READ}'`,
  },
  {
    name: "--memory-limit, --cpus, --cpu-shares, --with-ns, --env, --cwd, --net-host",
    shows: "33554432\n",
    script: `
      run -d --memory-limit 33554432 --cpus 0.5 --cpu-shares 262144 ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      own=$(place); cd /sys/fs/cgroup
      cat memory/$own/memory.limit_in_bytes cpu/$own/cpu.cfs_quota_us cpu/$own/cpu.shares $own/memory.max $own/cpu.max $own/cpu.weight 2>/dev/null
      c task rm -f $N >/dev/null 2>&1; c container rm $N; echo $?
      run --rm --env A=b --cwd /tmp ${IMAGE} $N /bin/sh -c 'echo $A; pwd; ${READ}'
      run --rm --net-host ${IMAGE} $N /bin/sh -c 'readlink /proc/self/ns/net; ${READ}' | grep -cxF $(readlink /proc/self/ns/net)
      run --rm --with-ns uts:/proc/$$/ns/uts ${IMAGE} $N /bin/sh -c 'readlink /proc/self/ns/uts; ${READ}' | grep -cxF $(readlink /proc/self/ns/uts)`,
  },
  {
    name: "twenty containers at once",
    shows: "20\n20\n",
    script: `
      for i in $(seq 20); do (export i; numbered --rm ${IMAGE} $N-$i /bin/sh -c "echo $i; ${READ}; exit $i" >$D/$i 2>&1; echo $? >>$D/$i) & done; wait
      for i in $(seq 20); do cat $D/$i; done`,
  },
];
