/**
 * The v2 hugetlb controller.
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
    folder.write(`hugetlb.${pageSize}.max`, String(limit), pointer);
    const reserved = `hugetlb.${pageSize}.rsvd.max`;
    if (folder.has(reserved)) folder.write(reserved, String(limit), pointer);
  });
}

/** Huge pages in use, by page size. */
export function hugetlbStats(folder: CgroupFolder): Record<string, HugetlbStats> {
  return Object.fromEntries(
    hugePageSizes().filter((size) => folder.has(`hugetlb.${size}.current`)).map((size) => {
      const reserved = `hugetlb.${size}.rsvd.current`;
      const usage = folder.has(reserved) ? reserved : `hugetlb.${size}.current`;
      const failcnt = folder.table(`hugetlb.${size}.events`).max ?? 0;
      return [size, { usage: folder.number(usage), max: 0, failcnt }];
    }),
  );
}
