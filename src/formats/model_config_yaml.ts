/**
 * What YAML names for Hydra to look up and call (`_target_`), and what Python's unsafe loaders make of
 * `!!python/…` tags. Scalars in every style that YAML has are read; what they stand in does not matter.
 * https://hydra.cc/docs/advanced/instantiate_objects/overview/, https://yaml.org/spec/1.2.2/
 *
 * @module
 */

import type { Observation, ReferenceFact } from "../types.ts";

const TOLD = 500;
const LOOKED_AT = 5000;
const EVIDENCE_CHARACTERS = 1024;
/** A dotted name has fewer characters, its folds and escapes included. */
const SCALAR_CHARACTERS = 4096;

/** A key `_target_`, bare or quoted, and what follows its colon. */
const TARGET =
  /(?:^|[\s{,?-])(?:_target_|'_target_'|"((?:[^"\\\n]|\\.){8,80})")\s*:(?=[\s"'&!*]|$)[ \t]*/gmu;
const SCALAR =
  /(?:&\S+\s+|!\S*\s+)*(?:"((?:[^"\\]|\\[^])*)"|'((?:[^']|'')*)'|[|>][-+\d]*\s*\n[ \t]+(\S[^\n]*)|\*(\S+)|\n\s+([^\s#:'"]+)[ \t]*(?=\n|$)|([^\s,{}#'"][^\n,{}#]*))/yu;
const PYTHON_TAG =
  /!(?:!|<tag:yaml\.org,2002:)python\/(object\/apply|object\/new|object|name|module):([^\s>{}[\]"',]*)/gu;

/** Everything in a YAML text that names Python. */
export function yamlFacts(text: string): readonly Observation[] {
  const found: Observation[] = [];
  const lines = lineCounter(text);
  let looked = 0;
  for (const match of text.matchAll(TARGET)) {
    if (++looked > LOOKED_AT) break;
    if (match[1] !== undefined && unescaped(match[1]) !== "_target_") continue;
    const from = match.index + match[0].length;
    const scalar = scalarAt(text, from);
    const path = scalar === null ? "" : valueOf(scalar);
    const alias = scalar?.[4];
    const value = alias === undefined ? path : anchored(text, alias);
    if (value === "") continue;
    found.push(fact(value, `_target_ in line ${lines(from)}`, match.index, text));
    if (found.length >= TOLD) return found;
  }
  for (const match of text.matchAll(PYTHON_TAG)) {
    const [tag, kind = "", name = ""] = match;
    const path = kind === "module" ? `${name}.*` : name;
    found.push(fact(path, `${tag} in line ${lines(match.index)}`, match.index, text));
    if (found.length >= TOLD) return found;
  }
  return found;
}

function fact(path: string, where: string, at: number, text: string): Observation {
  const dot = path.lastIndexOf(".");
  const [module, name] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
  const around = text.slice(at, at + EVIDENCE_CHARACTERS).trim();
  const reference: ReferenceFact = {
    kind: "reference",
    language: "hydra",
    module,
    name,
    expression: path.slice(0, EVIDENCE_CHARACTERS),
    details: { where: where.slice(0, EVIDENCE_CHARACTERS) },
    evidence: [{ kind: "text", text: around, cut: at + EVIDENCE_CHARACTERS < text.length }],
  };
  return { type: "fact", fact: reference, count: 1, offset: at };
}

function scalarAt(text: string, at: number): RegExpExecArray | null {
  SCALAR.lastIndex = 0;
  return SCALAR.exec(text.slice(at, at + SCALAR_CHARACTERS));
}

function valueOf(scalar: RegExpExecArray): string {
  const [, double, single, block, , next, plain] = scalar;
  if (double !== undefined) return unescaped(double);
  if (single !== undefined) return single.replaceAll("''", "'");
  return (block ?? next ?? plain ?? "").trim();
}

/** The scalar that an anchor stands before. */
function anchored(text: string, name: string): string {
  const at = text.indexOf(`&${name} `);
  if (at < 0) return "";
  const scalar = scalarAt(text, at);
  return scalar === null ? "" : valueOf(scalar);
}

/** Escapes of double-quoted scalars that letters can be written with. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|\r?\n[ \t]*|([^]))/gu,
    (all, short?: string, medium?: string, long?: string, simple?: string) => {
      const digits = short ?? medium ?? long;
      if (digits === undefined) return simple ?? "";
      const code = parseInt(digits, 16);
      return code > 0x10ffff ? all : String.fromCodePoint(code);
    },
  );
}

/** Numbers lines from 1; asked with growing offsets it goes through the text once. */
function lineCounter(text: string): (at: number) => number {
  let line = 1;
  let counted = 0;
  return (at) => {
    if (at < counted) [line, counted] = [1, 0];
    for (; counted < at; counted++) if (text[counted] === "\n") line++;
    return line;
  };
}
