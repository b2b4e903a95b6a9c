/** The folder of the records of hull's bridges. @module */

/** The folder's name under the root folder. It is not a valid id, so no container can have it. */
export const NETWORKS_FOLDER = "~networks";

/** Whether there is any record under a root folder. */
export function hasRecords(root: string): boolean {
  try {
    Deno.lstatSync(`${root}/${NETWORKS_FOLDER}`);
    return true;
  } catch {
    return false; // what can't be looked at can't be used either
  }
}
