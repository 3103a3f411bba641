/**
 * What holds of every workflow and of the action, and no linter demands: least permissions, identities in the
 * environment of releases alone, no secrets, pinned actions, no expressions in scripts.
 *
 * @module
 */

import { itemsOf, member, membersOf, readYaml, textOf, type Yaml } from "./yaml.ts";

/** The environment that registries and signatures trust. */
const ENVIRONMENT = "release";

/** Permissions that a job outside of it may have. */
const HARMLESS = new Set(["contents: read"]);

/** The longest that a job may take, in minutes. The longest here takes a quarter of it. */
const TIMEOUT_MINUTES = 60;

/** A pinned action, or one of this repository. */
const PINNED = /^(?:\.\/|[\w.-]+\/[\w./-]+@[0-9a-f]{40}$)/;

/**
 * What is wrong with a workflow.
 *
 * @param text the file
 * @param unpinned actions whose commit is not known, which may be named by version
 */
export function wrongInWorkflow(text: string, unpinned: readonly string[] = []): string[] {
  const workflow = readYaml(text);
  const wrong: string[] = [];
  if (membersOf(member(workflow, "permissions")).length > 0 || !/^permissions: \{\}$/m.test(text)) {
    wrong.push("the workflow grants permissions: write permissions: {} and grant them to jobs");
  }
  if (/\bsecrets\b/.test(text)) wrong.push("it uses secrets: registries take identities of jobs");
  const on = member(workflow, "on");
  const triggers = [...membersOf(on).map(([name]) => name), ...itemsOf(on).map(textOf), textOf(on)];
  for (const trigger of ["pull_request_target", "workflow_run", "issue_comment"]) {
    if (triggers.includes(trigger)) wrong.push(`it runs on ${trigger}, with rights, for strangers`);
  }
  for (const [name, job] of membersOf(member(workflow, "jobs"))) {
    wrong.push(...wrongInJob(job, unpinned).map((it) => `job ${name}: ${it}`));
  }
  return wrong;
}

function wrongInJob(job: Yaml, unpinned: readonly string[]): string[] {
  const wrong: string[] = [];
  const permissions = member(job, "permissions");
  if (permissions === undefined) wrong.push("it names no permissions");
  if (typeof permissions === "string") wrong.push(`it has the permissions "${permissions}"`);
  const more = membersOf(permissions).map(([key, value]) => `${key}: ${textOf(value)}`)
    .filter((it) => !HARMLESS.has(it));
  if (more.length > 0 && member(job, "environment") !== ENVIRONMENT) {
    wrong.push(`${more.join(", ")} outside of the environment ${ENVIRONMENT}`);
  }
  const minutes = Number(textOf(member(job, "timeout-minutes")));
  if (member(job, "uses") === undefined && !(minutes > 0 && minutes <= TIMEOUT_MINUTES)) {
    wrong.push(`timeout-minutes is not 1 to ${TIMEOUT_MINUTES}`);
  }
  return [...wrong, ...wrongInSteps(itemsOf(member(job, "steps")), unpinned)];
}

/** What is wrong with an action's metadata. */
export function wrongInAction(text: string, unpinned: readonly string[] = []): string[] {
  const steps = itemsOf(member(member(readYaml(text), "runs"), "steps"));
  if (steps.length === 0) return ["it has no steps"];
  return wrongInSteps(steps, unpinned);
}

function wrongInSteps(steps: readonly Yaml[], unpinned: readonly string[]): string[] {
  const wrong: string[] = [];
  for (const step of steps) {
    const [uses, script] = [textOf(member(step, "uses")), textOf(member(step, "run"))];
    if (script.includes("${{")) {
      wrong.push(`an expression stands in a script: ${script.split("\n")[0]}`);
    }
    if (uses !== "" && !PINNED.test(uses) && !unpinned.includes(uses.replace(/@.*/, ""))) {
      wrong.push(`${uses} is not pinned to a commit`);
    }
    const credentials = member(member(step, "with"), "persist-credentials");
    if (uses.startsWith("actions/checkout@") && credentials !== "false") {
      wrong.push("actions/checkout leaves a token behind: persist-credentials: false");
    }
  }
  return wrong;
}

/** Scripts of all steps, for a linter of shell scripts. */
export function scriptsIn(text: string): string[] {
  const root = readYaml(text);
  const jobs = membersOf(member(root, "jobs")).map(([, job]) => job);
  return [...jobs, member(root, "runs")]
    .flatMap((it) => itemsOf(member(it, "steps")))
    .map((step) => textOf(member(step, "run")))
    .filter((script) => script !== "");
}
