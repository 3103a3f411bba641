/**
 * Interpolations of OmegaConf, which Hydra, NeMo and others resolve before they use a value: `${a.b}`,
 * relative `${.b}` and `${..b}`, brackets, nested ones, and the resolvers `oc.select` and `oc.decode`.
 * https://omegaconf.readthedocs.io/en/2.3_branch/grammar.html
 *
 * @module
 */

import { type ConfigNode, textOf } from "../config_node.ts";

/**
 * Interpolations resolved within each other. OmegaConf ends by Python's recursion limit. No configuration in
 * use is known to nest them deeper. CWE-674.
 */
const DEPTH = 16;
/** Values that one text may have where keys are given twice. Writers give no key twice. CWE-770. */
const VALUES = 64;

/** What a text may be. */
interface Resolved {
  readonly texts: readonly string[];
  /** True when a part of it comes from outside the document, or cannot be determined. */
  readonly computed: boolean;
}

/**
 * Every text that one with interpolations may become.
 *
 * @param root of the document
 * @param path keys from the root to the text
 */
export function resolveText(text: string, root: ConfigNode, path: readonly string[]): Resolved {
  return new Resolver(root).resolve(text, path, 0);
}

class Resolver {
  constructor(readonly root: ConfigNode) {}

  resolve(text: string, path: readonly string[], depth: number): Resolved {
    let texts = [""];
    let computed = false;
    let at = 0;
    while (at < text.length) {
      const open = text.indexOf("${", at);
      if (open < 0) break;
      let slashes = 0;
      while (text[open - 1 - slashes] === "\\") slashes++;
      const before = text.slice(at, open - slashes) + "\\".repeat(slashes >> 1);
      if (slashes % 2 === 1) {
        texts = texts.map((each) => each + before + "${");
        at = open + 2;
        continue;
      }
      const close = closing(text, open + 2);
      if (close < 0) return { texts, computed: true };
      const found = depth < DEPTH
        ? this.#value(text.slice(open + 2, close), path, depth)
        : { texts: [], computed: true };
      computed ||= found.computed;
      const next = texts.flatMap((each) => found.texts.map((value) => each + before + value));
      computed ||= next.length > VALUES;
      texts = next.slice(0, VALUES);
      at = close + 1;
    }
    const rest = text.slice(at);
    return { texts: texts.map((each) => each + rest), computed };
  }

  #value(written: string, path: readonly string[], depth: number): Resolved {
    const inner = this.resolve(written, path, depth + 1);
    const texts: string[] = [];
    let { computed } = inner;
    for (const one of inner.texts) {
      const found = this.#one(one.trim(), path, depth);
      texts.push(...found.texts);
      computed ||= found.computed;
    }
    return { texts, computed };
  }

  #one(expression: string, path: readonly string[], depth: number): Resolved {
    const resolver = /^([A-Za-z_][\w.]*)\s*:(.*)$/su.exec(expression);
    if (resolver !== null) {
      const [, name = "", rest = ""] = resolver;
      const [first = "", ...others] = rest.split(",").map((part) => unquoted(part.trim()));
      if (name === "oc.decode") return { texts: [unquoted(rest.trim())], computed: false };
      const defaults = others.length > 0 ? [others.join(",")] : [];
      if (name === "oc.select") {
        const found = this.#one(first, path, depth);
        return {
          texts: [...found.texts, ...defaults],
          computed: found.computed && defaults.length === 0,
        };
      }
      return { texts: name === "oc.env" ? defaults : [], computed: true };
    }
    const dots = /^\.*/u.exec(expression)?.[0].length ?? 0;
    const keys = expression.slice(dots).split(/[.[\]]+/u).filter((key) => key !== "");
    const from = dots === 0 ? [] : path.slice(0, Math.max(0, path.length - dots));
    const nodes = nodesAt(this.root, [...from, ...keys]);
    const texts = nodes.flatMap((node) => textOf(node) ?? []);
    if (texts.length === 0) return { texts: [], computed: true };
    const results = texts.map((each) => this.resolve(each, [...from, ...keys], depth + 1));
    return {
      texts: results.flatMap((each) => each.texts).slice(0, VALUES),
      computed: results.some((each) => each.computed),
    };
  }
}

/** Every node that a path of keys leads to; keys may be given twice. */
export function nodesAt(root: ConfigNode, keys: readonly string[]): ConfigNode[] {
  let nodes = [root];
  for (const key of keys) {
    nodes = nodes.flatMap((node) => {
      if (node.kind === "list") return node.items[Number(key)] ?? [];
      if (node.kind !== "map") return [];
      return node.members.flatMap(([name, value]) => textOf(name) === key ? [value] : []);
    }).slice(0, VALUES);
  }
  return nodes;
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

function unquoted(text: string): string {
  return /^(?:"[^"]*"|'[^']*')$/u.test(text) ? text.slice(1, -1) : text;
}
