import type { Json } from "../faults.ts";
import { ONE_MAPPING, rules } from "../rules.ts";

const bind = (extra: Json) => [{ destination: "/d", source: "s", options: ["rbind"], ...extra }];
rules("mounts", [
  ["/mounts", {}, "must be an array"],
  ["/mounts", ["/tmp"], "must be an object", "/mounts/0"],
  ["/mounts", [{ type: "tmpfs" }], "is required", "/mounts/0/destination"],
  ["/mounts", [{ destination: "" }], "must not be empty", "/mounts/0/destination"],
  ["/mounts", [{ destination: "/d", options: "ro" }], "an array", "/mounts/0/options"],
  ["/mounts", bind({ source: undefined }), "path to bind", "/mounts/0/source"],
  ["/mounts", [{ destination: "/d", type: "bind" }], "path to bind", "/mounts/0/source"],
  ["/mounts", bind({ options: ["rbind", "idmap"] }), "no user namespace", "/mounts/0"],
  ["/mounts", bind({ uidMappings: ONE_MAPPING }), "is required with", "/mounts/0/gidMappings"],
  ["/mounts", bind({ gidMappings: ONE_MAPPING }), "is required with", "/mounts/0/uidMappings"],
  [
    "/mounts",
    [{ destination: "/d", type: "tmpfs", uidMappings: ONE_MAPPING, gidMappings: ONE_MAPPING }],
    "only bind mounts",
    "/mounts/0",
  ],
  ["/mounts", [{ destination: "/proc", type: "tmpfs" }], "type proc", "/mounts/0/destination"],
  ["/mounts", bind({ destination: "/proc/self/attr" }), "inside /proc", "/mounts/0/destination"],
  ["/mounts", bind({ destination: "/x/..//proc/./1" }), "inside /proc", "/mounts/0/destination"],
], [
  ["/mounts", [{ destination: "/d", type: "tmpfs", options: ["size=1k", "ro", "nosuid"] }]],
  ["/mounts", bind({ options: ["rbind", "rprivate", "rro", "nosuid", "noexec", "rw"] })],
  ["/mounts", bind({ uidMappings: ONE_MAPPING, gidMappings: ONE_MAPPING })],
  ["/mounts", bind({ destination: "/proc" })],
  ["/mounts", bind({ destination: "/proc/cpuinfo" })],
  ["/mounts", bind({ destination: "/process" })],
  ["/mounts", bind({ options: ["bind", "size=1k"] })],
]);
