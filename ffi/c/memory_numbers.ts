/**
 * Numbers of mmap(2) and madvise(2), for programs of system calls that share a page of memory.
 *
 * @module
 */

export const PAGE_SIZE = 4096;
/** PROT_READ and PROT_WRITE. */
export const PROT_READ_WRITE = 3;
/** MAP_SHARED and MAP_FIXED. */
export const MAP_SHARED_FIXED = 0x11;
/** A child does not get this memory. */
export const MADV_DONTFORK = 10;
