import { assertEquals } from "@std/assert";
import { filterOfProfile, type ProfileHost } from "../../../../../src/cli/flags/seccomp_profile.ts";

const HOST: ProfileHost = {
  arch: "aarch64",
  release: "5.10.0-8-arm64",
  capabilities: ["CAP_KILL"],
};

const ALLOW = { action: "SCMP_ACT_ALLOW" } as const;

Deno.test("of a profile the rules are kept that hold for the host and the capabilities", () => {
  const rule = (name: string, others: object) => ({ names: [name], ...ALLOW, ...others });
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: null },
    ],
    syscalls: [
      { ...rule("plain", {}), comment: "said" },
      { name: "single", ...ALLOW },
      rule("cap", { includes: { caps: ["CAP_KILL"] } }),
      rule("no-cap", { includes: { caps: ["CAP_KILL", "CAP_BPF"] } }),
      rule("arch", { includes: { arches: ["arm", "arm64"] }, excludes: {} }),
      rule("other-arch", { includes: { arches: ["amd64"] } }),
      rule("not-arch", { excludes: { arches: ["arm64", "s390"] } }),
      rule("without-cap", { excludes: { caps: ["CAP_BPF"] } }),
      rule("with-cap", { excludes: { caps: ["CAP_KILL"] } }),
      rule("kernel", { includes: { minKernel: "5.9" } }),
      rule("newer-kernel", { includes: { minKernel: "5.11" } }),
    ],
  };
  const { syscalls, ...others } = filterOfProfile(profile, HOST);
  assertEquals(others as object, {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_AARCH64"],
  });
  assertEquals(
    syscalls?.flatMap(({ names }) => names),
    ["plain", "single", "cap", "arch", "without-cap", "kernel"],
  );
  assertEquals(syscalls?.[0], { names: ["plain"], ...ALLOW });
});

Deno.test("a filter of config.json, and what is none, come out as they are", () => {
  const filter = { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_ARM"] };
  for (const document of [filter, null, 5, { syscalls: [null] }, { syscalls: 5 }]) {
    assertEquals(filterOfProfile(document, HOST) as unknown, document);
  }
});
