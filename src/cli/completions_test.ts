import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runMain } from "./commands/main.ts";
import { type Shell, SHELLS } from "./commands/command_model.ts";
import { testIo } from "./testing/io.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-completions-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** What is typed, and what must and must not be offered. */
const CASES: readonly (readonly [typed: string, offered: string, not: string])[] = [
  ["modelaudit ", "doctor", "sarif"],
  ["modelaudit ex", "explain", "doctor"],
  ["modelaudit --fo", "--format", "--fail-on"],
  ["modelaudit scan --fail-on ", "critical", "doctor"],
  ["modelaudit scan --format s", "sarif", "scan"],
  ["modelaudit doctor --format ", "json", "sarif"],
  ["modelaudit config ", "init", "doctor"],
  ["modelaudit rules list --sev", "--severity", "--area"],
  ["modelaudit rules list --area pi", "pickle", "doctor"],
  ["modelaudit explain pickle-mal", "pickle-malformed", "doctor"],
  ["modelaudit rules show zip-b", "zip-bomb", "doctor"],
  ["modelaudit scan --format=s", "sarif", "scan"],
  ["modelaudit --format=", "cyclonedx", "scan"],
  ["modelaudit scan --output sa", "sarif=", "scan"],
  ["modelaudit doctor --color ", "always", "sarif"],
  ["modelaudit completions z", "zsh", "fish"],
  ["modelaudit schema rep", "report", "configuration"],
];

/** Programs that print what a shell would offer for the line `$1`, once the script at `$2` is read. */
const ASK: Readonly<Record<Shell, readonly string[]>> = {
  bash: [
    "--norc",
    "-c",
    // Bash makes a word of each "=", too.
    'source "$2"; read -ra COMP_WORDS <<< "${1//=/ = }"; [[ $1 == *" " ]] && COMP_WORDS+=(""); ' +
    'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _modelaudit; printf "%s\\n" "${COMPREPLY[@]}"',
  ],
  zsh: [
    "-f",
    "-c",
    'source "$2"; words=("${(@s: :)1}"); CURRENT=$#words; _files() { : }; compset() { : }; ' +
    "compadd() { [[ $1 == -S ]] && shift 2; shift; " +
    'for it in "$@"; do [[ $it == "$current"* ]] && print -r -- $it; done; true }; ' +
    "_modelaudit",
  ],
  fish: ["-N", "-c", 'source $argv[2]; complete -C $argv[1] | string replace -r "\\t.*" ""'],
};

for (const shell of SHELLS) {
  const missing = spawnSync(shell, ["--version"]).status !== 0;
  test(`${shell} completes commands, options and values`, {
    skip: missing && `there is no ${shell} here`,
  }, async () => {
    const io = testIo();
    assert.equal(await runMain(["completions", shell], io), 0);
    const script = join(SCRATCH, shell);
    writeFileSync(script, io.stdout.text);
    for (const [typed, offered, not] of CASES) {
      // The first argument after a script given with -c is its name, except in fish.
      const name = shell === "fish" ? [] : [shell];
      const asked = spawnSync(shell, [...ASK[shell], ...name, typed, script], {
        cwd: SCRATCH,
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin", HOME: SCRATCH, LANG: "C.UTF-8" },
      });
      const words = asked.stdout.split("\n");
      assert.equal(asked.stderr, "", `${shell}: ${typed}`);
      // Fish offers the option and its value as one word.
      const isOffered = words.some((it) => it === offered || it.endsWith(`=${offered}`));
      assert.ok(isOffered, `${typed}: ${words.join(" ")}`);
      assert.ok(!words.includes(not), `${typed}: ${words.join(" ")}`);
    }
  });
}

test("A shell that there are no completions for is wrong usage", async () => {
  const io = testIo();
  assert.equal(await runMain(["completions", "tcsh"], io), 2);
  assert.match(io.stderr.text, /There are: bash, zsh, fish/);
});

test("The manual page names every command and option, and roff reads it", async () => {
  const io = testIo();
  assert.equal(await runMain(["man"], io), 0);
  const page = io.stdout.text;
  for (
    const word of [".SH EXIT STATUS", "scan [path", "doctor", "\\-\\-fail\\-on", "config init"]
  ) {
    assert.ok(page.includes(word), word);
  }
  const roff = spawnSync("groff", ["-man", "-Tascii", "-ww"], { input: page, encoding: "utf8" });
  if (roff.error === undefined) assert.equal(roff.stderr, "");
  const lint = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], {
    input: page,
    encoding: "utf8",
  });
  if (lint.error === undefined) assert.equal(lint.stdout + lint.stderr, "");
});
