/**
 * Configurations in which a loader calls `os.system`, in the spellings that YAML and JSON have for the
 * same document: order of keys, flow and block, quotes and escapes, anchors, aliases and merge keys, tags
 * in long form, encodings, several documents. PyYAML or `json` reads each as it was meant.
 *
 * @module
 */

import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

type Node = string | number | readonly Node[] | { readonly [key: string]: Node };

/** Documents that are dangerous to load, and the files that are loaded. */
const PLANTED: readonly (readonly [name: string, document: Node])[] = [
  ["config.yaml", { model: { _target_: "os.system", command: "echo x" } }],
  ["any.yaml", { list: [{ _target_: "subprocess.Popen", args: ["echo"] }] }],
  ["hparams.yaml", { m: { _target_: "${p.q}", command: "echo x" }, p: { q: "os.system" } }],
  ["recipe.yaml", { model: { _component_: "os.system", command: "echo x" } }],
  ["config.yaml", { model: { class_path: "subprocess.Popen", init_args: { args: ["echo"] } } }],
  ["v1-inference.yaml", { model: { target: "os.system", params: { command: "echo x" } } }],
  ["model_config.yaml", { preprocessor: { cls: "os.system", params: { command: "echo x" } } }],
  ["MLmodel", { flavors: { python_function: { loader_module: "os.system" } } }],
  ["config.yaml", { pipeline: { name: "os.system" }, params: { a: 1 } }],
  ["processor.json", {
    name: "p",
    steps: [{ class: "subprocess.Popen", config: { args: "echo" } }],
  }],
  ["model.json", { a: [{ "py/object": "subprocess.Popen" }] }],
  ["inference.json", { imports: ["$import os"], run: "$os.system('echo x')" }],
  ["predictor.json", { __kind__: "instance", class: "os.system", args: ["echo x"] }],
  ["config.json", { x: { _target_: "os.system" } }],
];

/** A configuration that is dangerous, in a spelling of its own. */
export function spelledConfiguration(dice: Dice): Generated {
  const [name, planted] = dice.pick(PLANTED);
  const document = decorated(planted, dice);
  const json = name.endsWith(".json");
  const text = json ? jsonOf(document, dice) : new Speller(dice).document(document);
  return { name, bytes: encoded(text, dice, json), planted: "os.system or subprocess.Popen" };
}

/** The same document with further keys around those that matter. */
function decorated(document: Node, dice: Dice): Node {
  if (typeof document !== "object" || document instanceof Array) return document;
  const members: [string, Node][] = Object.entries(document as Record<string, Node>)
    .map(([key, value]) => [key, decorated(value, dice)]);
  for (let more = dice.below(3); more > 0; more--) {
    members.push([
      `k${dice.below(1000)}`,
      dice.pick<Node>(["text: x", 1.5, [], {}, ["a", 2], "", "- a"]),
    ]);
  }
  return Object.fromEntries(shuffled(members, dice));
}

/** The members, one of them behind another of the same key: `json` and PyYAML take the last. */
function doubled(
  members: readonly (readonly [string, Node])[],
  dice: Dice,
): readonly (readonly [string, Node])[] {
  if (members.length === 0 || !dice.chance(1, 10)) return members;
  const at = dice.below(members.length);
  const [key] = members[at] ?? [""];
  const decoy: readonly [string, Node] = [key, dice.pick<Node>(["torch.nn.Linear", 1, [], {}])];
  return [...members.slice(0, dice.below(at + 1)), decoy, ...members.slice(0)].filter(
    (member, index, all) => all.indexOf(member) === index,
  );
}

function shuffled<T>(items: readonly T[], dice: Dice): T[] {
  const left = [...items];
  return items.map(() => left.splice(dice.below(left.length), 1)[0] as T);
}

function isMap(node: Node): node is { readonly [key: string]: Node } {
  return typeof node === "object" && !(node instanceof Array);
}

function jsonOf(node: Node, dice: Dice): string {
  const space = (): string => dice.pick(["", "", " ", "\n", "\t", "\r\n "]);
  if (typeof node === "number") return String(node);
  if (typeof node === "string") return jsonText(node, dice);
  if (!isMap(node)) {
    return `[${space()}${node.map((item) => jsonOf(item, dice)).join(`${space()},${space()}`)}]`;
  }
  const members = doubled(Object.entries(node), dice).map(([key, value]) =>
    `${jsonText(key, dice)}${space()}:${space()}${jsonOf(value, dice)}`
  );
  return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`;
}

function jsonText(text: string, dice: Dice): string {
  const escaped = JSON.stringify(text).slice(1, -1);
  if (!dice.chance(1, 3) || escaped.includes("\\")) return `"${escaped}"`;
  const letters = [...text].map((letter) =>
    dice.chance(1, 3) ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : letter
  );
  return `"${letters.join("")}"`;
}

/** Writes a document of YAML, an anchor or alias here and there. */
class Speller {
  readonly #dice: Dice;
  #anchors = 0;
  readonly #before: string[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  document(node: Node): string {
    const dice = this.#dice;
    const body = dice.chance(1, 5) ? this.#flow(node) : this.#block(node, 0);
    const held = this.#before.length === 0 || !isMap(node) || /^[{[!]/u.test(body)
      ? ""
      : `zz_held:\n${this.#before.map((line) => `  - ${line}\n`).join("")}`;
    const text = this.#before.length > 0 && held === "" ? this.#resolved(body) : held + body;
    const head = dice.pick([
      "",
      "",
      "---\n",
      "# a: {b\n",
      "%YAML 1.1\n---\n",
      "a: 1\n---\n",
      "--- # x\n",
    ]);
    const tail = dice.pick(["", "\n", "\n...\n", "\n---\nb: [1, 2]\n", "\n# end"]);
    const lines = `${head}${text}${tail}`;
    return dice.chance(1, 8) ? lines.replaceAll("\n", "\r\n") : lines;
  }

  /** The text with each alias in place, where there is no room for the anchors. */
  #resolved(body: string): string {
    return body.replace(/\*(a\d+) ?/gu, (_, name: string) => {
      const line = this.#before.find((each) => each.startsWith(`&${name} `)) ?? "";
      return line.slice(name.length + 2);
    });
  }

  #block(node: Node, indent: number): string {
    const dice = this.#dice;
    if (typeof node !== "object" || dice.chance(1, 8)) return `${this.#flow(node)}\n`;
    const pad = " ".repeat(indent);
    const step = dice.pick([1, 2, 2, 4]);
    if (!isMap(node)) {
      if (node.length === 0) return "[]\n";
      return node.map((item) => `${pad}-${this.#under(item, indent, step)}`).join("");
    }
    if (Object.keys(node).length === 0) return "{}\n";
    const merged = this.#merged(Object.entries(node));
    const members = doubled(Object.entries(merged?.rest ?? node), dice);
    const head = merged === undefined ? "" : `${pad}${merged.line}\n`;
    return head + members.map(([key, value]) => {
      if (dice.chance(1, 12)) {
        return `${pad}? ${this.#scalar(key, false)}\n${pad}:${this.#under(value, indent, step)}`;
      }
      const gap = dice.pick(["", "", " ", "  "]);
      return `${pad}${this.#scalar(key, false)}${gap}:${this.#under(value, indent, step)}`;
    }).join("");
  }

  /** A value behind its colon or dash, on the same line or below. */
  #under(node: Node, indent: number, step: number): string {
    const dice = this.#dice;
    const text = typeof node === "object" ? this.#block(node, indent + step) : "";
    const isBlock = typeof node === "object" && text.startsWith(" ".repeat(indent + step));
    if (isBlock) return `${dice.pick(["", " # c", " &u" + this.#anchors++])}\n${text}`;
    if (typeof node === "object") return ` ${text}`;
    if (typeof node === "string" && dice.chance(1, 6) && /^\S/u.test(node)) {
      const pad = " ".repeat(indent + step);
      return ` ${dice.pick(["|-", ">-"])}\n${pad}${node}\n`;
    }
    return `${dice.pick([" ", "  ", "\n" + " ".repeat(indent + step)])}${
      this.#scalar(node, false)
    }\n`;
  }

  #flow(node: Node): string {
    const dice = this.#dice;
    const gap = (): string => dice.pick(["", " ", " "]);
    if (typeof node !== "object") return this.#scalar(node, true);
    if (!isMap(node)) return `[${node.map((item) => this.#flow(item)).join(`,${gap()}`)}]`;
    const merged = this.#merged(Object.entries(node));
    const members = doubled(Object.entries(merged?.rest ?? node), dice).map(([key, value]) =>
      `${this.#scalar(key, true)}: ${this.#flow(value)}`
    );
    if (merged !== undefined) members.splice(dice.below(members.length + 1), 0, merged.line);
    return `${dice.pick(["", "", "", "", "!!map ", "!<tag:yaml.org,2002:map> "])}{${gap()}${
      members.join(`,${gap()}`)
    }${gap()}}`;
  }

  /**
   * Some members under a merge key, which counts less than the map's own: `<<: {a: 1}`, `<<: [{a: 1}]`. None
   * where nothing would be left, or at random.
   */
  #merged(
    members: readonly (readonly [string, Node])[],
  ): { readonly line: string; readonly rest: { readonly [key: string]: Node } } | undefined {
    const dice = this.#dice;
    if (members.length < 2 || !dice.chance(1, 8)) return undefined;
    const taken = members.slice(0, 1 + dice.below(members.length - 1));
    const [last] = members.slice(-1);
    const decoy = last !== undefined && dice.chance(1, 2)
      ? [[last[0], "torch.nn.ReLU"] as const]
      : [];
    const flow = this.#flow(Object.fromEntries([...decoy, ...taken]));
    const line = dice.chance(1, 3) ? `<<: [${flow}, {z9: 1}]` : `<<: ${flow}`;
    return { line, rest: Object.fromEntries(members.slice(taken.length)) };
  }

  #scalar(value: string | number, flow: boolean): string {
    const dice = this.#dice;
    if (typeof value === "number") return String(value);
    const spelled = this.#quoted(value, flow);
    const tag = dice.chance(1, 10)
      ? dice.pick(["!!str ", "!<tag:yaml.org,2002:str> ", "!!s%74r "])
      : "";
    if (!dice.chance(1, 12)) return tag + spelled;
    const name = `a${this.#anchors++}`;
    this.#before.push(`&${name} ${tag}${spelled}`);
    return `*${name} `;
  }

  #quoted(value: string, flow: boolean): string {
    const dice = this.#dice;
    const isPlain = /^[A-Za-z_][\w.]*$/u.test(value) || (!flow && /^\$\{[\w.]+\}$/u.test(value));
    switch (dice.below(isPlain ? 4 : 2)) {
      case 0:
        return `'${value.replaceAll("'", "''")}'`;
      case 1:
        return this.#escaped(value);
      default:
        return value;
    }
  }

  #escaped(value: string): string {
    const dice = this.#dice;
    const letters = [...value].map((letter) => {
      const code = letter.charCodeAt(0).toString(16);
      if (letter === '"' || letter === "\\") return `\\${letter}`;
      if (!dice.chance(1, 5)) return letter;
      return dice.pick([
        `\\x${code.padStart(2, "0")}`,
        `\\u${code.padStart(4, "0")}`,
        `\\U${code.padStart(8, "0")}`,
      ]);
    });
    return `"${letters.join("")}"`;
  }
}

function encoded(text: string, dice: Dice, json: boolean): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  const kind = dice.below(10);
  if (kind === 0) return Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8);
  if (kind > 2) return utf8;
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  const little = kind === 1 || json;
  const bytes = units.flatMap((unit) => little ? [unit & 255, unit >> 8] : [unit >> 8, unit & 255]);
  return Uint8Array.from(little ? [0xff, 0xfe, ...bytes] : [0xfe, 0xff, ...bytes]);
}
