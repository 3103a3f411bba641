/**
 * Paddle's programs in JSON (`inference.json`), which Paddle 3 writes in place of `.pdmodel`: regions of blocks of
 * operations, whose names have the number of their dialect before them.
 * `paddle/fluid/pir/serialize_deserialize` of https://github.com/PaddlePaddle/Paddle
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import {
  isArray,
  isObject,
  jsonLetters,
  type JsonObject,
  type JsonValue,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { readAll } from "../../sources/read_all.ts";
import { Operators } from "./operators.ts";

/** Bytes of a program. That of a language model of 60 layers has 10 MiB; weights are elsewhere. CWE-770. */
const PROGRAM_BYTES = 128 * 1024 * 1024;
/** Values of a program. CWE-770. */
const VALUES = 16_000_000;
/** Regions in one another. CWE-674. */
const DEPTH = 256;
/** The newest version that was compared with the reader's own release, 3.3.1 (`base_code.version`). */
const NEWEST = 4;
/** Anomalies of one kind that are reported one by one; an intact program has none. CWE-779. */
const REPORTED = 20;
/** Texts of one operation that are kept. CWE-770. */
const TEXTS = 256;

/** What the first part of an operation's name stands for (`DialectIdMap`); others are refused. */
const DIALECTS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  0: "builtin",
  1: "pd_op",
  2: "cf",
  3: "custom_op",
  4: "dist_op",
};
/** A parameter, whose attributes have places in place of names; the last of four is its name. */
const PARAMETER = "p";

const KEY = /"base_code"\s*:/u;
/** JSON that libraries of tokenizers look for by these names, and long. */
const OTHERS = /^(?:tokenizer|vocab|merges)[^/]*\.json$|\.index\.json$/iu;

/** Paddle's programs in JSON. */
export const paddlePirFormat: Format = {
  id: "paddle-pir",
  random: false,
  detect,
  isUndecided: ({ name, head }) =>
    /\.json$/iu.test(name) && !OTHERS.test(name) && head.length === SAMPLE_BYTES &&
    /^[^\x21-\x7e]*(?:\{|$)/u.test(jsonLetters(head)),
  detectFurther: async (source, _sample, check) => {
    if ((source.size ?? 0) > PROGRAM_BYTES) return undefined;
    return KEY.test(jsonLetters(await readAll(source, PROGRAM_BYTES, "a program", check)));
  },
  scan,
};

/** Which key comes first is not said; Paddle itself writes them in the order of the alphabet. */
function detect({ head }: Sample): boolean {
  const text = jsonLetters(head);
  return /^[^\x21-\x7e]{0,64}\{/u.test(text) && KEY.test(text) &&
    (/"magic"\s*:\s*"pir"/u.test(text) || head.length === SAMPLE_BYTES);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, PROGRAM_BYTES, "a program", check);
  yield [];
  const { value, error } = parseJson(bytes, VALUES);
  const walk = new PirWalk(check);
  if (isObject(value)) walk.root(value);
  yield walk.found();
  if (error !== undefined) throw new FormatError(error.message, error.offset);
}

class PirWalk {
  readonly #check: () => void;
  readonly #operators = new Operators();
  readonly #anomalies: Observation[] = [];

  constructor(check: () => void) {
    this.#check = check;
  }

  root(root: JsonObject): void {
    for (const base of valuesOf(root, "base_code")) {
      const versions = isObject(base) ? valuesOf(base, "version") : [];
      if (versions.length > 0 && versions.every(isKnownVersion)) continue;
      this.#malformed(`The version of the program is not one of 0 to ${NEWEST}`, root.at);
    }
    const programs = valuesOf(root, "program");
    if (programs.length === 0) this.#malformed("There is no program", root.at);
    for (const program of programs) {
      if (isObject(program)) this.#regions(program, 0);
      else this.#malformed("The program is no object", root.at);
    }
  }

  found(): Observation[] {
    return [...this.#operators.facts(), ...this.#anomalies];
  }

  #regions(parent: JsonObject, depth: number): void {
    if (depth > DEPTH) {
      throw new FormatError("Cannot read program: its regions are too deep", parent.at);
    }
    for (const region of this.#objects(parent, "regions")) {
      for (const block of this.#objects(region, "blocks")) {
        this.#check();
        for (const operation of this.#objects(block, "ops")) this.#operation(operation, depth);
      }
    }
  }

  /** The objects of a list that a key holds; what is none is noted. */
  *#objects(object: JsonObject, key: string): Iterable<JsonObject> {
    for (const list of valuesOf(object, key)) {
      if (!isArray(list)) {
        this.#malformed(`"${key}" is no list`, object.at);
        continue;
      }
      for (const item of list.items) {
        if (isObject(item)) yield item;
        else this.#malformed(`"${key}" holds what is no object`, list.at);
      }
    }
  }

  #operation(operation: JsonObject, depth: number): void {
    const offset = operation.at;
    const ids = valuesOf(operation, "#");
    if (ids.length === 0) this.#malformed("An operation has no name", offset);
    const texts = this.#texts(operation);
    const place = depth === 0 ? "" : `a region ${depth} deep`;
    // Of equal keys the last counts; none of them is left out.
    for (const id of ids) {
      if (id === PARAMETER) this.#parameter(operation);
      const name = typeof id === "string" ? decompressed(id) : undefined;
      if (name === undefined) this.#malformed("An operation's name is of no dialect", offset);
      else this.#operators.add({ name, texts, place, offset });
    }
    this.#regions(operation, depth + 1);
  }

  /** Attributes that are texts or lists of texts. */
  #texts(operation: JsonObject): readonly (readonly [string, string])[] {
    const texts: (readonly [string, string])[] = [];
    for (const key of ["A", "DA", "QA", "OA"]) {
      for (const list of valuesOf(operation, key)) {
        if (!isArray(list)) this.#malformed(`"${key}" is no list`, operation.at);
        else {
          for (const attribute of list.items) {
            if (!isObject(attribute)) continue;
            const [name] = valuesOf(attribute, "N");
            for (const type of valuesOf(attribute, "AT")) {
              for (const text of textsIn(type)) {
                if (texts.length < TEXTS) texts.push([typeof name === "string" ? name : "", text]);
              }
            }
          }
        }
      }
    }
    return texts;
  }

  #parameter(operation: JsonObject): void {
    for (const list of valuesOf(operation, "A")) {
      for (const name of isArray(list) ? list.items : []) {
        if (typeof name !== "string" || !leavesFolder(name)) continue;
        const detail = `a parameter is called "${name}"`;
        this.#anomaly({ type: "anomaly", rule: "paddle-path", detail, offset: operation.at });
      }
    }
  }

  #malformed(detail: string, offset: number): void {
    this.#anomaly({ type: "anomaly", rule: "paddle-malformed", detail, offset, unread: true });
  }

  #anomaly(anomaly: Observation): void {
    if (this.#anomalies.length < REPORTED) this.#anomalies.push(anomaly);
  }
}

function isKnownVersion(version: JsonValue): boolean {
  return typeof version === "number" && Number.isInteger(version) && version >= 0 &&
    version <= NEWEST;
}

/** The name of an operation as Paddle looks it up: what is before the first point names the dialect. */
function decompressed(id: string): string | undefined {
  if (id === PARAMETER) return "builtin.parameter";
  const point = id.indexOf(".");
  const dialect = DIALECTS[point < 0 ? id : id.slice(0, point)];
  return dialect === undefined ? undefined : `${dialect}.${point < 0 ? id : id.slice(point + 1)}`;
}

/** The texts of an attribute: its data, or the data of each of a list of attributes. */
function* textsIn(attribute: JsonValue, depth = 0): Iterable<string> {
  if (!isObject(attribute) || depth > DEPTH) return;
  for (const data of valuesOf(attribute, "D")) {
    if (typeof data === "string") yield data;
    else if (isArray(data)) { for (const item of data.items) yield* textsIn(item, depth + 1); }
  }
}
