import assert from "node:assert/strict";
import { test } from "node:test";
import { shellPipelines } from "./shell.ts";

/** Pipelines as texts: words with spaces between, commands with bars. */
const shown = (text: string): string[] =>
  shellPipelines(text).map((pipeline) =>
    pipeline.map((words) => words.map((word) => word.text).join(" ")).join(" | ")
  );

test("words, quotes and continued lines are those of a shell", () => {
  assert.deepEqual(shown(`a 'b c' "d 'e'" f\\ g \\\n h`), ["a b c d 'e' f g h"]);
  assert.deepEqual(shown('a "b\\"c" "\\$d" \'$e\' x"y"\'z\''), ['a b"c $d $e xyz']);
  assert.deepEqual(shown("a # b | c\nd#e"), ["a", "d#e"]);
  assert.deepEqual(shown(""), []);
  assert.deepEqual(shown("'a"), ["a"]);
  assert.deepEqual(shown('"a $(b'), ["a $(b"]);
});

test("pipes join commands, other operators part them", () => {
  assert.deepEqual(shown("a|b |& c && d || e ; f & g\nh"), ["a | b | c", "d", "e", "f", "g", "h"]);
  assert.deepEqual(shown("a 2>&1 | b &>c"), ["a 2>&1 | b &>c"]);
});

test("commands of a group whose output is piped are in the pipeline, too", () => {
  assert.deepEqual(shown("(a || b) | c"), ["a", "b", "a | b | c"]);
  assert.deepEqual(shown("{ a; b; } 2>&1 | c"), ["a", "b", "a | b | 2>&1 | c"]);
  assert.deepEqual(shown("(a; b); c"), ["a", "b", "c"]);
  assert.deepEqual(shown("((a | b)"), ["a | b"]);
  assert.deepEqual(shown("a | (b); c"), ["a | b", "c"]);
  assert.deepEqual(shown("a | { b; } && c"), ["a | b", "c"]);
  assert.deepEqual(shown(") a } | b"), ["a } | b"]);
});

test("commands in substitutions are handed out with their word", () => {
  const [[words = []] = []] = shellPipelines('sh -c "$(curl x | y)" `d` <(e (f)) "${g}"');
  assert.deepEqual(
    words.map(({ substitutions }) => substitutions),
    [[], [], ["curl x | y"], ["d"], ["e (f)"], []],
  );
});

test("brackets, quotes and pipes without end are read", () => {
  for (
    const text of [
      "(".repeat(100_000),
      "()|".repeat(30_000),
      "$(".repeat(2000),
      "a|".repeat(100_000),
    ]
  ) {
    shellPipelines(text);
  }
});
