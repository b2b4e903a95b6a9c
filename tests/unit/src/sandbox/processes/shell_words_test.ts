import { assert, assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../../src/errors.ts";
import { shellCommand } from "../../../../../src/sandbox/processes/shell_words.ts";

const command = (strings: TemplateStringsArray, ...values: unknown[]) =>
  shellCommand(strings, values);

const NASTY = [
  "",
  " ",
  "a b",
  "'",
  '"',
  "\\",
  "\\'",
  '\\"',
  "$(echo no)",
  "`echo no`",
  "$HOME",
  "${HOME}",
  "a\nb",
  "; echo no",
  "# no",
  "*",
  "~",
  "}",
  ")",
  "'; echo no; '",
  '"; echo no; "',
  "a\\\nb",
];

async function said(script: string, shell: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(shell, { args: ["-c", script] }).output();
  assertEquals(new TextDecoder().decode(stderr), "", script);
  return new TextDecoder().decode(stdout);
}

Deno.test("a substitution is the same text in and out of quotes, for every shell", async () => {
  for (const shell of ["/bin/sh", "/bin/bash"]) {
    for (const nasty of NASTY) {
      const commands = [
        command`printf %s ${nasty}`,
        command`printf %s "${nasty}"`,
        command`printf %s '${nasty}'`,
        command`printf %s "it's '"${nasty}"'" | sed -e "1s/^it's '//" -e '$s/.$//'`,
        command`# it's
          printf %s ${nasty}`,
        command`x=${nasty}; printf %s "$x"`,
        command`(printf %s "\$(printf '%sx' "${nasty}")" | sed '$s/x$//')`,
        command`printf %s "\${none:-}${nasty}"`,
        command`printf %s \${none:-${nasty === "}" ? "\\}" : nasty}} | sed 's/^\\\\}$/}/'`,
      ];
      for (const script of commands) assertEquals(await said(script, shell), nasty, script);
    }
  }
  assertEquals(
    await said(command`printf '<%s>' "${["a b", "c"]}" ${["a b", "c"]}`, "sh"),
    "<a b c><a b><c>",
  );
});

Deno.test("where no text is safe a substitution is refused, unless it is a plain word", () => {
  const places: ((value: string) => string)[] = [
    (value) => command`echo \`echo ${value}\``,
    (value) => command`echo $(( ${value} + 1 ))`,
    (value) => command`echo $((1 + (${value})))`,
    (value) => command`echo $[ ${value} ]`,
    (value) => command`echo $${value}`,
    (value) => command`echo "$${value}"`,
    (value) => command`echo \\${value}`,
    (value) => command`echo $'x${value}'`,
    (value) => command`true # ${value}`,
    (value) => command`cat <<END\n${value}\nEND`,
    (value) => command`cat <<-'END'\n${value}\nEND`,
    (value) => command`echo "\${none:-${value}}"`,
    (value) => command`echo "$(case a in a) echo "${value}";; esac)"`,
  ];
  for (const place of places) {
    assert(place("3").includes("3"));
    const error = assertThrows(() => place("$(id) '"), ContainerError);
    assertEquals(error.code, "ConfigInvalid", place("3"));
  }
});
