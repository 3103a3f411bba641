import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptsIn, wrongInAction, wrongInWorkflow } from "./workflow_rules.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const GOOD = `name: x
on:
  push:
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@${COMMIT} # v1.2.3
        with:
          persist-credentials: false
      - run: make
  two:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    environment: release
    permissions:
      id-token: write
    steps:
      - run: echo "$NAME"
        env:
          NAME: \${{ github.ref_name }}
`;

test("a workflow with least permissions and pinned actions is right", () => {
  assert.deepEqual(wrongInWorkflow(GOOD), []);
  assert.deepEqual(scriptsIn(GOOD), ["make", 'echo "$NAME"']);
});

const WRONG: readonly (readonly [name: string, from: string, to: string, message: RegExp])[] = [
  ["permissions of all jobs", "permissions: {}", "permissions: write-all", /grants permissions/],
  ["no permissions of the workflow", "permissions: {}\n", "", /grants permissions/],
  [
    "no permissions of a job",
    "    permissions:\n      contents: read\n",
    "",
    /names no permissions/,
  ],
  [
    "all permissions of a job",
    "permissions:\n      contents: read",
    "permissions: write-all",
    /"write-all"/,
  ],
  ["a right outside of releases", "contents: read", "contents: write", /contents: write outside/],
  ["an identity outside of releases", "    environment: release\n", "", /id-token: write outside/],
  ["another environment", "environment: release", "environment: test", /id-token: write outside/],
  ["a secret", "run: make", "run: make ${{ secrets.KEY }}", /uses secrets/],
  ["an expression in a script", "run: make", "run: make ${{ github.ref_name }}", /expression/],
  ["an action by its tag", `@${COMMIT}`, "@v4", /not pinned/],
  ["an action by a short commit", COMMIT, COMMIT.slice(0, 7), /not pinned/],
  ["a token that stays", "persist-credentials: false", "lfs: true", /leaves a token/],
  ["no limit of time", "    timeout-minutes: 10\n", "", /timeout-minutes/],
  ["strangers' code with rights", "  push:", "  pull_request_target:", /pull_request_target/],
];

for (const [name, from, to, message] of WRONG) {
  test(`a workflow is refused for ${name}`, () => {
    assert.ok(GOOD.includes(from));
    assert.match(wrongInWorkflow(GOOD.replace(from, to)).join("\n"), message);
  });
}

test("an action may be unpinned only where its commit is not known", () => {
  const text = GOOD.replace(`@${COMMIT}`, "@v4");
  assert.deepEqual(wrongInWorkflow(text, ["actions/checkout"]), []);
});

test("the same holds of an action's steps", () => {
  const action = (step: string): string => `runs:\n  using: composite\n  steps:\n    - ${step}\n`;
  assert.deepEqual(wrongInAction(action("run: make")), []);
  assert.match(wrongInAction(action("run: make ${{ inputs.x }}")).join(), /expression/);
  assert.match(wrongInAction(action("uses: a/b@main")).join(), /not pinned/);
  assert.match(wrongInAction("runs:\n  using: docker\n").join(), /no steps/);
});
