/** Many mounts in this program's mount namespace, which must be its own. @module */

import { run } from "../../tests/fixtures/bundle.ts";

const FIRST = 100;

/** They go with their scope. */
export class ManyMounts implements Disposable {
  readonly #folder: string;

  /**
   * Makes `count` mounts: some one by one, then copies of them all.
   *
   * @throws {Error} if this program's mount namespace is not its own
   */
  constructor(count: number) {
    if (Deno.readLinkSync("/proc/self/ns/mnt") === Deno.readLinkSync(`/proc/${Deno.ppid}/ns/mnt`)) {
      throw new Error("the mounts would be the host's: use scripts/soak scale");
    }
    this.#folder = Deno.makeTempDirSync({ prefix: "hull-mounts-" });
    run("sh", "-euc", SCRIPT, "sh", this.#folder, String(FIRST), String(count / FIRST));
  }

  /** Unmounts them all. */
  [Symbol.dispose](): void {
    run("umount", "-l", this.#folder);
    Deno.removeSync(this.#folder);
  }
}

const SCRIPT = `folder=$1 first=$2 copies=$3
mount -t tmpfs many "$folder"
mkdir "$folder/source" "$folder/first" "$folder/rest"
for k in $(seq "$first"); do
  mkdir "$folder/first/$k"
  mount --bind "$folder/source" "$folder/first/$k"
done
for k in $(seq 2 "$copies"); do
  mkdir "$folder/rest/$k"
  mount --rbind "$folder/first" "$folder/rest/$k"
done`;
