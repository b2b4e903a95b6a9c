/**
 * The sizes of huge pages, by the names that the hugetlb controller uses.
 *
 * @module
 */

const FOLDER = "/sys/kernel/mm/hugepages";

/** The sizes that this kernel has, such as `2MB` and `1GB`. */
export function hugePageSizes(): string[] {
  try {
    return [...Deno.readDirSync(FOLDER)].flatMap(({ name }) => hugePageSizeName(name) ?? []);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** `2MB` for `hugepages-2048kB`; undefined for another name. */
export function hugePageSizeName(name: string): string | undefined {
  const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(kilobytes)) return undefined;
  if (kilobytes >= 2 ** 20) return `${Math.floor(kilobytes / 2 ** 20)}GB`;
  return kilobytes >= 1024 ? `${Math.floor(kilobytes / 1024)}MB` : `${kilobytes}KB`;
}
