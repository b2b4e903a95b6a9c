/**
 * What containerd's shims are asked for, beside what any runtime is: their own streams, options,
 * events and refusals.
 *
 * @module
 */

import type { ClientCase } from "../fixtures/clients.ts";
import { IMAGE } from "./containerd_cases.ts";

const HOLD = "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done";

/** The table; the words are those of containerd_cases.ts. */
export const SHIM_CASES: readonly ClientCase[] = [
  {
    name: "a log in a file",
    shows: "to the log\nan error\n",
    script: `
      run -d --log-uri file://$D/new/log ${IMAGE} $N /bin/sh -c 'echo to the log; sleep 0.5; echo an error >&2; sleep 1'
      till "grep error $D/new/log"; till "c task ls | grep $N | grep STOPPED"; cat $D/new/log
      c task rm $N; c container rm $N; echo $?`,
  },
  {
    name: "a log that a program writes",
    shows: "NAME\nout: to the log\nerr: an error\n",
    script: `
      printf '#!/bin/sh\\ntrap "" TERM; exec 5>&-; { echo $CONTAINER_ID $2; sed "s/^/out: /" <&3; sed "s/^/err: /" <&4; } >$1; mv $1 $1.whole\\n' >$D/logger
      chmod 755 $D/logger
      run -d --log-uri "binary://$D/logger?$D/log" ${IMAGE} $N /bin/sh -c 'echo to the log; echo an error >&2'
      till "c task ls | grep $N | grep STOPPED"
      c task rm $N; till "test -e $D/log.whole"; cat $D/log.whole; c container rm $N; echo $?`,
  },
  {
    name: "events, in their order",
    shows: "/tasks/create /tasks/start /tasks/exec-added /tasks/exec-started /tasks/exit",
    script: `
      c events >$D/events & events=$!
      run -d ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      enter --exec-id e1 $N /bin/sh -c 'exit 4'
      c task pause $N; c task resume $N
      c task kill -s TERM $N; till "c task ls | grep $N | grep STOPPED"; c task rm $N 2>/dev/null
      till "grep /tasks/delete $D/events"; kill $events
      grep "$N" $D/events | grep -o '/tasks/[a-z-]*' | tr '\\n' ' '
      grep /tasks/exit $D/events | grep $N | grep -o 'exit_status":[0-9]*'; c container rm $N`,
  },
  {
    name: "want of memory is told",
    shows: "/tasks/oom",
    script: `
      c events >$D/events & events=$!
      run --rm --memory-limit 20000000 ${IMAGE} $N /bin/sh -c 'dd if=/dev/zero bs=60M of=/dev/null count=1; sleep 1' >/dev/null 2>&1
      till "grep /tasks/oom $D/events"; kill $events; grep $N $D/events | grep -o /tasks/oom | head -1`,
  },
  {
    name: "a container that was never started is taken away",
    shows: "NAME\nCREATED\n0\n",
    script: `
      c run --help | grep -q null-io
      (run ${IMAGE} $N /bin/sh -c "${HOLD}" & echo $! >$D/pid; wait) >/dev/null 2>&1 &
      till "c task ls -q | grep $N"; c task ls -q | grep $N
      echo CREATED; c task kill -s KILL $N; till "c task ls | grep $N | grep STOPPED || ! c task ls -q | grep $N"
      c task rm -f $N >/dev/null 2>&1; c container rm $N >/dev/null 2>&1; c task ls -q | grep -c $N | grep -x 0`,
  },
  {
    name: "the same name twice, and names that are not there",
    shows: "already exists",
    script: `
      run -d ${IMAGE} $N /bin/sh -c "${HOLD}" >/dev/null
      c task exec --exec-id e1 --detach --fifo-dir $D/f $N /bin/sh -c 'sleep 100'
      c task exec --exec-id e1 --detach --fifo-dir $D/f $N /bin/true 2>&1 | grep -o 'already exists'
      c task rm $N 2>&1 | grep -o 'failed precondition'
      c task kill --exec-id e2 $N 2>&1 | grep -o 'not found'
      c task kill --exec-id e1 -s KILL $N; c task kill -s KILL $N
      till "c task ls | grep $N | grep STOPPED"; c task kill -s KILL $N 2>&1 | grep -o 'process already finished'
      c task rm -f $N 2>/dev/null; c container rm $N; echo $?`,
  },
];
