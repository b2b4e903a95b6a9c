import { assertEquals } from "@std/assert";
import { encode } from "../../../../../src/protobuf/message.ts";
import {
  NO_OPTIONS,
  OPTIONS,
  OPTIONS_TYPE,
  type ReadOptions,
  readOptions,
  TEXT_OPTIONS,
} from "../../../../../src/shim/messages/options.ts";

const TEXT_TYPES = ["runtimeoptions.v1.Options", "cri.runtimeoptions.v1.Options"];

function readText(text: string, typeUrl = TEXT_TYPES[0] ?? ""): ReadOptions {
  const bytes = new TextEncoder().encode(text);
  return readOptions({ typeUrl, value: encode(TEXT_OPTIONS, { text: bytes }) });
}

Deno.test("options of runc's kind are read, and what has no meaning here is told", () => {
  const value = encode(OPTIONS, { systemdCgroup: true, ioUid: 5, binaryName: "/bin/runc" });
  const { options, warnings } = readOptions({ typeUrl: OPTIONS_TYPE, value });
  assertEquals(options, {
    ...NO_OPTIONS,
    systemdCgroup: true,
    ioUid: 5,
    binaryName: "/bin/runc",
  });
  assertEquals(warnings, ["BinaryName is ignored: /bin/runc"]);
});

Deno.test("options that Kubernetes' config has are read as the text that they come as", () => {
  for (const type of TEXT_TYPES) {
    const text = `
      # a comment
      SystemdCgroup = true # another
      "IoUid" = 1000
      IoGid=0
      Root = "/run/a \\"b\\" \\u00e9"
      ShimCgroup = '/a\\b'
      TypeUrl = "x"

      [table]
      NoPivotRoot = true
    `;
    assertEquals(readText(text, type), {
      options: {
        ...NO_OPTIONS,
        systemdCgroup: true,
        ioUid: 1000,
        root: '/run/a "b" é',
        shimCgroup: "/a\\b",
      },
      warnings: [],
    });
  }
});

Deno.test("what is not understood of a text is told, and changes nothing", () => {
  const lines = [
    "Root = true",
    "SystemdCgroup = yes",
    "__proto__ = true",
    "Other = 1",
    "IoUid = 01",
  ];
  const { options, warnings } = readText(lines.join("\n"));
  assertEquals(options, NO_OPTIONS);
  assertEquals(warnings, lines.map((line) => `the option is not understood: ${line}`));
});

Deno.test("options in a file that is named are read from there", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "NoNewKeyring = true\n");
    const value = encode(TEXT_OPTIONS, { path });
    assertEquals(
      readOptions({ typeUrl: `types.containerd.io/${TEXT_TYPES[0]}`, value }).options,
      { ...NO_OPTIONS, noNewKeyring: true },
    );
  } finally {
    Deno.removeSync(path);
  }
});
