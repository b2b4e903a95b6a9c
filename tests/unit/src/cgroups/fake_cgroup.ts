/** A cgroup folder made of plain files: what is written to one can be read back. */

import { CgroupFolder } from "../../../../src/cgroups/folder.ts";

/** A temporary folder with the given files, removed at the end. */
export class FakeCgroup implements Disposable {
  readonly folder: CgroupFolder;

  constructor(files: Readonly<Record<string, string>> = {}) {
    const path = Deno.makeTempDirSync();
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${path}/${name}`, text);
    }
    this.folder = new CgroupFolder(path);
  }

  /** What stands in a file. */
  read(name: string): string {
    return Deno.readTextFileSync(`${this.folder.path}/${name}`);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
    Deno.removeSync(this.folder.path, { recursive: true });
  }
}
