/**
 * The cgroups of a running container: where they are, and what was written there.
 *
 * @module
 */

/** Files that hold what a runtime gives, in either version; measures are no matter. */
const FILES =
  /^(cpu\.(shares|cfs_\w+_us|rt_\w+_us|idle|weight|weight\.nice|max|max\.burst)|cpuset\.(cpus|mems)|memory\.(limit_in_bytes|soft_limit_in_bytes|memsw\.limit_in_bytes|kmem\.tcp\.limit_in_bytes|swappiness|use_hierarchy|oom_control|min|low|high|max|swap\.max|oom\.group)|pids\.max|devices\.list|blkio\.(weight|bfq\.weight\w*|weight_device|throttle\.\w+_device)|io\.(weight|bfq\.weight|max)|hugetlb\.\w+\.(limit_in_bytes|max)|net_cls\.classid|net_prio\.ifpriomap|rdma\.max|misc\.max|cgroup\.(type|subtree_control|max\.\w+)|freezer\.state)$/;

/** Facts about the cgroups of a process; the container's id has the same name in all. */
export function cgroupFacts(pid: number, id: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const line of textOf(`/proc/${pid}/cgroup`)?.trimEnd().split("\n") ?? []) {
    const [, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    const name = controllers.replace("name=", "");
    facts.set(`path ${name}`, path.replaceAll(id, "ID"));
    const folder = folderOf(name, path);
    for (const file of namesIn(folder)) {
      if (!FILES.test(file)) continue;
      const text = textOf(`${folder}/${file}`);
      if (text !== undefined) facts.set(file, text.trimEnd().split("\n").sort().join(" | "));
    }
  }
  return facts;
}

function folderOf(name: string, path: string): string {
  if (name !== "") return `/sys/fs/cgroup/${name}${path}`;
  const hybrid = "/sys/fs/cgroup/unified";
  return `${namesIn(hybrid).length > 0 ? hybrid : "/sys/fs/cgroup"}${path}`;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
