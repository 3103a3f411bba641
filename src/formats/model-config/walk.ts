/**
 * Goes through the JSON of one configuration file and states what in it names code: modules and
 * classes, kernels, other repositories, templates. Every member counts, also one that another of the
 * same name hides.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import {
  codeReferences,
  type Component,
  components,
  moduleTypes,
} from "../../bundles/remote_code.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "../../parsers/json.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";

const TEXT_CHARACTERS = 2048;
const VALUES = 2_000_000;
const TOLD = 200;
/** Characters of a place in the JSON. */
const PATH_CHARACTERS = 1024;

/** Keys that choose how attention is computed; a name with a slash is a repository with a kernel. */
const ATTENTION = /^_?attn_implementation(?:_internal)?$|^_?experts_implementation(?:_internal)?$/u;
/** The organisation whose kernels transformers itself uses. */
const OWN_KERNELS = /^(?:paged\|)?kernels-community\//u;

/** The walk through one file; used once. */
export class ConfigWalk {
  readonly #name: string;
  readonly #together: boolean;
  readonly #check: () => void;
  readonly #found: Observation[] = [];
  readonly #told = new Set<string>();
  #templates = 0;
  #trusting: string | undefined;

  /**
   * A walk.
   *
   * @param name base name of the file, in lower case
   * @param together true when the files beside it are judged with it
   */
  constructor(name: string, together: boolean, check: () => void) {
    this.#name = name;
    this.#together = together;
    this.#check = check;
  }

  /** What there is to say of a whole file. */
  observations(root: JsonValue): readonly Observation[] {
    this.#walk(root);
    this.#references(root);
    if (this.#name === "model_index.json" && isObject(root)) {
      for (const component of components(root)) this.#component(component);
    }
    if (this.#name === "modules.json") {
      for (const type of moduleTypes(root)) this.#reference("config", type, "type");
    }
    return this.#found.slice(0, TOLD + this.#templates);
  }

  #walk(root: JsonValue): void {
    interface Step {
      readonly value: JsonValue;
      readonly path: string;
      /** Whether a key on the way speaks of templates. */
      readonly template: boolean;
    }
    const waiting: Step[] = [{ value: root, path: "", template: false }];
    let seen = 0;
    for (let next = waiting.pop(); next !== undefined && seen < VALUES; next = waiting.pop()) {
      if (++seen % 10_000 === 0) this.#check();
      const { value, path, template } = next;
      if (isArray(value)) {
        for (const [at, item] of value.items.entries()) {
          const where = below(path, `[${at}]`);
          if (typeof item === "string") this.#text(where, template, item);
          else waiting.push({ value: item, path: where, template });
        }
      } else if (isObject(value)) {
        for (const [key, member] of value.members) {
          const where = path === "" ? key : below(path, `.${key}`);
          const inside = template || /template/iu.test(key);
          if (typeof member === "string") this.#text(where, inside, member);
          this.#member(value, key, member, where);
          if (typeof member === "object") {
            waiting.push({ value: member, path: where, template: inside });
          }
        }
      }
    }
  }

  #member(owner: JsonObject, key: string, value: JsonValue, where: string): void {
    if (ATTENTION.test(key)) this.#kernel(where, value);
    if (key === "trust_remote_code" && value === true) this.#trusting ??= where;
    if (key === "_target_" && typeof value === "string") {
      this.#reference("hydra", value, where);
    }
    if (key === "auto_mapping" && isObject(value)) this.#autoMapping(value, where);
    if (key === "weight_map" && isObject(value)) this.#shards(value);
    if (key === "_target_" && owner.members.length > 1000) this.#check();
  }

  /** Templates are followed; other texts of interest are told by their keys. */
  #text(where: string, template: boolean, text: string): void {
    if (!template && !/^\s*\{[{%]/u.test(text)) return;
    if (!/\{[{%#]/u.test(text)) return;
    this.#templates++;
    const source = bytesSource(where, new TextEncoder().encode(text));
    this.#found.push({ type: "entry", source, part: where, hint: HINT.chatTemplate });
  }

  #kernel(where: string, value: JsonValue): void {
    const texts = typeof value === "string"
      ? [value]
      : isObject(value)
      ? value.members.map(([, member]) => member).filter((member) => typeof member === "string")
      : [];
    for (const text of texts) {
      if (!text.includes("/")) continue;
      const name = OWN_KERNELS.test(text) ? "kernel.community" : "kernel.foreign";
      this.#operator(name, `"${text}" (${where})`, { repository: cut(text) });
    }
  }

  /** peft imports the parent library of its base model's class. */
  #autoMapping(value: JsonObject, where: string): void {
    const texts = (key: string): string[] =>
      value.members.flatMap(([name, member]) =>
        name === key && typeof member === "string" ? [member] : []
      );
    const [name = ""] = texts("base_model_class");
    for (const module of texts("parent_library")) {
      this.#reference("config", `${module}.${name || "*"}`, where);
    }
  }

  #component({ part, library, name }: Component): void {
    const where = part === "" ? "_class_name" : part;
    this.#reference("config", `${library}.${name}`, where);
  }

  #shards(map: JsonObject): void {
    const outside = new Set<string>();
    for (const [, file] of map.members) {
      if (typeof file === "string" && leavesFolder(file)) outside.add(file);
    }
    for (const file of outside) this.#operator("shard.outside", `"${cut(file)}"`, {});
  }

  /** What names code of a repository; told once for the file. */
  #references(root: JsonValue): void {
    const all = codeReferences(root);
    const foreign = all.filter(({ repository }) => repository !== undefined);
    const nested = all.some((one) => one.nested) || foreign.length > 0;
    if (this.#trusting !== undefined) {
      const name = nested ? "trust.reached" : "trust.set";
      this.#operator(name, `${this.#trusting}: true`, {});
    }
    if (all.length === 0) return;
    const written = [...new Set(all.map((one) => one.written))];
    const role = this.#together ? "repository" : undefined;
    const name = foreign.length > 0 ? "code.foreign" : "code.own";
    const shown = `${all[0]?.by}: ${written.slice(0, 5).join(", ")}`;
    this.#operator(name, cut(shown), { classes: written.slice(0, 50) }, role);
  }

  #reference(language: string, path: string, where: string): void {
    const dot = path.lastIndexOf(".");
    const [module, name] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
    if (this.#isTold(`${language}\n${path}`)) return;
    this.#found.push({
      type: "fact",
      fact: {
        kind: "reference",
        language,
        module,
        name,
        expression: cut(path),
        evidence: [],
        details: { where: cut(where) },
      },
      count: 1,
      offset: 0,
    });
  }

  #operator(
    name: string,
    expression: string,
    details: NonNullable<OperatorFact["details"]>,
    role?: string,
  ): void {
    if (this.#isTold(`${name}\n${expression}`)) return;
    this.#found.push({
      type: "fact",
      fact: {
        kind: "operator",
        language: "config",
        name,
        expression,
        details,
        ...(role !== undefined && { role }),
      },
      count: 1,
      offset: 0,
    });
  }

  #isTold(key: string): boolean {
    if (this.#told.has(key)) return true;
    this.#told.add(key);
    return false;
  }
}

/** True for a path that is absolute or climbs out. */
function leavesFolder(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:)/u.test(path) || path.split(/[\\/]/u).includes("..");
}

function cut(text: string): string {
  return text.slice(0, TEXT_CHARACTERS);
}

/** A path and one step further; a long path stays as it is, however deep the text goes on. */
function below(path: string, step: string): string {
  return path.length > PATH_CHARACTERS ? path : path + step;
}
