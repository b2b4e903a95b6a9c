/**
 * Examples of the commands, for the help and the manual. A test parses each as a command line.
 *
 * @module
 */

/** A command line, and what it does. */
export type Example = readonly [line: string, meaning: string];

/** By the command; those of hull itself have no name. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "": [
    ["hull run web -- sh", "a shell in a new container with the host's /usr"],
    ["hull list", "the containers that there are"],
    ["hull exec -t web sh", "a shell in the container web, which runs"],
    ["hull doctor", "whether containers can run here"],
  ],
  completion: [
    ["hull completion bash >/etc/bash_completion.d/hull", "for all users of bash"],
    ["hull completion fish >~/.config/fish/completions/hull.fish", "for a user of fish"],
  ],
  create: [
    ["hull create -b /srv/web web", "the bundle in /srv/web; hull start web starts its program"],
    ["hull create --builtin web -- sleep 60", "the built-in default with another program"],
  ],
  delete: [
    ["hull delete web", "a container that has ended"],
    ["hull delete -f web", "even if it runs"],
  ],
  doctor: [
    ["hull doctor", "a line for each thing that hull needs"],
    ["hull --systemd-cgroup doctor --json", "with cgroups through systemd, for programs"],
  ],
  events: [
    ["hull events --interval 1s web", "what it uses, every second, and its OOMs"],
    ["hull events --stats web", "what it uses now"],
  ],
  exec: [
    ["hull exec -t web sh", "a shell at this terminal"],
    ["hull exec -e LANG=C -u 1000 web id", "as another user, with a variable"],
    ["hull exec -d web sleep 60", "in the background"],
  ],
  explain: [
    ["hull explain InitFailed", "a code"],
    ["hull explain ENOENT", "an errno"],
  ],
  features: [["hull features", "as JSON"]],
  inspect: [
    ["hull inspect web", "all, as JSON"],
    ["hull inspect --field config.process.args web", "one value"],
  ],
  kill: [
    ["hull kill web", "SIGTERM to its first process"],
    ["hull kill -a web KILL", "SIGKILL to all of its processes"],
  ],
  list: [
    ["hull list", "a table"],
    ["hull list -q", "the ids alone"],
    ["hull list -f json", "all that is known, for programs"],
  ],
  logs: [
    ["hull logs -f web", "what it prints, until it ends"],
    ["hull logs -n 20 web", "the last lines"],
  ],
  pause: [["hull pause web", "until hull resume web"]],
  plan: [["hull plan -b /srv/web", "what a start of the bundle would do"]],
  ps: [
    ["hull ps web", "as ps -ef shows them"],
    ["hull ps web -o pid,args", "with other options of ps"],
    ["hull ps -f json web", "their numbers alone"],
  ],
  resident: [
    ["hull resident", "serves until it is told to end"],
    ["hull resident status", "whether one serves, and how much it has done"],
    ["hull resident stop", "ends it"],
  ],
  resume: [["hull resume web", "after hull pause web"]],
  run: [
    ["hull run web -- sh", "the built-in default, at this terminal"],
    ["hull run -v ./src:/src -w /src -m 1g --init -- make", "with a folder, a limit and an init"],
    [
      "hull run -d --supervise -b /srv/web web",
      "a bundle in the background; hull wait has its code",
    ],
    ["hull run --network bridge -p 8080:80 web -- nginx", "with a network of its own and a port"],
  ],
  spec: [
    ["hull spec", "writes config.json here"],
    ["hull spec --builtin", "prints that of the built-in default"],
  ],
  start: [["hull start web", "after hull create web"]],
  state: [["hull state web", "as JSON"]],
  top: [
    ["hull top", "a live table; h shows the keys"],
    ["hull top --sort memory -n 1", "once, and by memory"],
    ["hull top --json --interval 5s", "for programs"],
  ],
  update: [
    ["hull update --memory 64m web", "64 MiB at most"],
    ["hull update --pids-limit 100 --cpu-quota 50000 web", "100 tasks, half of a CPU"],
  ],
  wait: [["hull wait web", "prints its exit code once it has ended"]],
};
