/** Deep equality. @module */

/**
 * Whether two values are equal all the way down: of the same class, with the same keys and values;
 * NaN equals itself, sets and maps have no order.
 */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().equal(a, b);
}

class Comparison {
  /** Pairs under comparison: a cycle that comes back to one is equal as far as it goes. */
  readonly #seen = new Map<object, Set<object>>();

  equal(a: unknown, b: unknown): boolean {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
    if (constructorOf(a) !== constructorOf(b)) return false;
    if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
    if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
    if (a instanceof WeakMap || a instanceof WeakSet || a instanceof WeakRef) return false;
    if (this.#enter(a, b)) return true;
    if (a instanceof Set && b instanceof Set) return this.#sets(a, b);
    if (a instanceof Map && b instanceof Map) return this.#maps(a, b);
    return this.#fields(a, b);
  }

  /** Whether the pair is being compared already. */
  #enter(a: object, b: object): boolean {
    const others = this.#seen.get(a) ?? new Set();
    this.#seen.set(a, others);
    if (others.has(b)) return true;
    others.add(b);
    return false;
  }

  #sets(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = [...b];
    return [...a].every((item) => {
      const at = rest.findIndex((other) => equal(item, other));
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
  }

  #maps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
    return a.size === b.size &&
      [...a].every(([key, value]) =>
        b.has(key)
          ? this.equal(value, b.get(key))
          : [...b].some(([other, its]) => equal(key, other) && equal(value, its))
      );
  }

  #fields(a: object, b: object): boolean {
    if (a instanceof Error && b instanceof Error && a.message !== b.message) return false;
    if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
    const keys = ownKeys(a);
    return keys.length === ownKeys(b).length &&
      keys.every((key) =>
        Object.hasOwn(b, key) && this.equal(Reflect.get(a, key), Reflect.get(b, key))
      );
  }
}

/** An object without a prototype is like a plain one. */
function constructorOf(value: object): unknown {
  const { constructor } = value;
  return constructor === undefined || constructor === Object ? Object : constructor;
}

function ownKeys(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.getOwnPropertyDescriptor(value, key)?.enumerable === true
  );
}
