/**
 * Runs a composite action as GitHub's runner does: inputs with defaults, expressions, environment, shell steps,
 * outputs by file, conditions, continue-on-error. A step that uses another action is simulated.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { itemsOf, member, membersOf, readYaml, textOf, type Yaml } from "../release/yaml.ts";

/** Where and how the action runs. */
interface Run {
  /** The action's metadata. */
  readonly text: string;
  readonly actionPath: string;
  /** The workspace. */
  readonly workspace: string;
  /** A folder for the runner's own files. */
  readonly temp: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Whether a step that uses another action succeeds. */
  readonly uses: (name: string, inputs: ReadonlyMap<string, string>) => boolean;
}

/** How it ended. */
interface Ended {
  readonly ok: boolean;
  readonly outputs: ReadonlyMap<string, string>;
  /** What the steps wrote. */
  readonly log: string;
  /** Lines of it that are commands to the runner. */
  readonly commands: readonly string[];
  readonly summary: string;
}

interface Step {
  readonly outcome: "success" | "failure" | "skipped";
  readonly outputs: ReadonlyMap<string, string>;
}

/** What expressions see. */
interface State {
  readonly run: Run;
  readonly inputs: ReadonlyMap<string, string>;
  readonly steps: Map<string, Step>;
  failed: boolean;
}

/** Runs the action. */
export function runAction(run: Run): Ended {
  const action = readYaml(run.text);
  const inputs = new Map(
    membersOf(member(action, "inputs"))
      .map(([name, it]) => [name, run.inputs[name] ?? textOf(member(it, "default"))]),
  );
  for (const name of Object.keys(run.inputs)) {
    if (!inputs.has(name)) throw new Error(`the action has no input "${name}"`);
  }
  const state: State = { run, inputs, steps: new Map(), failed: false };
  mkdirSync(run.temp, { recursive: true });
  const summary = join(run.temp, "summary");
  writeFileSync(summary, "");
  let log = "";
  for (const [index, step] of itemsOf(member(member(action, "runs"), "steps")).entries()) {
    log += runStep(step, index, state);
  }
  const outputs = membersOf(member(action, "outputs"))
    .map(([name, it]) => [name, filledIn(textOf(member(it, "value")), state)] as const);
  return {
    ok: !state.failed,
    outputs: new Map(outputs),
    log,
    commands: commandsIn(log),
    summary: readFileSync(summary, "utf8"),
  };
}

/** Lines that are commands: those that begin with two colons, unless commands are stopped until a token. */
function commandsIn(log: string): string[] {
  let token: string | undefined;
  return log.split("\n").filter((line) => {
    if (token !== undefined) {
      if (line.trim() === `::${token}::`) token = undefined;
      return false;
    }
    token = /^\s*::stop-commands::(.+)$/.exec(line)?.[1];
    return token === undefined && /^\s*::/.test(line);
  });
}

/** Runs a step where its condition holds; gives what it wrote. */
function runStep(step: Yaml, index: number, state: State): string {
  const id = textOf(member(step, "id")) || `step_${index}`;
  const condition = textOf(member(step, "if")).replace(/^\$\{\{(.*)\}\}$/s, "$1").trim();
  const states = /\b(?:always|cancelled|failure|success)\(\)/.test(condition);
  const due = (states || !state.failed) && (condition === "" || isTrue(valueOf(condition, state)));
  if (!due) {
    state.steps.set(id, { outcome: "skipped", outputs: new Map() });
    return "";
  }
  const { ok, log, outputs } = textOf(member(step, "uses")) === ""
    ? runScript(step, index, state)
    : simulated(step, state);
  state.steps.set(id, { outcome: ok ? "success" : "failure", outputs });
  if (!ok && textOf(member(step, "continue-on-error")) !== "true") state.failed = true;
  return log;
}

interface StepRun {
  readonly ok: boolean;
  readonly log: string;
  readonly outputs: ReadonlyMap<string, string>;
}

function simulated(step: Yaml, state: State): StepRun {
  const ok = state.run.uses(
    textOf(member(step, "uses")),
    filledMap(member(step, "with"), state),
  );
  return { ok, log: "", outputs: new Map() };
}

function runScript(step: Yaml, index: number, state: State): StepRun {
  const { run } = state;
  const [script, output] = [join(run.temp, `step_${index}.sh`), join(run.temp, `out_${index}`)];
  writeFileSync(script, filledIn(textOf(member(step, "run")), state));
  writeFileSync(output, "");
  const { status, stdout, stderr } = spawnSync(
    "bash",
    ["--noprofile", "--norc", "-eo", "pipefail", script],
    {
      cwd: run.workspace,
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: run.temp,
        RUNNER_OS: "Linux",
        RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
        RUNNER_TEMP: run.temp,
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: join(run.temp, "summary"),
        ...run.env,
        ...Object.fromEntries(filledMap(member(step, "env"), state)),
      },
    },
  );
  const outputs = new Map(
    readFileSync(output, "utf8").split("\n").filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  return { ok: status === 0, log: stdout + stderr, outputs };
}

function filledMap(map: Yaml | undefined, state: State): ReadonlyMap<string, string> {
  return new Map(membersOf(map).map(([name, it]) => [name, filledIn(textOf(it), state)]));
}

/** A text with the values of its expressions. */
function filledIn(text: string, state: State): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression) => valueOf(expression, state));
}

function isTrue(value: string): boolean {
  return value !== "" && value !== "false";
}

/** The value of an expression of `||`, `&&`, `!`, `==`, `!=`, texts, functions of state and contexts. */
function valueOf(expression: string, state: State): string {
  const operator = ["||", "&&", "==", "!="].find((it) => expression.includes(it));
  if (operator !== undefined) {
    const at = expression.indexOf(operator);
    const left = valueOf(expression.slice(0, at), state);
    const right = valueOf(expression.slice(at + operator.length), state);
    if (operator === "||") return isTrue(left) ? left : right;
    if (operator === "&&") return isTrue(left) ? right : left;
    return String((left === right) === (operator === "=="));
  }
  const word = expression.trim();
  if (word.startsWith("!")) return String(!isTrue(valueOf(word.slice(1), state)));
  if (/^'[^']*'$/.test(word)) return word.slice(1, -1);
  const functions = new Map([
    ["always()", "true"],
    ["cancelled()", "false"],
    ["failure()", String(state.failed)],
    ["success()", String(!state.failed)],
    ["github.action_path", state.run.actionPath],
    ["github.token", "a token"],
  ]);
  const [context, name = "", field, output = ""] = word.split(".");
  const step = state.steps.get(name);
  if (context === "inputs") return state.inputs.get(name) ?? "";
  if (context === "steps" && field === "outcome") return step?.outcome ?? "";
  if (context === "steps" && field === "outputs") return step?.outputs.get(output) ?? "";
  const value = functions.get(word);
  if (value === undefined) throw new Error(`there is no "${word}" in expressions`);
  return value;
}
