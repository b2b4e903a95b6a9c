/**
 * Fields whose meaning the spec has changed, read by the version that the document names.
 *
 * Source: the runtime-spec's ChangeLog. Of the changes from 1.0 to 1.3 this is the only one that
 * needs the document's version. Those about failures of poststart (1.2.1) and about where prestart
 * runs (1.1) only wrote down what runtimes did already. Runtimes never carried out enableCMT and
 * enableMBM, which 1.3 removed.
 *
 * @module
 */

import { isRecord } from "./field.ts";

/**
 * The document as it would be written for the newest version of the spec. `pids.limit: 0` is a
 * limit since 1.3; before, 0 was the default of a field that could not be left out, and no limit:
 * engines wrote it for -1.
 *
 * @param document may be anything: its faults are found later
 */
export function inNewestMeaning(document: unknown): unknown {
  if (!isRecord(document) || !isBefore13(document.ociVersion)) return document;
  const { linux } = document;
  if (!isRecord(linux)) return document;
  const resources = oldResources(linux.resources);
  if (resources === linux.resources) return document;
  return { ...document, linux: { ...linux, resources } };
}

/** The same for resources alone, as an update of a container of such a document gives them. */
export function oldResources(resources: unknown): unknown {
  if (!isRecord(resources) || !isRecord(resources.pids)) return resources;
  const { pids } = resources;
  return pids.limit === 0 ? { ...resources, pids: { ...pids, limit: -1 } } : resources;
}

/** Whether a version is 1.0, 1.1 or 1.2. */
export function isBefore13(version: unknown): boolean {
  return typeof version === "string" && /^1\.[0-2]\./.test(version);
}
