/**
 * Where a repository's configuration names code of its own or of another repository: `auto_map` and
 * `custom_pipelines` of transformers, classes of diffusers' `model_index.json`, modules of
 * sentence-transformers.
 * https://huggingface.co/docs/transformers/custom_models
 *
 * @module
 */

import {
  isArray,
  isObject,
  type JsonArray,
  type JsonObject,
  type JsonValue,
  valuesOf,
} from "../parsers/json.ts";

/** A class in a module that is not installed but lies in a repository. */
export interface CodeReference {
  /** Such as `config.json` has it: `org/other--modeling_x.Model`. */
  readonly written: string;
  /** Another repository's name; undefined for the one at hand. */
  readonly repository: string | undefined;
  /** Dotted, relative to the folder of the configuration. */
  readonly module: string;
  readonly name: string;
  /** `auto_map`, `custom_pipelines`, … */
  readonly by: string;
  /** True when it is nested in the configuration and not at its top level. */
  readonly nested: boolean;
}

const MAPS = new Set(["auto_map", "custom_pipelines"]);
/** Values of one configuration. The largest tokenizer has some 1,500,000. CWE-770. */
const VALUES = 4_000_000;

/** References to code, and whether all of the configuration was searched for them. */
interface CodeReferences {
  readonly references: readonly CodeReference[];
  /** False when it has more values than are searched. */
  readonly complete: boolean;
}

/** Every reference to code in a configuration, at any depth. */
export function codeReferences(value: JsonValue): CodeReferences {
  const found: CodeReference[] = [];
  const waiting: { readonly value: JsonObject | JsonArray; readonly depth: number }[] = [];
  let visited = 0;
  const visit = (one: JsonValue, depth: number): void => {
    visited++;
    if (isArray(one) || isObject(one)) waiting.push({ value: one, depth });
  };
  visit(value, 0);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value: container, depth } = next;
    if (isArray(container)) {
      for (const item of container.items) visit(item, depth + 1);
    } else {
      for (const [key, member] of container.members) {
        if (MAPS.has(key)) found.push(...mapped(key, member, depth > 0));
        else visit(member, depth + 1);
      }
    }
    if (visited > VALUES) return { references: found, complete: false };
  }
  return { references: found, complete: true };
}

/** The strings of a map: its values, lists of them, or `impl` of a pipeline. */
function mapped(by: string, value: JsonValue, nested: boolean): CodeReference[] {
  const texts: string[] = [];
  const collect = (one: JsonValue, depth: number): void => {
    if (typeof one === "string") texts.push(one);
    else if (isArray(one) && depth < 4) { for (const item of one.items) collect(item, depth + 1); }
    else if (isObject(one) && depth < 4) {
      if (by === "custom_pipelines" && depth === 1) {
        for (const impl of valuesOf(one, "impl")) collect(impl, depth + 1);
      } else for (const [, item] of one.members) collect(item, depth + 1);
    }
  };
  collect(value, 0);
  return texts.flatMap((text) => {
    const reference = referenceOf(text, by, nested);
    return reference === undefined ? [] : [reference];
  });
}

/** `repository--module.Class`; undefined for what has no module. */
export function referenceOf(
  written: string,
  by: string,
  nested: boolean,
): CodeReference | undefined {
  const at = written.indexOf("--");
  const repository = at < 0 ? undefined : written.slice(0, at);
  const path = at < 0 ? written : written.slice(at + 2);
  const dot = path.lastIndexOf(".");
  if (dot <= 0) return undefined;
  return { written, repository, module: path.slice(0, dot), name: path.slice(dot + 1), by, nested };
}

/** Parts of `model_index.json`: a library, or a module of the repository, and a class in it. */
interface Component {
  /** Name of the part, and of its folder; empty for the pipeline itself. */
  readonly part: string;
  readonly library: string;
  readonly name: string;
}

/**
 * What diffusers' `model_index.json` names.
 *
 * @param index the contents of the file
 */
export function components(index: JsonObject): Component[] {
  const found: Component[] = [];
  for (const [part, value] of index.members) {
    const own = part === "_class_name";
    if (!isArray(value) || value.items.length !== 2 || (part.startsWith("_") && !own)) continue;
    const [library, name] = value.items;
    if (typeof library !== "string" || typeof name !== "string") continue;
    found.push({ part: own ? "" : part, library, name });
  }
  return found;
}

/** Parts of `modules.json` of sentence-transformers: dotted names of classes. */
export function moduleTypes(modules: JsonValue): string[] {
  if (!isArray(modules)) return [];
  return modules.items.flatMap((item) =>
    isObject(item) ? valuesOf(item, "type").filter((type) => typeof type === "string") : []
  );
}
