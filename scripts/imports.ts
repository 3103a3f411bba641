/**
 * Which modules a TypeScript text imports, and which names it uses: a lexer that knows comments,
 * strings, templates and regular expressions, and looks only at the tokens that are left.
 *
 * @module
 */

/** One import or re-export. */
export interface Import {
  /** Undefined when a dynamic import computes it. */
  readonly specifier: string | undefined;
  /** From 1. */
  readonly line: number;
  /** `import type`, `export type … from`, or `import("…")` where a type stands. */
  readonly typeOnly: boolean;
  /** `import("…")`: loaded when it is reached. */
  readonly dynamic: boolean;
}

/** An identifier that is not a property behind a dot. */
interface Name {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

interface Token {
  readonly kind: "word" | "string" | "template" | "number" | "regex" | "mark";
  /** A string's value without escapes resolved; otherwise the text itself. */
  readonly text: string;
  readonly line: number;
}

/** Everything that the text imports or re-exports, in order. */
export function importsOf(text: string): Import[] {
  const tokens = tokenize(text);
  const found: Import[] = [];
  tokens.forEach((token, at) => {
    if (token.kind !== "word" || tokens[at - 1]?.text === ".") return;
    const one = token.text === "import"
      ? importAt(tokens, at)
      : token.text === "export"
      ? exportAt(tokens, at)
      : token.text === "require"
      ? callAt(tokens, at)
      : undefined;
    if (one) found.push(one);
  });
  return found;
}

/** Every identifier that is no property behind a dot, and what `globalThis.` is asked for. */
export function namesOf(text: string): Name[] {
  const tokens = tokenize(text);
  return tokens.flatMap((token, at) => {
    if (token.kind !== "word") return [];
    const isProperty = /^\??\.$/.test(tokens[at - 1]?.text ?? "");
    if (isProperty && tokens[at - 2]?.text !== "globalThis") return [];
    return [{ name: token.text, line: token.line }];
  });
}

/** Every word outside comments, strings and regular expressions, properties included. */
export function wordsOf(text: string): ReadonlySet<string> {
  return new Set(tokenize(text).flatMap(({ kind, text: word }) => kind === "word" ? [word] : []));
}

/** Every word outside comments, strings and regular expressions, with its line. */
export function namedWordsOf(text: string): Name[] {
  return tokenize(text).flatMap(({ kind, text: name, line }) =>
    kind === "word" ? [{ name, line }] : []
  );
}

/** The strings and whole templates of a text, with their lines. */
export function literalsOf(text: string): Name[] {
  return tokenize(text).flatMap(({ kind, text: name, line }) =>
    kind === "string" || kind === "template" ? [{ name, line }] : []
  );
}

/** What may stand between `export` and the keyword of a declaration. */
const MODIFIERS = new Set(["declare", "abstract", "async"]);
const DECLARATIONS = new Set(
  ["const", "let", "function", "class", "interface", "type", "enum"],
);

/** The declarations that the text exports by name, in order; re-exports and lists are not among them. */
export function exportsOf(text: string): Name[] {
  const tokens = tokenize(text);
  return tokens.flatMap((token, at) => {
    if (token.kind !== "word" || token.text !== "export") return [];
    let next = at + 1;
    while (MODIFIERS.has(tokens[next]?.text ?? "")) next++;
    if (!DECLARATIONS.has(tokens[next]?.text ?? "")) return [];
    if (tokens[next + 1]?.text === "*") next++;
    const name = tokens[next + 1];
    return name?.kind === "word" ? [{ name: name.text, line: token.line }] : [];
  });
}

/** `import "x"`, `import … from "x"`, `import type …`, `import("x")`, `import x = require("x")`. */
function importAt(tokens: readonly Token[], at: number): Import | undefined {
  const next = tokens[at + 1];
  if (next === undefined || next.text === ".") return undefined; // import.meta
  if (next.kind === "string") {
    return { specifier: next.text, line: next.line, typeOnly: false, dynamic: false };
  }
  if (next.text === "(") return callAt(tokens, at);
  if (next.text === ":" || next.text === "?" || next.text === ",") return undefined; // a property
  // "import type from 'x'" imports a value named type.
  const typeOnly = next.text === "type" &&
    !(tokens[at + 2]?.text === "from" && tokens[at + 3]?.kind === "string");
  return fromAt(tokens, at + 1, typeOnly);
}

/** `export … from "x"`; other exports have none. */
function exportAt(tokens: readonly Token[], at: number): Import | undefined {
  let start = at + 1;
  const typeOnly = tokens[start]?.text === "type";
  if (typeOnly) start++;
  if (tokens[start]?.text !== "*" && tokens[start]?.text !== "{") return undefined;
  return fromAt(tokens, start, typeOnly);
}

/** Steps over an import clause to its `from "x"`. */
function fromAt(tokens: readonly Token[], start: number, typeOnly: boolean): Import | undefined {
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token === undefined) return undefined;
    if (token.kind === "word" && token.text === "from" && next?.kind === "string") {
      return { specifier: next.text, line: next.line, typeOnly, dynamic: false };
    }
    // Names in braces may be strings; anything else does not belong to a clause.
    const belongs = token.kind === "word" || token.kind === "string" || /^[*{},]$/.test(token.text);
    if (!belongs) return undefined;
  }
  return undefined;
}

/** `import("x")` or `require("x")`; where a type stands it is one. */
function callAt(tokens: readonly Token[], at: number): Import | undefined {
  const [open, argument, after] = tokens.slice(at + 1, at + 4);
  const line = tokens[at]?.line ?? 0;
  if (open?.text !== "(" || argument === undefined) return undefined;
  const before = tokens[at - 1]?.text ?? "";
  // A method or function of that name being declared.
  if (before === "function" || before === "async") return undefined;
  const typeOnly = before === "typeof" || before === "<" || before === "|";
  const literal = argument.kind === "string" || argument.kind === "template";
  const isComplete = after?.text === ")" || after?.text === ",";
  return {
    specifier: literal && isComplete ? argument.text : undefined,
    line,
    typeOnly,
    dynamic: true,
  };
}

/** After these words a slash begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  "return typeof case in of do else void delete throw new instanceof yield await".split(" "),
);

const SPACE = /\s+/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
const WORD = /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\.?\d[\w.]*/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const MARK = /\?\.(?!\d)|=>|[\s\S]/y;

/** Cuts the text into tokens; comments and spaces are gone. Never throws: an odd byte is a mark. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  // For each open brace whether it is the `${` of a template.
  const braces: boolean[] = [];
  let at = 0;
  let line = 1;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match === undefined || match === "") return undefined;
    at += match.length;
    return match;
  };
  const push = (kind: Token["kind"], value: string, raw = value) => {
    tokens.push({ kind, text: value, line });
    line += countLines(raw);
  };
  /** From behind a backtick or the brace that ends a substitution. */
  const template = (opening: boolean) => {
    const part = take(TEMPLATE) ?? "";
    if (text.startsWith("${", at)) {
      at += 2;
      braces.push(true);
      push("mark", "${", part);
      return;
    }
    at++;
    if (opening) push("template", part);
    else push("mark", "`", part);
  };

  while (at < text.length) {
    const skipped = take(SPACE) ?? take(COMMENT);
    if (skipped !== undefined) {
      line += countLines(skipped);
      continue;
    }
    if (text[at] === "`") {
      at++;
      template(true);
      continue;
    }
    if (text[at] === "}" && braces.pop() === true) {
      at++;
      template(false);
      continue;
    }
    if (text[at] === "{") braces.push(false);
    let match: string | undefined;
    if ((match = take(STRING)) !== undefined) push("string", match.slice(1, -1), match);
    else if ((match = take(WORD)) !== undefined) push("word", match);
    else if ((match = take(NUMBER)) !== undefined) push("number", match);
    else if (text[at] === "/" && regexMayStand(tokens) && (match = take(REGEX))) {
      push("regex", match);
    } else push("mark", take(MARK) ?? "");
  }
  return tokens;
}

/** Whether a slash here begins a regular expression; behind a value it divides. */
function regexMayStand(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  if (last === undefined) return true;
  if (last.kind === "word") return BEFORE_EXPRESSION.has(last.text);
  if (last.kind !== "mark") return false;
  return last.text !== ")" && last.text !== "]" && last.text !== "}" && last.text !== "`";
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
