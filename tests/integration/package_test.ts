/** What `scripts/package` makes, and what becomes of a host that installs it. @module */

import { assertEquals, assertMatch } from "@std/assert";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { BUNDLER } from "../fixtures/installation.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const PACKAGE = fromFileUrl(new URL("../../scripts/package", import.meta.url));
const LIFE = fromFileUrl(new URL("../fixtures/programs/package_life.sh", import.meta.url));

/** Who makes it. */
const BY = ["DEBFULLNAME=The hull authors", "DEBEMAIL=hull@packages.debian.org"] as const;

const missing = BUNDLER ?? ROOT ?? (isInstalled("dpkg") ? undefined : "dpkg");

function isInstalled(program: string): boolean {
  const args = ["-c", 'command -v "$1"', "sh", program];
  return new Deno.Command("sh", { args }).outputSync().success;
}

/** A package with another bundle's name, as a later version has. */
function later(deb: string, folder: string): string {
  const script = `set -e; dpkg-deb -R "$1" "$2/tree"; cd "$2/tree/usr/lib/hull/packed"
    old=$(cat bundle) new=bundle-0000000000000000; mv "$old" $new; echo $new >bundle; cd "$2/tree"
    sed -i 's/^Version: .*/&.1/' DEBIAN/control; find usr -type f -exec md5sum {} + >DEBIAN/md5sums
    dpkg-deb --root-owner-group -Znone --build . "$2/later.deb"`;
  run("sh", "-c", script, "sh", deb, folder);
  return `${folder}/later.deb`;
}

testWhere(
  missing,
  "a package installs, is upgraded under a container that runs, and leaves nothing",
  () => {
    using scratch = scratchFolder();
    const deb = run("env", ...BY, PACKAGE, "--output", scratch.path, "--compression", "none")
      .trim();
    assertMatch(deb, /\/hull_\d[\d.]*-1_[a-z0-9]+\.deb$/);
    const [name, ...others] = run("dpkg-deb", "-f", deb, "Package", "Depends").split("\n");
    assertEquals([name, others.join("").includes("libc6")], ["Package: hull", true]);
    const mounted = `${scratch.path}/mounted`;
    Deno.mkdirSync(mounted);
    const said = run("unshare", "-m", LIFE, mounted, deb, later(deb, scratch.path));
    assertEquals(said.split("\n"), [
      "runs",
      "bundles while one is in use: 2",
      "lives",
      "bundles: 1",
      "lives without hull",
      "nothing is left",
      "",
    ]);
    if (isInstalled("lintian")) assertEquals(errorsIn(deb), []);
    else console.log("SKIP: whether lintian finds an error in a package: needs lintian");
  },
);

/** What lintian finds, but that it is not compressed, so as to be made sooner. */
function errorsIn(deb: string): string[] {
  const { stdout } = new Deno.Command("lintian", { args: ["--allow-root", deb] }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => {
    return line.startsWith("E: ") && !line.includes("uses-no-compression");
  });
}
