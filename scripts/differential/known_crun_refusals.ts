/**
 * Known differences from crun in what is refused. That both refuse a case is all that is compared:
 * crun's order of looking is its own, and so are many of its words.
 *
 * @module
 */

import { covers, mountsOf } from "./case_look.ts";
import type { Known } from "./difference.ts";
import { bothRefuse, hullRefuses, runcRefuses as crunRefuses } from "./known_refusals.ts";

/** Words of mounts that crun takes for a file system's own. */
const WORDS: ReadonlySet<string> = new Set([
  "symfollow",
  "nosymfollow",
  "rnosymfollow",
  "rsymfollow",
  "silent",
  "loud",
  "iversion",
]);

/** Where one of the two, or both for other reasons, refuse a case. */
export const CRUN_REFUSALS: readonly Known[] = [
  bothRefuse("each what it meets first", "hull finds all faults of a document at once", () => true),
  crunRefuses(
    "attributes of a tree",
    "the spec has them all; crun hands some of them to the kernel in a way that it refuses",
    /mount_setattr `[^`]*`: Invalid argument/,
    (parts) =>
      mountsOf(parts).some(({ options = [] }) => options.some((word) => /^r.*time$/.test(word))),
  ),
  crunRefuses(
    "places behind links and ..",
    "hull makes what a path means, as runc; crun opens it before anything is made there",
    /openat2 `[^`]*`: (No such file or directory|Permission denied)/,
  ),
  crunRefuses(
    "paths that can't be there",
    "below a file, or at the end of links that never end, nothing is there to be covered",
    /openat2 `[^`]*`: (Not a directory|Too many levels of symbolic links)/,
  ),
  crunRefuses(
    "a rule for devices without access",
    "the spec: it may be left out; crun writes the kernel what that does not take",
    /write to `devices\.(allow|deny)`: Invalid argument/,
  ),
  crunRefuses(
    "swap of 0",
    "no limit of it is set, as with runc and in v2; crun writes it",
    /write to `memory\.memsw\.limit_in_bytes`: Invalid argument/,
  ),
  crunRefuses(
    "propagation of what can't be bound",
    "crun binds a mount once more after its propagation, which an unbindable one does not take",
    /set propagation for `[^`]*`: Invalid argument/,
  ),
  crunRefuses(
    "words for mounts",
    "mount(8) has them; crun hands the file system what that does not take",
    /mount `[^`]*` to `[^`]*`: Invalid argument/,
    (parts) => mountsOf(parts).some(({ options = [] }) => options.some((word) => WORDS.has(word))),
  ),
  crunRefuses(
    "proc and sysfs elsewhere",
    "neither the spec nor runc has this rule; crun wants them right below the root",
    /invalid target `[^`]*`: it must be mounted at the root/,
  ),
  crunRefuses(
    "all masked",
    "hull needs no /dev after the masks",
    /open `\/dev\/null`: No such file or directory/,
    (parts) => covers(parts, "maskedPaths", ["/", "/.", "/.."]),
  ),
  crunRefuses(
    "clocks beside a user namespace",
    "hull sets them from outside, as runc; crun's child may not",
    /timens_offsets`: Permission denied/,
  ),
  crunRefuses(
    "no mounts",
    "the spec: the field may be left out",
    /no `mounts` block specified/,
  ),
  crunRefuses(
    "a memory limit of 0",
    "it leaves the limit, as with runc; crun's init is killed by it",
    /OOM: the memory limit could be too low/,
  ),
  crunRefuses(
    "long names of cgroups",
    "cgroups may have them; crun makes the same folder where cgroup v2 is mounted not",
    /creating cgroup directory `[^`]*`: File name too long/,
  ),
  crunRefuses(
    "a device's mode with its type",
    "hull takes the nine bits and the special ones, as runc; crun gives the kernel two types",
    /mknodat `[^`]*`: Invalid argument/,
    (parts) => JSON.stringify(parts).includes('"fileMode":33188'),
  ),
  crunRefuses(
    "a working folder at a link to nowhere",
    "hull makes what the link means",
    /chdir to `[^`]*`: No such file or directory/,
  ),
  hullRefuses(
    "a cgroup by way of its parents",
    "nobody means a path that leads up",
    /can't be used;.* \/linux\/cgroupsPath: must not have a part/,
  ),
  hullRefuses(
    "labels of a module that is off",
    "what the config asks for can't be done, as runc's kernel says; crun passes it over",
    /a security module that the config names is not there/,
  ),
  hullRefuses(
    "relative paths of covers",
    "the spec: they must be absolute",
    /can't be used;.* \/linux\/(masked|readonly)Paths\/\d+: must be an absolute path/,
  ),
  hullRefuses(
    "an annotation without a name",
    "the spec: keys must not be empty",
    /can't be used;.* \/annotations\/: must have a name/,
  ),
  hullRefuses(
    "a null that is none",
    "hull covers files with nothing but the null device, and refuses where /dev/null is another",
    /is the null device: something else stands there/,
  ),
  hullRefuses(
    "values out of range",
    "those that the spec or the kernel has no meaning for; crun passes over them, or takes another",
    /can't be used;.*\/(memory\/swappiness|scheduler\/\w+|oomScoreAdj|rootfsPropagation|execCPUAffinity\/\w+): must be /,
  ),
  hullRefuses(
    "maps without a user namespace",
    "hull refuses ids that nothing maps, as runc does from 1.2 on",
    /can't be used;.* \/linux\/[ug]idMappings: needs a user namespace/,
  ),
  hullRefuses(
    "a user namespace without maps",
    "the spec has them in the config; crun makes some up",
    /can't be used;.* \/linux\/[ug]idMappings: is required/,
  ),
  hullRefuses(
    "limits named twice",
    "the spec: a second limit of one type is an error; crun takes the last",
    /can't be used;.*rlimits\/\d+: is a second limit of/,
  ),
  hullRefuses(
    "a device's type",
    "the spec: one of c, b, u and p; crun takes any other for a character device",
    /can't be used;.* \/linux\/devices\/\d+\/type: must be one of/,
  ),
  hullRefuses(
    "a device without a number",
    "the spec: it has both of them, unless it is a fifo",
    /can't be used;.* \/linux\/devices\/\d+\/(major|minor): is required/,
  ),
  hullRefuses(
    "a device's place",
    "the spec: a file that is not the device at its path is an error; crun lets it be",
    /another file stands there|an earlier entry has another device|is the device asked for: something else/,
  ),
  hullRefuses(
    "mounts over /proc",
    "hull lets nothing cover /proc or parts of it but what runc lets, by any kind of mount",
    /can't be used;.* \/mounts\/\d+\/destination: (is inside \/proc|takes only a mount of type proc)|is no proc file system|does not lead into a proc file system/,
  ),
  hullRefuses(
    "what is no version",
    "the spec: ociVersion is a SemVer version, of which hull knows 1.0 to 1.3",
    /can't be used;.* \/ociVersion: must be a version/,
  ),
  hullRefuses(
    "what is no variable",
    "the spec: environ(7)'s NAME=value; runc refuses it from 1.2 on",
    /can't be used;.*\/env\/\d+: must be of the form/,
  ),
  hullRefuses(
    "NUL in a string",
    "what comes after it would be lost, as it is with crun",
    /can't be used;.*: must not hold a NUL byte/,
  ),
  hullRefuses(
    "values of another type",
    "the spec's schema; crun takes numbers for strings",
    /can't be used;.*: must be a string, not \d/,
  ),
  hullRefuses(
    "clocks that there are not",
    "the spec: monotonic and boottime; crun passes over the rest",
    /can't be used;.* \/linux\/timeOffsets\/\S+: must be one of the clocks/,
  ),
  hullRefuses(
    "offsets without a time namespace",
    "they could only be the host's, which nothing changes; crun passes them over",
    /can't be used;.* \/linux\/timeOffsets: needs a time namespace/,
  ),
  hullRefuses(
    "a hook's timeout or path",
    "the spec: greater than zero, and absolute",
    /can't be used;.* \/hooks\/\w+\/\d+\/(timeout: must be an integer from 1|path: must be an absolute)/,
  ),
  hullRefuses(
    "bits of a umask",
    "hull refuses a umask beyond 0777, of which the kernel takes what fits",
    /can't be used;.*umask: must be an integer/,
  ),
  hullRefuses(
    "weights of block I/O",
    "the spec: 10 to 1000; crun passes over what the host has no file for",
    /can't be used;.* \/linux\/resources\/blockIO\/weight: must be/,
  ),
  hullRefuses(
    "what is no access",
    "the spec: it is made of r, w and m",
    /can't be used;.* \/linux\/resources\/devices\/\d+\/access: must be letters of rwm/,
  ),
  hullRefuses(
    "limits of a controller that is not there",
    "what the config asks for can't be done; crun passes some of them over",
    /the v1 controller \w+ is not mounted on this host/,
  ),
  hullRefuses(
    "shares of the CPU that the kernel cuts",
    "it would be another limit than was asked for, as runc says",
    /the maximum of cpu shares is/,
  ),
  hullRefuses(
    "links of /proc",
    "no magic link is followed to the folder that a process begins in",
    /cannot (enter \/proc\/|make the working folder).*ELOOP/,
  ),
];
