import { assertEquals } from "@std/assert";
import { checkConfig } from "../../src/config/validate/validate.ts";
import { ContainerError } from "../../src/errors.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { Schemas } from "../fixtures/json_schema.ts";
import { badSamples, goodSamples, readSamples } from "../fixtures/samples.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** The folder `schema` of the OCI runtime-spec, version 1.3. */
const FOLDER = Deno.env.get("HULL_OCI_SCHEMA");
const missing = FOLDER === undefined
  ? "HULL_OCI_SCHEMA, the schema folder of the OCI runtime-spec"
  : undefined;
const schemas = new Schemas(FOLDER ?? "");

const id = () => `hull-schema-${crypto.randomUUID().slice(0, 8)}`;

testWhere(missing, "what features, spec and state print fits the spec's schemas", async (t) => {
  await using hull = new Hull();
  await t.step("features", async () => {
    const printed = JSON.parse(await hull.must("features"));
    assertEquals(schemas.validate("features-schema.json", printed), []);
  });
  for (const words of [[], ["--rootless"]]) {
    await t.step(["spec", ...words].join(" "), async () => {
      using folder = scratchFolder();
      await hull.must("spec", "--bundle", folder.path, ...words);
      const written = JSON.parse(Deno.readTextFileSync(`${folder.path}/config.json`));
      assertEquals(schemas.validate("config-schema.json", written), []);
    });
  }
  await t.step("spec --builtin", async () => {
    const printed = JSON.parse(await hull.must("spec", "--builtin"));
    assertEquals(schemas.validate("config-schema.json", printed), []);
  });
  await t.step("state", async () => {
    using bundle = makeBundle("sleep 600", (config) => {
      config.annotations = { "com.example.key": "value" };
    });
    const name = id();
    await hull.detach("create", "--bundle", bundle.folder, name);
    const printed = JSON.parse(await hull.must("state", name));
    assertEquals(schemas.validate("state-schema.json", printed), []);
    assertEquals(printed.annotations, { "com.example.key": "value" });
    await hull.must("delete", "--force", name);
  });
});

testWhere(missing, "the project's good samples fit the schema and use its every field", () => {
  const used = new Set<string>();
  for (const { name, document } of goodSamples()) {
    assertEquals(schemas.validate("config-schema.json", document), [], name);
    for (const pointer of pointersOf(document)) used.add(pointer);
  }
  const unused = [...schemas.properties("config-schema.json")]
    .filter((pointer) => !OTHER_PLATFORMS.test(pointer) && !covers(used, pointer));
  assertEquals(unused, []);
});

/** Sections that hull passes by. */
const OTHER_PLATFORMS = /^\/(solaris|windows|vm|zos|freebsd)\b/;

/** The version of a sample of the spec that is older than 1.0. */
const OLD = "0.5.0-dev";

testWhere(missing, "the spec's good samples for Linux are taken", async (t) => {
  for (const { name, document } of readSamples(new URL(`file://${FOLDER}/test/config/good/`))) {
    if (name.startsWith("freebsd")) continue;
    const { ociVersion } = document as { ociVersion: string };
    const version = ociVersion === OLD ? { ociVersion: "1.0.0" } : {};
    await t.step(name, () => {
      checkConfig({ ...document as Record<string, unknown>, ...version });
    });
  }
});

/** Where each bad sample of the spec is wrong. */
const SPEC_FAULTS: Readonly<Record<string, string>> = {
  "linux-hugepage.json": "/linux/resources/hugepageLimits/0/pageSize",
  "linux-netdevice.json": "/linux/netDevices/eth0/name",
  "linux-rdma.json": "/linux/resources/rdma/mlx5_1/hcaHandles",
};

testWhere(missing, "the spec's bad samples for Linux are refused for their fault", async (t) => {
  for (const [name, pointer] of Object.entries(SPEC_FAULTS)) {
    const text = Deno.readTextFileSync(`${FOLDER}/test/config/bad/${name}`);
    await t.step(name, () => assertEquals(faultsOf(JSON.parse(text)), [pointer]));
  }
  await t.step("invalid-json.json", async () => {
    await using hull = new Hull();
    using folder = scratchFolder();
    const bad = `${FOLDER}/test/config/bad/invalid-json.json`;
    Deno.copyFileSync(bad, `${folder.path}/config.json`);
    await hull.refuse("run", "--bundle", folder.path, id());
  });
});

testWhere(missing, "what the schema refuses, hull refuses too", () => {
  for (const { name, document } of badSamples()) {
    const bySchema = schemas.validate("config-schema.json", document);
    if (bySchema.length > 0) assertEquals(faultsOf(document).length > 0, true, name);
  }
});

function faultsOf(document: unknown): string[] {
  try {
    checkConfig(document);
    return [];
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    return error.faults?.map(({ pointer }) => pointer) ?? [];
  }
}

/** The place of every property, `*` for an index. */
function* pointersOf(value: unknown, pointer = ""): Generator<string> {
  if (pointer !== "") yield pointer;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield* pointersOf(inner, `${pointer}/${Array.isArray(value) ? "*" : key}`);
  }
}

/** Whether some place is used that a pointer with `*` for any key stands for. */
function covers(used: ReadonlySet<string>, pointer: string): boolean {
  const pattern = pointer.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  const whole = new RegExp(`^${pattern}$`);
  return [...used].some((place) => whole.test(place));
}
