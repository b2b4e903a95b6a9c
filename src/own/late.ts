/**
 * How a module is loaded when it is first needed. A room that needs many modules late keeps them in
 * a `late.ts`, so that the caller's text shows a plain call.
 *
 * @module
 */

/** The functions of a module, which give promises here. */
type Functions<Module> = {
  readonly [Name in keyof Module]: Module[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** For each class of a module, a function that makes an object of it. */
type Makers<Module> = {
  readonly [Name in keyof Module]: Module[Name] extends new (...args: infer Args) => infer Made
    ? (...args: Args) => Promise<Made>
    : never;
};

/**
 * A function that loads its module when it is called, and calls it.
 *
 * @param load imports the module: a literal path, which the bundle is made by
 */
export function late<Module, Name extends keyof Module>(
  load: () => Promise<Module>,
  name: Name,
): Functions<Module>[Name] {
  const call = async (...args: unknown[]) =>
    await ((await load())[name] as (...args: unknown[]) => unknown)(...args);
  return call as Functions<Module>[Name];
}

/** The same for a class, of which a call makes an object. */
export function lateNew<Module, Name extends keyof Module>(
  load: () => Promise<Module>,
  name: Name,
): Makers<Module>[Name] {
  const make = async (...args: unknown[]) =>
    new ((await load())[name] as new (...args: unknown[]) => unknown)(...args);
  return make as Makers<Module>[Name];
}
