import assert from "node:assert/strict";
import { test } from "node:test";
import { formattedFields, TOKEN, Tokens } from "./lexer.ts";

const NAMES = new Map(Object.entries(TOKEN).map(([name, kind]) => [kind, name]));

/** Tokens as text: names, numbers, strings and signs as they are written, others by their kind. */
function read(text: string): string[] {
  const tokens = new Tokens(text, () => {});
  return Array.from({ length: tokens.count }, (_, index) => {
    const kind = tokens.kinds[index] ?? -1;
    const written = kind >= TOKEN.name && kind <= TOKEN.sign;
    return written ? tokens.written(index) : (NAMES.get(kind as 0) ?? "").toUpperCase();
  });
}

// Expectations are those of `python3 -m tokenize`, CPython 3.11 and 3.13, without comments and line breaks
// within statements.
test("tokens are those of CPython", () => {
  const sources: Readonly<Record<string, string>> = {
    "x = 1\n": "x = 1 NEWLINE END",
    "x=1": "x = 1 NEWLINE END",
    "if a:\n  b\nc\n": "if a : NEWLINE INDENT b NEWLINE DEDENT c NEWLINE END",
    "f(a,\n  b)\n": "f ( a , b ) NEWLINE END",
    "a = \\\n  b\n": "a = b NEWLINE END",
    "a := b->c\n": "a := b -> c NEWLINE END",
    "a <> b\n": "a <> b NEWLINE END",
    "not in...\n": "not in ... NEWLINE END",
    "x;y\n": "x ; y NEWLINE END",
    "a\fb\n": "a b NEWLINE END",
    "# c\n\n  # d\nx\n": "x NEWLINE END",
    "1_000 0x_F 1e-3j .5 0o7\n": "1_000 0x_F 1e-3j .5 0o7 NEWLINE END",
    "é = 1\n": "é = 1 NEWLINE END",
    "aé = 1\n": "aé = 1 NEWLINE END",
    "@a\ndef f(): pass\n": "@ a NEWLINE def f ( ) : pass NEWLINE END",
    "a\r\nb\rc\n": "a NEWLINE b NEWLINE c NEWLINE END",
    "\ufeffa\n": "a NEWLINE END",
  };
  for (const [text, expected] of Object.entries(sources)) {
    assert.equal(read(text).join(" "), expected, JSON.stringify(text));
  }
});

test("strings end where CPython ends them, whatever their prefix", () => {
  const strings = [
    ...["'a'", "r'a\\'b'", "u'a'", "Rb'c'", 'bR"c"', "b'''a\nb'''", "'a\\\nb'", "'''a'b''c'''"],
    ...["f'{a!r:>{w}}'", "f'{{a}}'", "f'{x['y']}'", "f'{a:{b}}'", "f'{\"}\"}'", "f'\\N{DASH}{a}'"],
    ...["f'''{\n a # }\n}'''", "rf'\\{a}'", "t'{a}'"],
  ];
  for (const text of strings) {
    assert.deepEqual(read(`${text}+b\n`), [text, "+", "b", "NEWLINE", "END"], text);
  }
});

test("what no Python reads is an error with its place, and what stands before it is read", () => {
  const broken: Readonly<Record<string, readonly [number, RegExp]>> = {
    "a = 'b\nc\n": [4, /unterminated string/u],
    "a = $\n": [4, /invalid character/u],
    "(a\n": [3, /never closed/u],
    "a)\n": [1, /unmatched/u],
    "a \\ b\n": [2, /line continuation/u],
    "if a:\n    b\n  c\n": [14, /unindent/u],
    ["(".repeat(201)]: [201, /too many nested parentheses/u],
  };
  for (const [text, [at, reason]] of Object.entries(broken)) {
    const { error } = new Tokens(text, () => {});
    assert.equal(error?.at, at, text.slice(0, 20));
    assert.match(error?.reason ?? "", reason, text.slice(0, 20));
  }
  assert.deepEqual(read("a = 'b\nc\n").slice(0, 4), ["a", "=", "ERROR", "NEWLINE"]);
  const deep = Array.from({ length: 101 }, (_, at) => `${" ".repeat(at)}if a:\n`).join("");
  assert.match(new Tokens(deep, () => {}).error?.reason ?? "", /too many levels of indentation/u);
});

test("a block ends at the dedent that belongs to its indent", () => {
  const tokens = new Tokens("if a:\n  if b:\n    c\n  d\ne\n", () => {});
  const kinds = Array.from(tokens.kinds.subarray(0, tokens.count));
  const [outer = -1, inner = -1] = kinds.flatMap((kind, at) => kind === TOKEN.indent ? [at] : []);
  const [innerEnd, outerEnd] = kinds.flatMap((kind, at) => kind === TOKEN.dedent ? [at] : []);
  assert.equal(tokens.blockEnd(inner), innerEnd);
  assert.equal(tokens.blockEnd(outer), outerEnd);
});

test("formatted strings within more of them than anybody writes leave the source unread", () => {
  let text = "a";
  for (let depth = 0; depth < 13; depth++) text = `f'{${text}}'`;
  assert.equal(new Tokens(text, () => {}).cut, true);
  assert.equal(new Tokens("f'{f'{a}'}'", () => {}).cut, false);
});

test("fields of a formatted string are its expressions, without conversion and format", () => {
  const text = "f'{{x}}{a!r}{b:>{w}}{c != d}{e[\"}\"]}{g=}'";
  const fields = formattedFields(text, 0).map(({ from, to, outer }) =>
    `${text.slice(from, to)}${outer ? "" : " inner"}`
  );
  assert.deepEqual(fields, ["a", "b", "w inner", "c != d", 'e["}"]', "g="]);
  assert.deepEqual(formattedFields("'{a}'", 0), []);
  assert.deepEqual(formattedFields("a", 0), []);
});

test("long tokens, and memory that is used again, change no token", () => {
  const long = `a = '${"x".repeat(300)}'\n`;
  const first = new Tokens(`${"b ".repeat(5000)}\n`, () => {});
  const again = new Tokens(long, () => {}, first);
  assert.equal(again.written(2), long.slice(4, -1));
  assert.equal(again.count, 5);
  assert.equal(again.kinds[5], TOKEN.end);
});
