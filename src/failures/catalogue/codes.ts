/**
 * The codes of errors.
 *
 * @module
 */

import type { ContainerErrorCode } from "../../errors.ts";
import type { Explanation } from "./explanation.ts";

/** Each of them. */
export const CODES: Readonly<Record<ContainerErrorCode, Explanation>> = {
  ConfigInvalid: {
    meaning: "The config, a flag or an argument can't be used. Nothing was made. Where it is the " +
      "config, the error lists every place as a JSON pointer, and what is wrong there.",
    causes: [
      "a field that is missing, mistyped, or of another type than the OCI runtime-spec has",
      "fields that contradict each other, such as a path in a namespace that is to be new",
      "an id that the user namespace does not map",
      "a flag that the command does not have, or a value that it does not take",
      "a folder without a config.json, or one that is no JSON",
    ],
    remedies: [
      "look at the field that the pointer names: /mounts/2/destination is the third mount's",
      "hull COMMAND --help lists the flags and what they take",
      "hull spec writes a config that works, to compare with",
    ],
  },
  ContainerNotExists: {
    meaning: "There is no container of that id under this root folder, or it is not hull's.",
    causes: [
      "a mistyped id",
      "it has ended, and run removed it",
      "it was made with another --root, or by another user",
      "another program removed it meanwhile",
    ],
    remedies: [
      "hull list shows what is there; hull --root DIR list what is under another root",
      "run it with --keep, and it stays after its end",
    ],
  },
  ContainerNotPaused: {
    meaning: "Only a paused container can be resumed, and this one is not.",
    causes: ["somebody resumed it already", "it has ended"],
    remedies: ["hull state ID says in which state it is"],
  },
  ContainerNotRunning: {
    meaning:
      "The call needs a container that runs (or one that waits for its start), and this one " +
      "does not, or no more.",
    causes: [
      "its program has ended",
      "it is created, but not started yet",
      "it was started already, and is to be started again",
      "it has no exit code, since nobody kept it",
    ],
    remedies: [
      "hull state ID says in which state it is; hull logs ID what it printed, if that was kept",
      "hull start ID starts one that is created",
      "create or run it with --supervise, and hull wait knows its exit code later",
    ],
  },
  ContainerNotStopped: {
    meaning: "The container still runs, or is created, and what was asked for needs one that has " +
      "ended.",
    causes: ["hull delete of a container that runs", "hull start of one that runs already"],
    remedies: [
      "hull kill ID TERM, then hull wait ID, then hull delete ID",
      "hull delete --force ID kills it and removes it",
    ],
  },
  ContainerPaused: {
    meaning:
      "The container's processes are stopped where they are, and would not hear what is asked.",
    causes: ["hull pause, or an engine's pause", "a second pause"],
    remedies: [
      "hull resume ID",
      "hull exec --ignore-paused joins it, but its processes go on only after a resume",
    ],
  },
  HookFailed: {
    meaning: "A program that the config names under hooks failed. Before the start that ends the " +
      "container; after it, it is only told.",
    causes: [
      "the hook ended with another exit code than 0: the error has what it wrote last",
      "it ran longer than its timeout",
      "it is not there, or can't be executed: createContainer and startContainer hooks run in the " +
      "container's namespaces",
    ],
    remedies: [
      "read what it wrote, behind the error's last semicolon",
      "call it by hand with the container's state on its stdin: hull state ID | /the/hook",
    ],
  },
  IdInUse: {
    meaning: "Something has the name already: a container its id, or somebody else its cgroup or " +
      "unit.",
    causes: [
      "a container of that id is there, if only as one that has ended",
      "a cgroup of that path has processes that are not this container's",
      "a resident hull listens at that socket",
    ],
    remedies: [
      "hull list, then hull delete ID, or choose another id",
      "choose another linux.cgroupsPath",
    ],
  },
  ImageInvalid: {
    meaning: "An image can't be used: it is damaged, it is not what its documents say, or a file " +
      "in it would lie outside the container or be more than the limits allow. Nothing of it is left.",
    causes: [
      "a folder or file that is no OCI layout and no archive of docker save or podman save",
      "a copy that broke off, so that a digest or a size is wrong",
      "several images, or none for this CPU",
      "a hostile image: names with .., links that lead out, devices, or a bomb",
    ],
    remedies: [
      "fetch it again as a whole: skopeo copy docker://NAME oci:DIR",
      "name one of several images as PATH:NAME",
      "raise the limit that the error names only if you trust whoever made the image",
    ],
  },
  InitFailed: {
    meaning:
      "A step of the start failed after the container's first process was made, and before " +
      "its program ran. What was made has been removed.",
    causes: [
      "the program is not in the rootfs, or can't be executed (step exec)",
      "a mount whose source or place is missing, or whose options the kernel does not take " +
      "(step mounts)",
      "a right that hull or the container does not have (EPERM), mostly without root's",
    ],
    remedies: [
      "the step, the call and the field in brackets say where: hull explain STEP, hull explain ERRNO",
      "hull plan ID prints every call of the start with the config's field behind it",
      "hull doctor says whether this host lets containers start at all",
    ],
  },
  InvalidIdFormat: {
    meaning: "A container can't have that id, since the id is the name of folders and cgroups.",
    causes: [
      "a slash, a blank or another character that is not allowed",
      "it is empty or too long",
    ],
    remedies: ["use 1 to 255 letters, digits and _ + . - (neither . nor .. alone)"],
  },
  NoProcessOps: {
    meaning: "What was asked of a Process of the library can't be done to it.",
    causes: [
      "it was not started yet",
      "it was started already: a Process starts once",
      "a stream was asked for that is not piped to this program, or a terminal that it has not",
    ],
    remedies: [
      "give it to Container.start or Container.run first, and make another one for another start",
      'make it with stdin, stdout or stderr "piped", or with terminal: true',
    ],
  },
  OomKilled: {
    meaning:
      "The memory limit is too low for the start itself: the kernel gave the first process " +
      "no memory before its program ran.",
    causes: [
      "linux.resources.memory.limit or --memory is below what a process takes",
      "a cgroup above has a lower limit, or is full",
    ],
    remedies: [
      "raise the limit: a shell takes a few hundred KiB, most programs some MiB",
      "look at memory.max (v1: memory.limit_in_bytes) of the cgroups above",
    ],
  },
  StateInvalid: {
    meaning:
      "The stored state of the container can't be read: it is damaged, or another version of " +
      "hull wrote it.",
    causes: [
      "the file system of the root folder was full, or lost data",
      "a hull of another version made the container",
      "somebody changed state.json",
    ],
    remedies: ["hull delete --force ID ends what can be found of it, and removes it"],
  },
  SystemError: {
    meaning:
      "A system call on the host's side failed. The error names the call, the errno and the " +
      "path.",
    causes: [
      "a file or folder that is missing, or that this user may not use",
      "a limit that is reached: open files, processes, memory, space",
      "a service that does not answer, such as systemd",
    ],
    remedies: [
      "hull explain ERRNO says what the errno mostly means",
      "hull doctor says what this host lacks",
      "hull --debug says what was done before, and where in the sources it failed",
    ],
  },
  Unsupported: {
    meaning: "This kernel, this host or this user can't do what the config asks for. Nothing was " +
      "made.",
    causes: [
      "the kernel lacks a call, a controller or a security module",
      "a program or library is not installed: nft, pasta, newuidmap, libseccomp",
      "an ordinary user asks for what takes root, such as limits without delegated cgroups",
    ],
    remedies: [
      "do what the error says behind its last semicolon",
      "hull doctor looks at all of it at once",
      "take the field that the error names out of the config",
    ],
  },
};
