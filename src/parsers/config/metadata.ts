/**
 * What a model file holds besides its weights, as a configuration that loaders read: texts by name, or
 * maps of msgpack and pickles. It becomes an entry in JSON, where a text holds more than a word.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Observation } from "../../core/types.ts";
import { bytesSource } from "../../sources/memory.ts";
import { type ConfigNode, textNode } from "../config_node.ts";

/**
 * Characters of all metadata that are looked at; training programs write some megabytes. The most seen are
 * 127,063. CWE-770.
 */
const CHARACTERS = 16 * 1024 * 1024;
/** Maps and lists in one another. Real ones have a dozen. CWE-674. */
const DEPTH = 200;
/** Texts that may be markup, a name, a structure or a call. */
const SPEAKS = /[<({[$]|\w\.\w/u;
/** Keys that say something whatever their value is. */
const SPEAKING_KEY = /^_|trust|remote|^py\/|user_dir|^module$/u;

/**
 * The entry for metadata.
 *
 * @param part name of the part, by which the table of loaders knows it: `__metadata__`, `metadata_props`
 * @returns none when no text says anything
 */
export function metadataEntries(
  part: string,
  texts: readonly (readonly [name: string, text: string])[],
): Observation[] {
  const members = texts.map(([name, text]) => [textNode(name), textNode(text)] as const);
  return configurationEntries(part, { kind: "map", at: 0, members });
}

/**
 * The entry for a map that a file holds, or a list of such.
 *
 * @param part name of the part, by which the table of loaders knows it
 * @returns none when no text says anything; an anomaly that leaves the file unread when there is too much
 */
export function configurationEntries(part: string, root: ConfigNode): Observation[] {
  const writer = new JsonWriter();
  writer.write(root, 0);
  if (writer.cut !== undefined) {
    const detail = `Its metadata has more than ${writer.cut}, and no more is looked at`;
    return [{ type: "anomaly", rule: "config-malformed", detail, unread: true }];
  }
  if (!writer.speaks) return [];
  // A list alone would be no configuration to what detects one.
  const text = root.kind === "map" ? writer.text : `{"":${writer.text}}`;
  const source = bytesSource(part, new TextEncoder().encode(text));
  return [{ type: "entry", source, part, hint: HINT.configuration }];
}

/** Writes JSON by hand, so that a name that is given twice stays so. */
class JsonWriter {
  readonly #parts: string[] = [];
  #characters = 0;
  /** True once a text or a key was written that may say something. */
  speaks = false;
  /** What there is more of than is written; undefined when all of it was. */
  cut: string | undefined;

  get text(): string {
    return this.#parts.join("");
  }

  write(node: ConfigNode, depth: number): void {
    if (depth > DEPTH) this.cut ??= `${DEPTH} maps in one another`;
    if (this.cut !== undefined) return;
    switch (node.kind) {
      case "scalar":
        if (typeof node.value === "string") this.speaks ||= SPEAKS.test(node.text);
        this.#add(this.#scalar(node.value));
        return;
      case "list":
        this.#add("[");
        for (const [index, item] of node.items.entries()) {
          if (index > 0) this.#add(",");
          this.write(item, depth + 1);
        }
        this.#add("]");
        return;
      case "map":
        this.#add("{");
        for (const [index, [key, value]] of node.members.entries()) {
          const name = key.kind === "scalar" ? key.text : "";
          this.speaks ||= SPEAKING_KEY.test(name);
          this.#add(`${index > 0 ? "," : ""}${JSON.stringify(name)}:`);
          this.write(value, depth + 1);
        }
        this.#add("}");
    }
  }

  #scalar(value: string | number | boolean | null): string {
    // Infinity and NaN are true to Python as `1` is; JSON has no word for them.
    return typeof value === "number" && !Number.isFinite(value) ? "1" : JSON.stringify(value);
  }

  #add(text: string): void {
    this.#characters += text.length;
    if (this.#characters > CHARACTERS) this.cut ??= `${CHARACTERS} characters`;
    if (this.cut === undefined) this.#parts.push(text);
  }
}
