/**
 * What Podman and Docker are asked for. Their commands are spelled alike, so one table serves both.
 *
 * @module
 */

import type { ClientCase } from "../fixtures/clients.ts";

const STATUS = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status";
const HOLD = "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done";
const HOLDING = `run -d --name $N bb sh -c "${HOLD}" >/dev/null; till 'c logs $N | grep up'`;
const REMOVE = "c rm -f $N >/dev/null; echo $?";
/**
 * For sed: takes the scope from the v1 hierarchy of devices. Beside systemd runc's process is at times
 * in the slice there, where none of the container's device rules hold. hull's is in its scope always:
 * see systemd_test.ts.
 */
const OWN_DEVICES = "s#^(:devices:.*\\.slice)/[^/]*\\.scope$#\\1#";

/** The cases of one of them. */
export function casesOf(client: "podman" | "docker"): ClientCase[] {
  return ENGINE_CASES.filter(({ only }) => (only?.[0] ?? client) === client);
}

/**
 * The table. In a script `c` is the client, `run` is `c run` with this host's flags, $N a free name.
 * Shares are the most that there are: their weight on v2 is the same by the old curve of runc and the
 * new one.
 */
const ENGINE_CASES: readonly ClientCase[] = [
  {
    name: "run: output, exit code, a signal's code",
    shows: "out\n7\n137\n",
    script: `
      run --rm bb sh -c 'echo out; echo err >&2; exit 7' 2>/dev/null; echo $?
      run --rm bb sh -c 'sleep 100 & kill -9 $!; wait $!'; echo $?`,
  },
  {
    name: "run: a command that is not there, and one that can't be executed",
    shows: "127\n127\n126\n",
    script: `
      run --rm bb /nothing 2>/dev/null; echo $?
      run --rm bb nothing 2>/dev/null; echo $?
      run --rm bb /etc/passwd 2>/dev/null; echo $?
      run --rm --workdir /etc/passwd bb true 2>/dev/null; echo $?`,
  },
  {
    name: "run --unsetenv-all: a name is not found without a PATH, a path is",
    only: ["podman", "Docker always sets a PATH"],
    shows: "127\nHOME=/root\n",
    script: `
      run --rm --unsetenv-all bb sh -c 'echo never' 2>/dev/null; echo $?
      run --rm --unsetenv-all bb /bin/env | grep HOME; echo $?
      c create --name $N --unsetenv-all bb sh >/dev/null; c start -a $N 2>/dev/null; echo $?; ${REMOVE}`,
  },
  {
    name: "run -i: standard input",
    shows: "  -\n0\n",
    script: `seq 20000 | run --rm -i bb md5sum; echo $?; run --rm bb sh -c 'seq 100000' | md5sum`,
  },
  {
    name: "run -t: a terminal",
    shows: "/dev/pts/0\ncrw",
    script: `
      script -qec "run --rm -t bb sh -c 'tty; test -t 0 && test -t 2 && ls -l /dev/console | cut -c1-10; exit 5'" /dev/null </dev/null
      echo $?`,
  },
  {
    name: "run -it: what is typed, and the window's size",
    shows: "6\n31 97\ntyped\n",
    // the client tells the size after the start
    script: `
      SIZE='for i in $(seq 100); do [ "$(stty size)" = "31 97" ] && break; sleep 0.1; done; stty size'
      (till "grep 'ready>' $D/typed"; printf '%s\\n' "$SIZE" 'echo ty""ped; exit 6') |
        script -qefc "stty rows 31 cols 97; run --rm -it -e 'PS1=ready>' bb sh" $D/typed >/dev/null
      echo $?; tr -d '\\r' <$D/typed | grep -xE '31 97|typed'`,
  },
  {
    name: "create, start -a, logs, wait, rm",
    shows: "one\ntwo\nexited 9\none\ntwo\n9\n0\n",
    script: `
      made=$(create --name $N bb sh -c 'echo one; echo two >&2; exit 9'); echo ok $?
      c inspect -f '{{.State.Status}}' $N
      c start -a $N 2>&1 | sort; c inspect -f '{{.State.Status}} {{.State.ExitCode}}' $N
      c logs $N 2>&1 | sort; c wait $N; c rm $N >/dev/null; echo $?`,
  },
  {
    name: "exec: output, exit codes, user, folder, environment, input",
    shows: "in\n4\n",
    script: `
      ${HOLDING}
      c exec $N sh -c 'echo in; exit 4'; echo $?
      c exec -u 1000 $N id; c exec -u alice:staff $N id; c exec -w /tmp -e A=b $N sh -c 'pwd; echo $A'
      echo given | c exec -i $N cat
      c exec $N nothing >/dev/null 2>&1; echo $?
      c exec $N sh -c 'kill -9 $$'; echo $?
      c exec -d $N sh -c 'echo later >/tmp/later' >/dev/null
      till 'c exec $N grep later /tmp/later'; c exec $N cat /tmp/later
      c exec $N sh -c "${STATUS}"
      ${REMOVE}`,
  },
  {
    name: "--privileged, for run and exec",
    shows: "CapEff",
    only: ["podman", "Docker asks for capabilities that not every host has, and runc fails there"],
    script: `
      run -d --name $N --privileged bb sh -c "${HOLD}" >/dev/null; c exec $N sh -c "${STATUS}"; ${REMOVE}
      run -d --name $N bb sh -c "${HOLD}" >/dev/null; c exec --privileged $N sh -c "${STATUS}"; ${REMOVE}`,
  },
  {
    name: "exec -t: a terminal",
    shows: "sized\n5\n6\ntyped\n",
    script: `
      ${HOLDING}
      script -qec "c exec -t $N sh -c 'tty >/dev/null && stty size >/dev/null && echo sized; exit 5'" /dev/null </dev/null; echo $?
      (till "grep 'ready>' $D/typed"; printf 'echo ty""ped; exit 6\\n') |
        script -qefc "c exec -it -e 'PS1=ready>' $N sh" $D/typed >/dev/null
      echo $?; tr -d '\\r' <$D/typed | grep -x typed
      ${REMOVE}`,
  },
  {
    name: "stats and top",
    shows: "NAME USED / 6",
    script: `
      run -d --name $N -m 64m bb sh -c "${HOLD}" >/dev/null; till 'c logs $N | grep up'
      c stats --no-stream --format '{{.Name}} {{.MemUsage}}' $N | sed 's|[0-9.]*[kKMG]*i*B / |USED / |'
      c stats --no-stream --format '{{.MemUsage}}' $N | grep -qE '^0B' && echo nothing
      c top $N | grep -q 'while :'; echo $? # two lines where a fork has not become sleep yet
      ${REMOVE}`,
  },
  {
    name: "pause and unpause",
    shows: "0\npaused\nstill\n",
    script: `
      run -d --name $N bb sh -c 'trap exit TERM; while :; do echo tick; sleep 0.1; done' >/dev/null; till 'c logs $N | grep tick'
      c pause $N >/dev/null; echo $?; c inspect -f '{{.State.Status}}' $N
      sleep 0.3; a=$(c logs $N | wc -l); sleep 0.5; b=$(c logs $N | wc -l); [ $a -gt 0 ] && [ $a = $b ] && echo still
      c exec $N true 2>/dev/null; echo $?
      c unpause $N >/dev/null; echo $?; c inspect -f '{{.State.Status}}' $N
      till "[ \\$(c logs $N | wc -l) -gt $b ]" && echo goes on
      ${REMOVE}`,
  },
  {
    name: "update: memory, cpu",
    shows: "100663296\n",
    script: `
      run -d --name $N -m 64m bb sh -c "${HOLD}" >/dev/null
      c update --cpu-shares 262144 --memory 96m --memory-swap 96m $N >/dev/null; echo $?
      c update --cpu-quota 50000 --cpu-period 100000 $N >/dev/null; echo $?
      c exec $N sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us memory.max cpu.weight cpu.max 2>/dev/null'
      ${REMOVE}`,
  },
  {
    name: "kill: a signal that is handled, and SIGKILL",
    shows: "12\nup\ngot\n137\n",
    script: `
      run -d --name $N bb sh -c 'trap "echo got; exit 12" USR1; echo up; while :; do sleep 0.1; done' >/dev/null
      till 'c logs $N | grep up'
      c kill -s USR1 $N >/dev/null; c wait $N; c logs $N
      c start $N >/dev/null; c kill $N >/dev/null; c wait $N; c kill $N 2>/dev/null; echo $?; c rm $N >/dev/null`,
  },
  {
    name: "stop: a handler, and one that ignores it",
    shows: "3\n0\n137\n",
    script: `
      ${HOLDING}
      c stop -t 20 $N >/dev/null; c inspect -f '{{.State.ExitCode}}' $N; c rm $N >/dev/null; echo $?
      run -d --name $N bb sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done' >/dev/null; till 'c logs $N | grep up'
      c stop -t 1 $N >/dev/null 2>&1; c inspect -f '{{.State.ExitCode}}' $N; c rm $N >/dev/null; echo $?`,
  },
  {
    name: "restart, and a restart policy",
    shows: "up\nup\nrunning\n",
    script: `
      ${HOLDING}
      c restart -t 20 $N >/dev/null; echo $?; till '[ $(c logs $N | grep -c up) = 2 ]'
      c logs $N; c inspect -f '{{.State.Status}}' $N; ${REMOVE}
      run -d --name $N --restart on-failure:2 bb sh -c 'echo try; exit 1' >/dev/null
      till '[ $(c logs $N | grep -c try) = 3 ] && c inspect -f "{{.State.Status}}" $N | grep exited'
      c logs $N; c inspect -f '{{.RestartCount}}' $N; ${REMOVE}`,
  },
  {
    name: "--user, --group-add, --cap-drop, --cap-add, --security-opt",
    shows: "== --cap-drop ALL\nuid=0",
    script: `
      for flags in "" "-u 1000 --group-add 77 --group-add staff" "-u alice" "-u 5:6" "-u alice:nogroup --cap-add SYS_ADMIN" \\
        "--cap-drop ALL" "--cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges" \\
        "--cap-drop ALL -u 1000 --security-opt seccomp=unconfined"
      do echo "== $flags"; run --rm $flags bb sh -c "id; ${STATUS}"; done`,
  },
  {
    name: "--read-only, -v, --tmpfs, --shm-size, --device, --mount",
    shows: "host\nin\nhost\n",
    script: `
      mkdir -p $D/v; echo host >$D/v/f
      run --rm --read-only bb sh -c 'touch /x 2>&1; touch /tmp/x 2>&1; touch /dev/shm/x && echo shm'
      run --rm -v $D/v:/v bb sh -c 'cat /v/f; echo in >/v/g'; cat $D/v/g
      run --rm -v $D/v:/v:ro bb sh -c 'cat /v/f; echo in >/v/h' 2>/dev/null; echo $?
      run --rm --tmpfs /t:size=1m,mode=750,noexec bb sh -c 'stat -c %a /t; grep " /t " /proc/mounts; dd if=/dev/zero of=/t/a bs=1M count=2 2>&1 | tail -n 1 | cut -c1-10'
      run --rm --shm-size 3m bb sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2'
      run --rm --device /dev/net/tun:/dev/tun:r bb sh -c 'ls -l /dev/tun | cut -c1-10; : </dev/tun && echo opened; : >/dev/tun' 2>&1
      run --rm --mount type=bind,src=$D/v,dst=/w,readonly,bind-propagation=rprivate bb sh -c 'grep " /w " /proc/self/mountinfo | cut -d" " -f5-7'`,
  },
  {
    name: "a named volume",
    shows: "kept\n0\n",
    script: `
      c volume create $N >/dev/null
      run --rm -v $N:/v bb sh -c 'echo kept >/v/f'; run --rm -v $N:/v:ro bb cat /v/f; c volume rm $N >/dev/null; echo $?`,
  },
  {
    name:
      "limits: --pids-limit, -m, --cpus, --cpu-shares, --cpuset-cpus, --oom-score-adj, --ulimit",
    shows: "\n33554432\n",
    script: `
      run --rm --pids-limit 5 bb sh -c 'cd /sys/fs/cgroup; cat pids/pids.max pids.max 2>/dev/null; exec 2>&1; for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' | sed 's/[^ ]*: //' | sort -u
      run --rm -m 32m --memory-swap 32m bb sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null'
      run --rm --cpus 0.5 --cpu-shares 262144 --cpuset-cpus 0 bb sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu/cpu.shares cpuset/cpuset.cpus cpu.max cpu.weight cpuset.cpus 2>/dev/null; nproc'
      run --rm --oom-score-adj 321 bb cat /proc/self/oom_score_adj
      run --rm --ulimit core=0:0 --ulimit nofile=100:200 bb sh -c 'ulimit -n; ulimit -Hn; ulimit -c'`,
  },
  {
    name: "an OOM kill is seen",
    shows: "137\n",
    script: `
      # containerd begins to watch for it a moment after the start, and sees none before; nor does it
      # tell of one after the container's end, whichever of the two it hears of first
      run --name $N -m 16m --memory-swap 16m bb sh -c 'sleep 2; tail /dev/zero; code=$?; sleep 2; exit $code'; echo $?
      c inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' $N; c rm $N >/dev/null`,
  },
  {
    name: "--init",
    shows: "init\n8\n143\n",
    script: `
      run --rm --init bb sh -c 'cat /proc/1/comm; exit 8'; echo $?
      run --init -d --name $N bb sh -c 'echo up; exec sleep 1000' >/dev/null; till 'c logs $N | grep up'
      c stop -t 20 $N >/dev/null; c inspect -f '{{.State.ExitCode}}' $N; ${REMOVE}`,
  },
  {
    name: "--hostname, --sysctl, --workdir, -e, --pid host, --ipc host, --uts host, --network host",
    shows: "box\n/tmp\nb\n4096\n1\n1\n1\n1\n",
    script: `
      run --rm --workdir /new/folder bb pwd 2>/dev/null; echo $?
      run --rm --hostname box --workdir /tmp -e A=b bb sh -c 'hostname; pwd; echo $A'
      run --rm --sysctl kernel.msgmax=4096 bb cat /proc/sys/kernel/msgmax
      run --rm --pid host bb sh -c 'readlink /proc/self/ns/pid' | grep -cxF $(readlink /proc/self/ns/pid)
      run --rm --ipc host bb readlink /proc/self/ns/ipc | grep -cxF $(readlink /proc/self/ns/ipc)
      run --rm --uts host bb hostname | grep -cxF $(hostname)
      c run --rm $LIMITS --network host bb readlink /proc/self/ns/net | grep -cxF $(readlink /proc/self/ns/net)`,
  },
  {
    name: "--pid, --ipc and --network of another container",
    shows: "shared\n",
    script: `
      run -d --name $N --ipc shareable bb sh -c "${HOLD}" >/dev/null
      c run --rm $LIMITS --network container:$N --pid container:$N --ipc container:$N bb sh -c 'tr "\\0" " " </proc/1/cmdline; echo; for n in net pid ipc; do readlink /proc/self/ns/$n; done' 2>/dev/null >$D/a
      grep -c 'while :' $D/a; c exec $N sh -c 'for n in net pid ipc; do readlink /proc/self/ns/$n; done' >$D/b; tail -n 3 $D/a | diff - $D/b && echo shared
      ${REMOVE}`,
  },
  {
    name: "what a container sees: mounts, devices, links, masks, cgroups, network",
    shows: "Max open files",
    script: `
      run --rm bb sh -c 'cut -d" " -f4-6 /proc/self/mountinfo | sort; ls -l /dev | awk "{print \\$1,\\$3,\\$4,\\$NF}"; ip -o link; ip -o addr; umask; env | sort; ls -l /proc/self/fd | wc -l; cat /proc/self/limits' |
        sed -E 's/[0-9a-f]{64}/ID/g; s/[0-9a-f]{12}/ID/g; s/[^ ]*(runc|hull)[^ ]*/HOST/g; /cgroup r[ow],/d'
      run --rm bb sh -c 'cat /proc/self/cgroup' | sed -E 's/[0-9a-f]{64}/ID/g; s/^[0-9]+//; ${OWN_DEVICES}'`,
  },
  {
    name: "a health check",
    shows: "unhealthy\n",
    script: `
      run -d --name $N --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 1 bb sh -c "${HOLD}" >/dev/null
      health $N unhealthy; c exec $N touch /tmp/well; health $N healthy; ${REMOVE}`,
  },
  {
    name: "cp and attach",
    shows: "data\ngot hello\n",
    script: `
      run -di --name $N bb sh -c 'read line; echo got $line; read more; exit 2' >/dev/null; echo data >$D/data
      c cp $D/data $N:/tmp/data; c cp $N:/tmp/data $D/back; cat $D/back
      (echo hello; till 'c logs $N | grep got'; echo bye) | c attach $N; echo $?; ${REMOVE}`,
  },
  {
    name: "twenty containers at once",
    shows: "19\n19\n20\n20\n",
    script: `
      for i in $(seq 20); do (run --rm bb sh -c "echo $i; exit $i" >$D/$i 2>$D/$i.err; echo $? >>$D/$i) & done; wait
      for i in $(seq 20); do cat $D/$i; done`,
  },
];
