/**
 * Containers that a program of the user connects: pasta or slirp4netns.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DECOY, missing, OrdinaryUser } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

const PASTA = DECOY ?? missing("pasta");
const SLIRP = DECOY ?? missing("slirp4netns");

/** Waits a moment for the end of the process $pid, and says whether it is there. */
const ENDS = "for k in $(seq 100); do test -d /proc/$pid || break; sleep 0.05; done; " +
  "test -d /proc/$pid && echo stays || echo ended";

/** Runs a script with hull, in a network of its own. */
async function inNetwork(user: OrdinaryUser, script: string): Promise<string> {
  const call = ["sh", "-c", `${script}\n${ENDS}`];
  const { code, stdout, stderr } = await user.run(call, { network: true });
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  assertEquals(user.left(), []);
  return stdout;
}

testWhere(
  PASTA,
  "pasta gives a user's container the host's address, a route, and published ports",
  async () => {
    await using user = new OrdinaryUser();
    const hull = user.hull.join(" ");
    const folder = user.bundle("web", (config) => {
      config.process.args = ["httpd", "-f", "-p", "80", "-h", "/etc"];
    });
    for (const init of ["direct", "reexec"]) {
      const run = `${hull} run --init ${init} -d -b ${folder} --network pasta -p 18080:80`;
      const said = await inNetwork(
        user,
        `
      ${run} -p 18081:81/udp web </dev/null >/dev/null 2>log || cat log
      ${hull} exec web ip addr show eth0
      ${hull} exec web ip route
      for k in $(seq 100); do
        busybox wget -qO- http://127.0.0.1:18080/group 2>/dev/null && break
        sleep 0.05
      done
      pid=$(cat ${user.session}/hull/web/pasta.pid)
      test -d /proc/$pid && echo runs
      ${hull} delete --force web`,
      );
      assertMatch(said, /inet 192\.0\.2\.2\/24 [^]*default via 192\.0\.2\.1 dev eth0/);
      assertMatch(said, /\nlog:x:4:web\nruns\nended\n$/);
    }
  },
);

testWhere(SLIRP, "slirp4netns gives a user's container an address and a route", async () => {
  await using user = new OrdinaryUser();
  const hull = user.hull.join(" ");
  const pid = String.raw`s/.*"slirp4netns"[^}]*"process":{"pid":\([0-9]*\).*/\1/`;
  const said = await inNetwork(
    user,
    `
    ${hull} run -d --network slirp4netns web </dev/null >/dev/null 2>log -- sleep 1000 || cat log
    ${hull} exec web ip -o -4 addr show tap0
    ${hull} exec web ip route
    pid=$(sed '${pid}' ${user.session}/hull/web/state.json)
    test -d /proc/$pid && echo runs
    grep Seccomp: /proc/$pid/status
    ${hull} delete --force web`,
  );
  assertMatch(said, /tap0 +inet 10\.0\.2\.100\/24 [^]*default via 10\.0\.2\.2 dev tap0/);
  assertMatch(said, /\nruns\nSeccomp:\t2\nended\n$/); // it locks itself in
});

for (
  const [kind, lack, gateway] of [
    ["pasta", PASTA, "192.0.2.1"],
    ["slirp4netns", SLIRP, "10.0.2.2"],
  ] as const
) {
  testWhere(lack, `behind ${kind} a container does not reach the host's loopback`, async () => {
    await using user = new OrdinaryUser();
    const hull = user.hull.join(" ");
    const ask = String.raw`printf 'GET /x HTTP/1.0\r\n\r\n' | timeout 2 nc -w 1`;
    const folder = user.bundle("curious", (config) => {
      const script = `for to in ${gateway} 192.0.2.2; do ${ask} $to 1999; done 2>&1`;
      config.process.args = ["sh", "-c", `${script} | grep secret; true`];
    });
    const script = `
      echo secret >x
      busybox httpd -f -p 127.0.0.1:1999 -h . & server=$!
      for k in $(seq 100); do
        busybox wget -qO- http://127.0.0.1:1999/x 2>log && break
        sleep 0.05
      done
      ${hull} run -b ${folder} --network ${kind} web
      kill $server`;
    const { code, stdout } = await user.run(["sh", "-c", script], { network: true });
    assertEquals({ code, stdout }, { code: 0, stdout: "secret\n" });
  });
}

for (
  const [kind, lack, file] of [
    ["pasta", PASTA, "pasta.pid"],
    ["slirp4netns", SLIRP, "slirp.ready"],
  ] as const
) {
  testWhere(lack, `${kind} of a start that was killed ends with the container`, async () => {
    await using user = new OrdinaryUser();
    const hull = user.hull.join(" ");
    const place = `${user.session}/hull/web`;
    const said = await inNetwork(
      user,
      `
      ${hull} run --network ${kind} web </dev/null >/dev/null 2>log -- sleep 1000 &
      while ! [ -s ${place}/${file} ] && kill -0 $!; do :; done
      kill -KILL $!
      pid=$(cat ${place}/pasta.pid 2>log || sed 's/ .*//' ${place}/slirp.stat)
      test -d /proc/$pid && echo runs
      ${hull} delete --force web`,
    );
    assertMatch(said, /^runs\nended\n$/);
  });
}

for (
  const [kind, lack, name] of [["pasta", PASTA, "passt"], ["slirp4netns", SLIRP, "slirp4netns"]]
) {
  testWhere(lack, `a ${kind} that others than root can change is not run`, async () => {
    await using user = new OrdinaryUser();
    const args = ["run", "--network", `${kind}`, "web", "--", "true"];
    const place = `/usr/bin/${kind}`;
    for (const change of ["chmod 775", "chown 1001"]) {
      const copy = `cp ${place} ${user.folder}/copy; chmod 755 ${user.folder}/copy`;
      const before =
        `${copy}; ${change} ${user.folder}/copy; mount --bind ${user.folder}/copy ${place}`;
      assertMatch(
        await user.refuse(args, { network: true, before }),
        new RegExp(`^hull: ${kind} is not installed .*; install the package ${name} `),
      );
    }
  });
}

testWhere(
  PASTA,
  "a program that can't connect the container is told, and nothing is left",
  async () => {
    await using user = new OrdinaryUser();
    const covered = `mount --bind ${user.folder}/empty /dev/net/tun`;
    const said = await user.refuse(["run", "--network", "pasta", "web", "--", "true"], {
      network: true,
      before: covered,
    });
    assertMatch(
      said,
      /^hull: cannot connect the container by pasta: (?!Failed to send).*; every user must be let open .dev.net.tun/,
    );
    const low = ["run", "--network", "pasta", "-p", "80:80", "web", "--", "true"];
    const privileged = "echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start";
    assertMatch(
      await user.refuse(low, { network: true, before: privileged }),
      /; the port is taken, or below that of sysctl net\.ipv4\.ip_unprivileged_port_start$/,
    );
    const { code, stderr } = await user.call(["run", "--network", "pasta=x", "web"]);
    assertEquals(code, 125);
    assertStringIncludes(stderr, "pasta or slirp4netns");
  },
);
