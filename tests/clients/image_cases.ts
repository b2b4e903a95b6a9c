/**
 * What images are asked for, with hull and with Podman.
 *
 * @module
 */

import type { ClientCase } from "../fixtures/clients.ts";

// What an engine lays over the image, or makes in it for itself.
const ENGINES = [
  ...["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mtab"],
  ...["/run/.containerenv", "/run/secrets"],
].map((path) => `! -path ${path}`).join(" ");
// Volumes are mounts of Podman's. Folders have other sizes in memory, and the time of what is made in them.
const LOOK =
  `find / -mindepth 1 -xdev ! -path /dev -a ! -path /proc -a ! -path /sys -a ! -path '/data/*' -a ${ENGINES} ` +
  String.raw`\( -type d -printf '%p %m %U %G\n' -o -printf '%p %m %U %G %s %n %l %T@\n' \)`;
const SORTED = "| LC_ALL=C sort";
const AS_LIST = `'["sh", "-c"]'`;

/** The table; what the programs are says images_test.ts. */
export const IMAGE_CASES: readonly ClientCase[] = [
  {
    name: "python: its entrypoint, arguments, variables, user, groups, folder and umask",
    shows: "ids (1000, 1000, 1000) (1001, 1001, 1001) [77, 1001]\n",
    script: "on python --hostname box --; on python --hostname box -- other 'words too'",
  },
  {
    name: "python: all of its files, as it sees them",
    shows: "/bin/also 4755 0 0 ",
    script: `on python -u 0 --entrypoint ${AS_LIST} -- "${LOOK}" ${SORTED}`,
  },
  {
    name: "python: users, with their groups and homes",
    shows: "33 33 77 /var/www\n",
    script: ["1000", "1000:0", "app:log", "www-data", "0", "4242:77"].map(
      (user) =>
        `on python -u ${user} --entrypoint ${AS_LIST} -- 'echo $(id -u) $(id -G) $(test $(id -u) = 4242 || echo $HOME)'; echo $?`,
    ).join("\n"),
  },
  {
    name: "python: a user or group that it has not",
    shows: "failed\nfailed\n",
    script: "on python -u nosuch -- x 2>/dev/null || echo failed\n" +
      "on python -u app:nosuch -- x 2>/dev/null || echo failed",
  },
  {
    name: "python: other programs, variables, folders and names",
    shows: "/tmp EMPTY= A=1 box box C two  blanks\n3\n137\n",
    script: `
      on python -w /tmp -e A=1 -e LANG=C --hostname box --entrypoint ${AS_LIST} -- \
        'echo $(pwd) EMPTY=$EMPTY A=$A $HOSTNAME $(cat /etc/hostname) $LANG "$GREETING"'
      on python --entrypoint python3 -- -c 'import sys; sys.exit(3)'; echo $?
      on python --entrypoint ${AS_LIST} -- 'sleep 9 & kill -9 $!; wait $!'; echo $?
      on python --entrypoint ${AS_LIST} -- 'exec cat >&2'; echo $?
      on python --entrypoint nothing -- x 2>/dev/null; echo $?
      on python --entrypoint /etc/passwd -- x 2>/dev/null; echo $?`,
  },
  {
    name: "python: volumes, which can be written to also under a read-only root",
    shows: "/data/file 644 1000 0\n/data/new 644 1000 1001\n",
    script: `
      for flag in --read-only=false --read-only; do
        on python $flag --entrypoint ${AS_LIST} -- '
          cat /data/file; for place in /data /fresh/volume /tmp /srv/app; do
            touch $place/new 2>/dev/null && echo $place; done
          find /data /fresh /run /tmp /var/tmp ! -name .containerenv -printf "%p %m %U %G\n" ${SORTED}'
      done`,
  },
  {
    name: "python: a script of the host's",
    shows: "42\n",
    script: `
      chmod 755 $D; echo 'print(6 * 7)' >$D/script.py
      on python -v $D:/work:ro -w /work --entrypoint python3 -- script.py
      on python --entrypoint python3 -- -c 'import hashlib, ssl' 2>&1 | tail -n 1`,
  },
  {
    name: "nginx: all of its files, as it sees them",
    shows: "/var/log/nginx 755 33 4",
    script: `on nginx -- sh -c "${LOOK}" ${SORTED}`,
  },
  {
    name: "nginx: its config is right, and it serves a page on its own loopback",
    shows: "Welcome to nginx",
    script: `
      on nginx -- nginx -t 2>&1
      up nginx --
      page='busybox wget -q -O - http://127.0.0.1:8080/'
      till "within $page"
      within $page
      within busybox wget -q -O - http://127.0.0.1:8080/nothing 2>&1; echo $?
      within busybox ps -o user,args | grep -e 'nginx:'
      within sh -c 'for p in $(busybox pidof nginx); do busybox grep -h -e ^Uid -e ^Gid -e ^Groups /proc/$p/status; done' ${SORTED} -u
      signal nginx; down`,
  },
  {
    name: "static: one program without users, in a folder that is made for it",
    shows: "HOSTNAME=box\nPATH=",
    script: `
      on static --hostname box -- | grep -v ^container= | grep -v ^HOME= ${SORTED}
      on static -- id; on static -- pwd; on static -- ls -ldn /made /made/here
      on static -- false; echo $?
      on static -u root -- id
      on static -u nobody -- id 2>/dev/null || echo no such user
      on static -- find / -mindepth 1 -xdev ! -path '/dev*' ! -path '/proc*' ! -path '/sys*' ! -path '/etc*' \
        ! -path '/run*' -type f -exec /busybox sha256sum '{}' ';'`,
  },
];
