/**
 * Images run on hull as under Podman. They are built and saved by Podman; each case is a script that
 * is run with both.
 *
 * The files are compared as the bytes of an archive of them: names, kinds, modes, owners, sizes,
 * times, links, hard links, attributes and contents. Left out are the root folder itself, whose mode
 * no layer tells (Podman: 0555), and the folders that hull adds for mounts (/dev, /proc, /sys, and
 * volumes) where the image has none.
 *
 * Of what a program sees these are left out: the variable `container` and /run/.containerenv, by which
 * Podman tells who it is; /etc/mtab, which Podman makes where it is missing; HOME of a user whom /etc/passwd has not (Podman takes the working folder,
 * Docker and hull /); what /etc/hosts says of Podman's own host; the sizes and times of folders that
 * lie in memory; capabilities, filters and limits, which are hull's own: docs/default.md.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { unpackImage } from "../../mod.ts";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import { ClientGuard } from "../fixtures/client_guard.ts";
import {
  type ClientBench,
  compareRuntimes,
  LAUNCHER,
  runScript,
  takesOverlays,
  writePrograms,
} from "../fixtures/clients.ts";
import { type Form, IMAGES, makeImages } from "../fixtures/made_images.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { IMAGE_CASES } from "./image_cases.ts";

const NAME = `hull-images-${Deno.pid}`;
const CGROUP = clientCgroup(NAME);

/** Puts the image's name where its words begin. */
const PLACED = `image=$1 seen=
shift
for word; do
  shift
  if [ -z "$seen" ] && [ "$word" = -- ]; then
    seen=1
    set -- "$@" "localhost/$image"
  else
    set -- "$@" "$word"
  fi
done
`;

/**
 * The programs of the scripts: `on IMAGE [FLAG…] -- [WORD…]` runs an image, `up` does so in the
 * background as $N, `within` runs a further program in it, `signal IMAGE` prints the signal that ends it,
 * and `down` ends it by that and prints its exit code.
 */
function writePodman(folder: string): void {
  const own = `${folder}/runc`;
  const driver = takesOverlays(folder) ? "overlay" : "vfs";
  const flags = `--root ${own}/root --runroot ${own}/run --tmpdir ${own}/tmp ` +
    `--storage-driver ${driver} --events-backend file`;
  const run = "c run --network none $LIMITS";
  writePrograms(`${own}/bin`, {
    c: `CONTAINERS_CONF=${own}/bin/containers.conf exec podman ${flags} "$@"`,
    on: `${PLACED}exec ${run} --rm "$@"`,
    up: `${PLACED}exec ${run} -d --name $N "$@" >/dev/null`,
    within: 'exec c exec $N "$@"',
    signal: "c image inspect -f '{{.Config.StopSignal}}' $1",
    down: "c stop -t 20 $N >/dev/null; c inspect -f '{{.State.ExitCode}}' $N; c rm $N >/dev/null",
  });
  const config = `[engine]
cgroup_manager = "${CGROUP_DRIVER}"
lock_type = "file"
runtime = "runc"
[engine.runtimes]
runc = ["/usr/sbin/runc"]
`;
  Deno.writeTextFileSync(`${own}/bin/containers.conf`, config);
}

function writeHull(folder: string): void {
  const own = `${folder}/hull`;
  const flags = CGROUP_DRIVER === "systemd" ? " --systemd-cgroup" : "";
  const forms = Object.entries(IMAGES).map(([name, [form]]) => `${name}) form=${form} ;;`).join(
    " ",
  );
  const begin = `image=$1; shift; case $image in ${forms} esac\n`;
  const image = `--image ${folder}/saved/$image.$form --image-store ${own}/store/$form`;
  writePrograms(`${own}/bin`, {
    c: `exec ${LAUNCHER} --root ${own}/root${flags} "$@"`,
    on: `${begin}exec c run ${image} "$@"`,
    up: `${begin}
      for word; do
        shift
        if [ "$word" = -- ]; then set -- "$@" "$N" --; else set -- "$@" "$word"; fi
      done
      exec c run -d --supervise ${image} "$@"`,
    within: 'exec c exec $N "$@"',
    signal: `c state $N | sed -n 's/.*stopSignal": "\\(.*\\)".*/\\1/p'`,
    down: "c kill $N $(signal -); c wait $N; c delete $N",
  });
}

// All that is in a folder, in the order of the names; not the folder itself.
const PACK = `pack() {
  cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | tar --no-recursion --null \\
    --numeric-owner --xattrs --xattrs-include='*' --format=pax \\
    --pax-option=delete=atime,delete=ctime -cf "$2" -T -
}
listed() { tar --full-time --xattrs -tvf "$1" >"$1.list"; }
`;

/** Unpacks an image from each of its forms, and compares the files with those that Podman mounts. */
async function compareFiles(
  { folder, ...bench }: ClientBench,
  name: string,
  forms: readonly Form[],
): Promise<void> {
  const trees = `${folder}/trees-${name}`;
  Deno.mkdirSync(trees);
  for (const form of forms) {
    await unpackImage(`${folder}/saved/${name}.${form}`, `${trees}/${form}`);
  }
  const { code, stdout, stderr } = await runScript(
    { folder, ...bench },
    `set -e
    ${PACK}
    (pack "$(c image mount ${name})" ${trees}/podman.tar)
    c image unmount ${name} >/dev/null
    cd ${trees}
    for form in ${forms.join(" ")}; do
      (pack $form ${trees}/hull.tar)
      cmp -s podman.tar hull.tar && continue
      for one in podman hull; do listed $one.tar; done
      echo "$form:"; diff podman.tar.list hull.tar.list || echo "only contents differ"
    done`,
    "runc",
  );
  assertEquals({ code, stdout: stdout.slice(0, 3000) }, { code: 0, stdout: "" }, stderr);
}

async function missing(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "root";
  try {
    for (const program of ["podman", "conmon", "runc", "dpkg-deb", "apt-get"]) {
      await new Deno.Command(program, { args: ["--version"] }).output();
    }
    return undefined;
  } catch {
    return "podman, conmon, runc, and Debian's apt-get and dpkg-deb";
  }
}

testWhere(await missing(), "images run as under Podman", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const bench = {
    folder,
    prefix: NAME,
    limits: `--cgroup-parent ${CGROUP.parent}`,
    programs: (runtime: string) => `${folder}/${runtime}/bin`,
  };
  writePodman(folder);
  writeHull(folder);
  await using _guard = new ClientGuard(folder, {
    cgroup: CGROUP.folder,
    programs: bench.programs("runc"),
    clean: [
      "c rm -fa -t 0; c system reset -f",
      `PATH=${bench.programs("hull")}:$PATH`,
      "for one in $(c list -q); do c delete --force $one; done",
      CGROUP.remove,
    ].join("\n"),
  });
  const lack = await makeImages(bench, "runc");
  if (lack !== undefined) return console.log(`SKIP: images run as under Podman: needs ${lack}`);
  for (const [name, forms] of Object.entries(IMAGES)) {
    await t.step(`the files of ${name}`, async () => await compareFiles(bench, name, forms));
  }
  await compareRuntimes(t, IMAGE_CASES, bench);
});
