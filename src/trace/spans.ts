/**
 * The spans of hull's own work: which methods of which steps are shown, and as what. Loaded with a
 * trace alone.
 *
 * @module
 */

/** By the name under which an object asks to be watched, and by its methods. */
export const SPANS = {
  /** src/container/creation.ts */
  creation: {
    run: "create",
    checkConfig: "check the config",
    requireFree: "look whether the id is free",
    claimCgroups: "look whether the cgroup is free",
    beginFolder: "make the state folder",
    takeLease: "lease addresses",
    keep: "keep the config",
  },
  /** src/container/starting.ts */
  starting: {
    startFirst: "start",
    loadExec: "load exec",
    startFurther: "exec",
    releaseFirst: "release",
  },
  /** src/container/release.ts */
  release: {
    runStartHooks: "run the startContainer hooks",
    letRun: "let the program run",
    follow: "run the poststart hooks",
  },
  /** src/container/ending.ts */
  ending: {
    destroy: "destroy",
    endProcesses: "end the processes",
    removeCgroups: "remove the cgroups",
    removeNetwork: "remove the network",
    removeState: "remove the state",
  },
  /** src/start/first_process.ts */
  first: {
    birth: "birth",
    awaitReady: "wait until init is ready",
    undo: "undo",
  },
  /** src/start/host_steps.ts */
  host: {
    makeCgroups: "make the cgroups",
    awaitCgroups: "wait for the cgroups",
    limitCgroups: "set the limits",
    compileFilter: "compile the filter",
    writeState: "write the state",
  },
  /** src/start/child_steps.ts */
  child: {
    beginTrace: "begin the child's trace",
    openMounts: "make the id-mapped mounts",
    layOutPlan: "lay out the plan",
    startSupervisor: "start the supervisor",
    cloneChild: "clone the child",
  },
  /** src/start/parent_steps.ts */
  parent: {
    writeIdMaps: "write the id maps",
    makeNetwork: "make the network",
    sendConfig: "send the config",
    runHooks: "run the hooks",
    doWork: "work for the child",
    passListener: "pass the filter's listener",
  },
  /** src/exec/exec.ts */
  exec: {
    compileFilter: "compile the filter",
    birth: "start the usher and wait",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;
