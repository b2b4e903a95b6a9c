import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Registry } from "../fixtures/registry.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const TOP = new URL("../../", import.meta.url).pathname;
const ID = "hull-anywhere";

/** The first program of README.md, what it prints, and the deno.json beside it. */
function readme(): { readonly program: string; readonly says: string; readonly config: string } {
  const text = Deno.readTextFileSync(`${TOP}README.md`);
  const block = (kind: string) =>
    new RegExp(`\`\`\`${kind}\n(.*?)\`\`\``, "s").exec(text)?.[1] ?? "";
  const program = block("ts");
  return { program, says: /\/\/ (\d .*)/.exec(program)?.[1] ?? "nothing", config: block("json") };
}

/** A program that needs TypeScript inside its container, too. */
const BOTH_WAYS = `
for (const init of ["direct", "reexec"] as const) {
  const factory = new Factory({ init });
  console.log((await run(["hostname"], { id: "${ID}", factory })).stdout.trim(), init);
}
`;
const BOTH_SAY = `${ID} direct\n${ID} reexec\n`;

/** A folder with a copy of what is published, and one for a program, which is empty. */
function elsewhere(): Disposable & { readonly hull: string; readonly own: string } {
  const scratch = scratchFolder();
  const [hull, own] = [`${scratch.path}/hull`, `${scratch.path}/own`];
  Deno.mkdirSync(own);
  const { stderr } = deno(TOP, ["publish", "--dry-run", "--allow-dirty", "--no-check"]);
  for (const [, url = ""] of stderr.matchAll(/^ +(file:\S+) \(/gm)) {
    const path = new URL(url).pathname.slice(TOP.length);
    Deno.mkdirSync(dirname(`${hull}/${path}`), { recursive: true });
    Deno.copyFileSync(`${TOP}${path}`, `${hull}/${path}`);
  }
  return { hull, own, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Deno; what it says has no colours, and its failure is this test's. */
function deno(cwd: string, args: readonly string[], env: Record<string, string> = {}): Said {
  return command(cwd, [Deno.execPath(), ...args], env);
}

function command(cwd: string, words: readonly string[], env: Record<string, string> = {}): Said {
  const [program = "", ...args] = words;
  const { success, stdout, stderr } = new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
  }).outputSync();
  const said = {
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
  if (!success) throw new Error(`${words.join(" ")}: ${said.stderr}`);
  return said;
}

/** The same with nothing kept from before, and no network, not even loopback. */
function offline(cwd: string, args: readonly string[]): Said {
  const words = ["unshare", "--net", Deno.execPath(), ...args];
  return command(cwd, words, { DENO_DIR: `${cwd}/../deno` });
}

testWhere(ROOT, "a program in another folder imports hull by a path, without network", async () => {
  await leavesNothing(ID, () => {
    using folders = elsewhere();
    const { hull, own } = folders;
    const path = "../hull/mod.ts";
    Deno.writeTextFileSync(`${own}/main.ts`, `import { Factory, run } from "${path}";${BOTH_WAYS}`);
    assertEquals(offline(own, ["run", "-A", "main.ts"]), { stdout: BOTH_SAY, stderr: "" });
    const { program, says, config } = readme();
    Deno.writeTextFileSync(`${own}/deno.json`, config);
    Deno.writeTextFileSync(`${own}/main.ts`, program);
    const { stdout, stderr } = offline(own, ["run", "-A", "main.ts"]);
    assertEquals([stdout.split("\n")[0], stderr], [says, ""]);
    // The command line, from the same folder.
    const hello = offline(own, ["run", "-A", `${hull}/mod.ts`, "run", ID, "--", "echo", "hello"]);
    assertEquals([hello.stdout, hello.stderr], ["hello\n", ""]);
    return Promise.resolve();
  });
});

testWhere(
  ROOT,
  "deno publish gives JSR what deno add takes from there, @std by its name",
  async () => {
    await leavesNothing(ID, async () => {
      using scratch = scratchFolder();
      await using registry = new Registry(scratch.path);
      const env = { JSR_URL: registry.url, DENO_DIR: `${scratch.path}/deno` };
      const flags = ["--token=none", "--no-provenance", "--no-check"];
      await denoAsync(TOP, ["run", "-A", "scripts/publish.ts", ...flags], env);
      const imports = Object.entries(registry.files("@hull/hull"))
        .filter(([path]) => /^(?:ffi|init|src)\/.*\.ts$/.test(path))
        .flatMap((
          [, bytes],
        ) => [...new TextDecoder().decode(bytes).matchAll(/^import .* from "(.*)";/gm)])
        .map(([, specifier = ""]) => specifier);
      assertEquals(
        [...new Set(imports.filter((specifier) => !/^\.\.?\/(?!.*std\/)/.test(specifier)))].sort(),
        ["jsr:@std/cli@^1/parse-args", "jsr:@std/path@^1/posix/resolve"],
      );
      const own = `${scratch.path}/own`;
      Deno.mkdirSync(own);
      Deno.writeTextFileSync(`${own}/deno.json`, "{}");
      Deno.writeTextFileSync(
        `${own}/main.ts`,
        `import { Factory, run } from "@hull/hull";${BOTH_WAYS}`,
      );
      await denoAsync(own, ["add", "--quiet", "jsr:@hull/hull"], env);
      const said = await denoAsync(own, ["run", "--quiet", "-A", "main.ts"], env);
      assertEquals(said, { stdout: BOTH_SAY, stderr: "" });
    });
  },
);

/** The registry is a part of this program, which must go on. */
async function denoAsync(cwd: string, args: string[], env: Record<string, string>): Promise<Said> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
  }).output();
  const said = {
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
  if (!success) throw new Error(`deno ${args.join(" ")}: ${said.stderr}`);
  return said;
}

Deno.test("hull works in Workers, two at once on one root", async () => {
  await leavesNothing(ID, () => {
    using scratch = scratchFolder();
    Deno.writeTextFileSync(
      `${scratch.path}/worker.ts`,
      `import { Factory, run } from "${TOP}mod.ts";
      const factory = new Factory({ root: "${scratch.path}/root" });
      self.onmessage = async ({ data: id }) => {
        const { stdout } = await run(["hostname"], { id, factory });
        self.postMessage(stdout);
      };`,
    );
    Deno.writeTextFileSync(
      `${scratch.path}/main.ts`,
      `const url = import.meta.resolve("./worker.ts");
      const outputs = await Promise.all(["${ID}-1", "${ID}-2"].map(async (id) => {
        const { promise, resolve } = Promise.withResolvers<string>();
        const worker = new Worker(url, { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage(id);
        const output = await promise;
        worker.terminate();
        return output;
      }));
      console.log(outputs.join(""));`,
    );
    const { stdout } = deno(TOP, ["run", "-A", `${scratch.path}/main.ts`]);
    assertEquals(stdout, `${ID}-1\n${ID}-2\n\n`);
    return Promise.resolve();
  });
});

Deno.test("two programs share a root, and an id is the first one's", async () => {
  await leavesNothing(ID, async () => {
    using scratch = scratchFolder();
    Deno.writeTextFileSync(
      `${scratch.path}/main.ts`,
      `import { ContainerError, Factory, run } from "${TOP}mod.ts";
      const factory = new Factory({ root: "${scratch.path}/root" });
      const taken = { won: 0, lost: 0 };
      for (let k = 0; k < 20; k++) {
        try {
          await run(["true"], { id: "${ID}", factory });
          taken.won++;
        } catch (error) {
          if (!(error instanceof ContainerError && error.code === "IdInUse")) throw error;
          taken.lost++;
        }
      }
      console.log(JSON.stringify(taken));`,
    );
    const both = await Promise.all([1, 2].map(async () => {
      const { stdout } = await denoAsync(TOP, ["run", "-A", `${scratch.path}/main.ts`], {});
      return JSON.parse(stdout) as { readonly won: number; readonly lost: number };
    }));
    assertEquals(both.map(({ won, lost }) => won + lost), [20, 20]);
    assertEquals([...Deno.readDirSync(`${scratch.path}/root`)], []);
  });
});

Deno.test("a bundle runs, and is its own init", async () => {
  await leavesNothing(ID, () => {
    using scratch = scratchFolder();
    const [own, out] = [`${scratch.path}/main.ts`, `${scratch.path}/out`];
    Deno.mkdirSync(out);
    Deno.writeTextFileSync(
      own,
      `import { Factory, run } from "${TOP}mod.ts";
      await Factory.startInitialization();${BOTH_WAYS}`,
    );
    deno(TOP, ["bundle", "--quiet", "--output", `${out}/main.js`, own]);
    Deno.removeSync(own);
    const said = deno(out, ["run", "-A", "--no-remote", "main.js"]);
    assertEquals(said, { stdout: BOTH_SAY, stderr: "" });
    // One that never becomes init says so, and runs nothing inside.
    const text = Deno.readTextFileSync(`${out}/main.js`);
    Deno.writeTextFileSync(
      `${out}/main.js`,
      text.replace("await Factory.startInitialization();", ""),
    );
    const failed = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "main.js"],
      cwd: out,
      stdin: "null",
    }).outputSync();
    const words = new TextDecoder().decode(failed.stderr);
    assertStringIncludes(words, "Factory.startInitialization()");
    assertEquals(new TextDecoder().decode(failed.stdout), `${ID} direct\n`);
    return Promise.resolve();
  });
});
