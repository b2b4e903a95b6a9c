/**
 * The v1 hugetlb controller.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/hugetlb.rst.
 *
 * @module
 */

import type { HugepageLimit } from "../../config/types/config.ts";
import type { CgroupFolder } from "../folder.ts";
import { hugePageSizes } from "../controllers/huge_pages.ts";
import type { HugetlbStats } from "../stats.ts";

/**
 * Writes the limits, of pages in use and of pages reserved, where the kernel (5.7) has the latter.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyHugetlb(folder: CgroupFolder, limits: readonly HugepageLimit[]): void {
  limits.forEach(({ pageSize, limit }, index) => {
    const pointer = `/linux/resources/hugepageLimits/${index}`;
    folder.write(`hugetlb.${pageSize}.limit_in_bytes`, String(limit), pointer);
    const reserved = `hugetlb.${pageSize}.rsvd.limit_in_bytes`;
    if (folder.has(reserved)) folder.write(reserved, String(limit), pointer);
  });
}

/** Huge pages in use, by page size. */
export function hugetlbStats(folder: CgroupFolder): Record<string, HugetlbStats> {
  return Object.fromEntries(
    hugePageSizes().filter((size) => folder.has(`hugetlb.${size}.usage_in_bytes`)).map((size) => {
      const rsvd = folder.has(`hugetlb.${size}.rsvd.usage_in_bytes`) ? ".rsvd" : "";
      return [size, {
        usage: folder.number(`hugetlb.${size}${rsvd}.usage_in_bytes`),
        max: folder.number(`hugetlb.${size}${rsvd}.max_usage_in_bytes`, 0),
        failcnt: folder.number(`hugetlb.${size}${rsvd}.failcnt`, 0),
      }];
    }),
  );
}
