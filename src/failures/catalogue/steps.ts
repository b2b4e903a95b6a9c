/**
 * The steps that errors name, in the order in which they happen.
 *
 * @module
 */

import type { Explanation } from "./explanation.ts";

/** Each of them. */
export const STEPS: Readonly<Record<string, Explanation>> = {
  skeleton: {
    meaning: "Makes the root file system of the built-in default.",
    causes: ["the root folder's file system is full or read-only"],
    remedies: ["name another folder with --root; see df and df -i"],
  },
  image: {
    meaning: "Reads an image and unpacks it.",
    causes: [
      "the image is damaged, or is not what it says (ImageInvalid)",
      "the file system that it is unpacked to is full, or read-only",
    ],
    remedies: [
      "fetch the image again as a whole; see df and df -i",
      "unpack it to a folder of another file system",
    ],
  },
  cgroups: {
    meaning: "Makes the container's cgroups, sets its limits, and enters them.",
    causes: [
      "this user may not write to that cgroup",
      "the controller is not there, or not given to the folder above (v2: cgroup.subtree_control)",
      "a value that the kernel does not take, such as a CPU that the host does not have",
      "the cgroup above has processes of its own (v2), so it can give controllers to nobody",
    ],
    remedies: [
      "hull doctor says which controllers there are and which driver fits",
      "hull --systemd-cgroup has systemd make them; --cgroup-manager disabled makes none",
    ],
  },
  resctrl: {
    meaning: "Puts the container into a class of cache and memory bandwidth (linux.intelRdt).",
    causes: ["resctrl is not mounted", "the CPU has no such feature", "no class is left"],
    remedies: ["mount -t resctrl resctrl /sys/fs/resctrl", "take linux.intelRdt out of the config"],
  },
  clone: {
    meaning: "Makes the first process in its new namespaces.",
    causes: [
      "this user, or the filter of a container around hull, may not make namespaces",
      "a limit of namespaces or processes is reached",
      "the id maps are refused",
    ],
    remedies: [
      "hull doctor says which rule of the host forbids it",
      "in a container of another engine: docker run --privileged, or --security-opt seccomp=unconfined",
    ],
  },
  join: {
    meaning: "Brings a further process into a running container.",
    causes: [
      "the container has ended meanwhile",
      "this user is not the one who made it",
      "the working folder or the user is not in the container",
    ],
    remedies: ["hull state ID says whether it runs", "call hull as the user who made it"],
  },
  stdio: {
    meaning: "Gives the process its standard streams.",
    causes: ["too many open files"],
    remedies: ["raise the limit: ulimit -n"],
  },
  seal: {
    meaning: "Hides hull's own program from the container, before anything of the container runs.",
    causes: ["mounts can't be made, since a filter or a right is in the way"],
    remedies: ["hull doctor says what is missing"],
  },
  reexec: {
    meaning: "Starts hull once more inside, where the start needs it.",
    causes: ["the program was replaced or removed meanwhile", "its folder can't be reached"],
    remedies: ["call hull again; install it where all users can read it"],
  },
  namespaces: {
    meaning: "Enters the namespaces that exist already, and makes those that are made late.",
    causes: [
      "the path in linux.namespaces is no namespace of that type",
      "this user may not enter it",
      "the kernel has no namespaces of that type",
    ],
    remedies: ["ls -l /proc/PID/ns shows what a process has; hull doctor what the kernel has"],
  },
  network: {
    meaning: "Makes the container's interfaces, addresses, routes and published ports.",
    causes: [
      "the port or the address is taken",
      "nft, pasta or slirp4netns is not installed",
      "an interface of that name is there, or its parent is not",
    ],
    remedies: [
      "hull doctor says what is missing; ss -ltnp shows who has a port",
      "docs/networking.md explains each kind",
    ],
  },
  propagation: {
    meaning: "Cuts the container's mounts off from the host's.",
    causes: ["mounts can't be made, since a filter or a right is in the way"],
    remedies: ["hull doctor says what is missing"],
  },
  sources: {
    meaning: "Opens the host's files and folders that are to be bound.",
    causes: [
      "the source of a mount is not there",
      "this user can't reach it",
      "an id-mapped mount of a file system that knows none",
    ],
    remedies: ["look at source of the mount that the error names; it is a path on the host"],
  },
  identity: {
    meaning: "Becomes the root of the user namespace, and joins a keyring.",
    causes: ["the ids are not mapped", "the user has no keys left (EDQUOT)"],
    remedies: ["raise /proc/sys/kernel/keys/maxkeys, or use --no-new-keyring"],
  },
  rootfs: {
    meaning: "Opens the root file system.",
    causes: [
      "root.path is no folder, or not there; it starts from the bundle",
      "the container's ids can't reach it: a folder above is not searchable (chmod a+x)",
    ],
    remedies: [
      "look at root.path; hull spec expects the files in the folder rootfs",
      "make a rootfs: skopeo and umoci, docker export, or debootstrap",
    ],
  },
  mounts: {
    meaning: "Makes the mounts of the config, in their order.",
    causes: [
      "the place is a file and the source a folder, or the other way round",
      "an option that the file system does not take",
      "an ordinary user mounts what only root may (bind it from the host instead)",
      "a place that leads out of the rootfs, or is on a read-only file system",
    ],
    remedies: ["/mounts/N in the error is the N+1st mount of the config"],
  },
  devices: {
    meaning: "Makes the device files.",
    causes: ["the host has no such device", "without root they are bound from the host's /dev"],
    remedies: ["look at linux.devices and at the host's /dev"],
  },
  hooks: {
    meaning: "Runs the programs under hooks.",
    causes: ["the hook failed, was late, or is not there"],
    remedies: ["hull explain HookFailed"],
  },
  pivot: {
    meaning: "Makes the rootfs the root, enters the working folder.",
    causes: [
      "process.cwd is not there and can't be made, or is a file",
      "the rootfs lies on a ramfs, which pivot_root does not take",
    ],
    remedies: ["look at process.cwd; --no-pivot for a ramfs"],
  },
  terminal: {
    meaning: "Makes the container's terminal.",
    causes: [
      "a detached container with a terminal needs --console-socket",
      "nobody listens at the console socket",
      "the mounts have no devpts at /dev/pts",
    ],
    remedies: ["leave out -t, or give --console-socket a socket that somebody listens at"],
  },
  hostname: {
    meaning: "Sets the hostname and the domain name.",
    causes: ["the container has no uts namespace of its own", "the name is longer than 64 bytes"],
    remedies: ["add a uts namespace to linux.namespaces, or take hostname out"],
  },
  sysctl: {
    meaning: "Writes the values of linux.sysctl.",
    causes: [
      "the kernel has no such key, or does not take the value",
      "an ordinary user may not set it",
    ],
    remedies: ["try it on the host: sysctl -w NAME=VALUE"],
  },
  masks: {
    meaning: "Covers the paths that the container must not see or write.",
    causes: ["a path in linux.maskedPaths or readonlyPaths that can't be covered"],
    remedies: ["look at the path that the error names"],
  },
  labels: {
    meaning: "Sets the AppArmor profile or the SELinux label.",
    causes: ["the profile is not loaded", "the label does not exist, or may not be taken on"],
    remedies: ["aa-status lists profiles; apparmor_parser -r FILE loads one"],
  },
  limits: {
    meaning: "Sets resource limits, the OOM score and the like.",
    causes: ["a hard limit is raised without root's rights", "a value that is out of range"],
    remedies: ["look at process.rlimits and process.oomScoreAdj"],
  },
  scheduling: {
    meaning: "Sets the scheduler, the I/O priority and the CPUs.",
    causes: ["a right is missing (CAP_SYS_NICE)", "the cgroup has no realtime time"],
    remedies: ["look at process.scheduler, process.ioPriority and process.execCPUAffinity"],
  },
  memory: {
    meaning: "Sets the memory policy.",
    causes: ["the host has no such NUMA node", "the kernel has no such mode"],
    remedies: ["look at linux.memoryPolicy; numactl --hardware lists the nodes"],
  },
  user: {
    meaning: "Becomes the user, with its groups and capabilities.",
    causes: [
      "an id that the user namespace does not map",
      "a capability that hull itself does not have",
    ],
    remedies: ["look at process.user, process.capabilities and linux.uidMappings"],
  },
  seccomp: {
    meaning: "Makes and loads the filter of system calls.",
    causes: [
      "libseccomp is not installed",
      "an action or a flag that this kernel does not have",
      "nobody listens at the socket for notifications",
    ],
    remedies: [
      "hull features lists the actions and flags; hull doctor says what is missing",
    ],
  },
  ready: {
    meaning: "Tells hull that the process is ready, and waits for the start.",
    causes: ["the process was killed while it waited", "a filter that forbids even to wait"],
    remedies: ["look whether somebody killed it: dmesg, hull state ID"],
  },
  exec: {
    meaning: "Executes the program.",
    causes: [
      "there is no such file in the rootfs, or not on the PATH of process.env",
      "it is there, but its interpreter (#!) or its loader is not (ENOENT)",
      "it may not be executed (EACCES): no x bit, or a noexec mount",
      "it is made for another CPU, or is no program at all (ENOEXEC)",
    ],
    remedies: [
      "look at process.args: the first word is the program, a path or a name on the PATH",
      "ls -l it inside the rootfs, and file it",
    ],
  },
  kill: {
    meaning: "Ends the container's processes, and waits until they have ended.",
    causes: ["a process hangs in the kernel, for example on a file system that does not answer"],
    remedies: ["cat /proc/PID/stack and /proc/PID/wchan of the processes that the error names"],
  },
};
