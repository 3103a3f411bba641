import assert from "node:assert/strict";
import { test } from "node:test";
import { type Path, positionsOf } from "./positions.ts";

const TEXT = `# comment = "no"
top = 1
"quoted.key" = 'lit # eral'
dotted . "k\\u0065y" = """
multi ] = line \\" """
[table."a.b"]
list = [ 1, # one
  [2, 3], { x = "y", z.w = 4 },
]
[[many]]
name = "first"
[many.sub]
k = true
[[many]]
name = 2027-01-01
`;

/** The text from where a key or value begins, to the end of its line. */
function at(path: Path, what: "key" | "value"): string | undefined {
  const offset = positionsOf(TEXT)[what](path);
  return offset === undefined ? undefined : TEXT.slice(offset).split("\n")[0];
}

test("keys and values are found in every shape of TOML", () => {
  assert.equal(at(["top"], "key"), "top = 1");
  assert.equal(at(["top"], "value"), "1");
  assert.equal(at(["quoted.key"], "value"), "'lit # eral'");
  assert.equal(at(["dotted", "key"], "key"), '"k\\u0065y" = """');
  assert.equal(at(["table", "a.b"], "key"), '"a.b"]');
  assert.equal(at(["table", "a.b", "list", 0], "key"), "1, # one");
  assert.equal(at(["table", "a.b", "list", 1, 1], "value"), '3], { x = "y", z.w = 4 },');
  assert.equal(at(["table", "a.b", "list", 2, "z", "w"], "value"), "4 },");
  assert.equal(at(["many", 0, "name"], "value"), '"first"');
  assert.equal(at(["many", 0, "sub", "k"], "key"), "k = true");
  assert.equal(at(["many", 1, "name"], "value"), "2027-01-01");
  assert.equal(at(["many", 1], "key"), "[[many]]");
  assert.equal(at(["no"], "key"), undefined);
});

test("a text that is no TOML is walked to its end all the same", () => {
  for (const text of ["[", "a", "a = ", "a = [", "a = {", 'a = "', "]", "a = ]", "[[", "= = ="]) {
    positionsOf(text);
  }
});
