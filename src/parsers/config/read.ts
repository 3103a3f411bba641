/**
 * Reads a configuration in the notation that its name or its content shows: JSON, JSON lines, YAML,
 * TOML, INI, gin, a line of text.
 *
 * @module
 */

import { parseJson } from "../json.ts";
import { parseToml } from "../toml.ts";
import { composeYaml } from "../yaml/compose.ts";
import { readGin } from "./gin.ts";
import { readIniFile } from "./ini.ts";
import { type ConfigDocuments, type ConfigNode, fromJson, textNode } from "../config_node.ts";

/** How a configuration is written. */
export type Notation = "json" | "json-lines" | "yaml" | "toml" | "ini" | "gin" | "line";

const BY_EXTENSION: ReadonlyMap<string, Notation> = new Map([
  ["json", "json"],
  ["jsonl", "json-lines"],
  ["ndjson", "json-lines"],
  ["yaml", "yaml"],
  ["yml", "yaml"],
  ["toml", "toml"],
  ["ini", "ini"],
  ["cfg", "ini"],
  ["conf", "ini"],
  ["gin", "gin"],
]);

/** Files without an extension of their own, by base name in lower case. */
const BY_NAME: ReadonlyMap<string, Notation> = new Map([
  ["mlmodel", "yaml"],
  ["kitfile", "yaml"],
  ["mlproject", "yaml"],
  ["serving.properties", "ini"],
  ["type.txt", "line"],
]);

/**
 * The notation of a file.
 *
 * @param base base name, in any case
 * @returns undefined for names of no configuration
 */
export function notationOf(base: string): Notation | undefined {
  const lower = base.toLowerCase();
  return BY_NAME.get(lower) ?? BY_EXTENSION.get(/\.([a-z]+)$/u.exec(lower)?.[1] ?? "");
}

/** Bytes as text: UTF-8, or UTF-16 behind its byte order mark. */
export function configText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return new TextDecoder().decode(bytes);
}

/**
 * Reads a configuration.
 *
 * @param check called now and then; may throw
 */
export function readConfig(
  bytes: Uint8Array,
  notation: Notation,
  check: () => void = () => {},
): ConfigDocuments {
  switch (notation) {
    case "json": {
      const { value, error } = parseJson(bytes);
      return {
        roots: value === undefined ? [] : [fromJson(value)],
        syntaxError: error && { message: error.message, at: error.offset },
      };
    }
    case "json-lines":
      return jsonLines(bytes, check);
    case "yaml":
      return composeYaml(configText(bytes), check);
    case "toml":
      return readToml(configText(bytes));
    case "ini":
      return { roots: [readIni(configText(bytes))], syntaxError: undefined };
    case "gin":
      return { roots: [readGin(configText(bytes))], syntaxError: undefined };
    case "line": {
      const [line = ""] = configText(bytes).split(/\r\n|\r|\n/u, 1);
      const members = [[textNode("line"), textNode(line.trim())]] as const;
      return { roots: [{ kind: "map", at: 0, members }], syntaxError: undefined };
    }
  }
}

/**
 * Lines of JSON lines that are read; beyond them the file is data, and an error says so. No configuration is
 * known to have a hundred. CWE-770.
 */
const LINES = 200_000;

function jsonLines(bytes: Uint8Array, check: () => void): ConfigDocuments {
  const roots: ConfigNode[] = [];
  let syntaxError: ConfigDocuments["syntaxError"];
  let at = 0;
  for (let lines = 0; at < bytes.length; lines++) {
    if (lines >= LINES) {
      return { roots, syntaxError: { message: `It has more than ${LINES} lines`, at } };
    }
    if (lines % 1000 === 0) check();
    const end = bytes.indexOf(0x0a, at);
    const line = bytes.subarray(at, end < 0 ? bytes.length : end);
    if (line.some((byte) => byte > 0x20)) {
      const { value, error } = parseJson(line);
      if (value !== undefined) roots.push(fromJson(value));
      if (error !== undefined) syntaxError ??= { message: error.message, at: at + error.offset };
    }
    at += line.length + 1;
  }
  return { roots, syntaxError };
}

function readToml(text: string): ConfigDocuments {
  const { root, error } = parseToml(text);
  if (error === undefined) return { roots: [fromValue(root)], syntaxError: undefined };
  const at = text.split("\n").slice(0, error.line - 1).join("\n").length;
  return { roots: [], syntaxError: { message: error.message, at } };
}

function fromValue(value: unknown): ConfigNode {
  if (Array.isArray(value)) return { kind: "list", at: 0, items: value.map(fromValue) };
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const members = Object.entries(value).map(([key, each]) =>
      [textNode(key), fromValue(each)] as const
    );
    return { kind: "map", at: 0, members };
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return { kind: "scalar", at: 0, text: String(value), value };
  }
  if (typeof value === "bigint") {
    return { kind: "scalar", at: 0, text: String(value), value: Number(value) };
  }
  // `String` of a date depends on the machine's language and time zone.
  return textNode(value instanceof Date ? value.toISOString() : String(value));
}

/** An INI file; names of options in lower case, as `configparser` has them where nothing else is asked for. */
function readIni(text: string): ConfigNode {
  const root: [ConfigNode, ConfigNode][] = [];
  for (const { name, at, options } of readIniFile(text).sections) {
    const members = options.map((each): [ConfigNode, ConfigNode] => [
      textNode(each.name.toLowerCase()),
      textNode(each.value ?? "", each.at),
    ]);
    // What stands before the first section.
    if (name === "") root.push(...members);
    else root.push([textNode(name), { kind: "map", at, members }]);
  }
  return { kind: "map", at: 0, members: root };
}
