/**
 * How much an image may be, and the count of what it is.
 *
 * @module
 */

import { imageInvalid } from "../archive/image_error.ts";

/** The bounds of one image. What is beyond one of them is an error, and nothing of it is left. */
export interface ImageLimits {
  /** How many bytes all layers may have unpacked; default 32 GiB. */
  readonly maxBytes: number;
  /** How many files, folders and links all layers may have; default 900 000. */
  readonly maxEntries: number;
  /**
   * How many times its compressed size a layer may have unpacked, beyond its first 64 MiB; default
   * 200.
   */
  readonly maxRatio: number;
}

const DEFAULTS: ImageLimits = {
  maxBytes: 32 * 2 ** 30,
  maxEntries: 900_000,
  maxRatio: 200,
};

/** What a ratio does not count for: a short file of zeros is no bomb. */
const UNBOUND_BYTES = 64 * 2 ** 20;

/** Limits, with the defaults for those left out. */
export function limitsOf(limits: Partial<ImageLimits> = {}): ImageLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** What is unpacked so far of one image. */
export class ImageCount {
  readonly #limits: ImageLimits;
  #bytes = 0;
  #entries = 0;

  /** Counts from nothing. */
  constructor(limits: ImageLimits) {
    this.#limits = limits;
  }

  /** Unpacked bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Entries of the archives. */
  get entries(): number {
    return this.#entries;
  }

  /**
   * Counts a further entry.
   *
   * @throws {ContainerError} `ImageInvalid`
   */
  addEntry(): void {
    this.#entries++;
    const { maxEntries } = this.#limits;
    if (this.#entries > maxEntries) throw beyond(`more than ${maxEntries} files`, "maxEntries");
  }

  /**
   * Counts further bytes.
   *
   * @param layer how many bytes of their layer there are so far, with these
   * @param packed of how many compressed ones
   * @throws {ContainerError} `ImageInvalid`
   */
  addBytes(count: number, layer: number, packed: number): void {
    this.#bytes += count;
    const { maxBytes, maxRatio } = this.#limits;
    if (this.#bytes > maxBytes) throw beyond(`more than ${maxBytes} bytes`, "maxBytes");
    if (layer > UNBOUND_BYTES && layer > packed * maxRatio) {
      throw beyond(`a layer of more than ${maxRatio} times its compressed size`, "maxRatio");
    }
  }
}

function beyond(what: string, name: keyof ImageLimits): Error {
  return imageInvalid(`the image has ${what}`, {
    hint: `if you trust it, give limits with a larger ${name} (hull run: --image-limit)`,
  });
}
