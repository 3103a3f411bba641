/**
 * How many parameters the program beside a file of parameters reads from it. Paddle refuses a file with fewer
 * (`LoadCombineFunction`); one that is cut off between two tensors shows it in no other way.
 *
 * @module
 */

import { memberBytes } from "../../bundles/member_bytes.ts";
import { FormatError } from "../../core/errors.ts";
import type { FolderPlace } from "../../core/types.ts";
import { isArray, isObject, type JsonObject, parseJson, valuesOf } from "../../parsers/json.ts";
import { fieldsOf, WIRE, type WireField } from "../../parsers/protobuf.ts";

/** Bytes of a program that are read; it holds no weights. That of the largest sample has 11,260. CWE-770. */
const PROGRAM_BYTES = 128 * 1024 * 1024;
/** Values of a program in JSON: one of eight bytes of it and more. CWE-770. */
const VALUES = 16_000_000;

/** Types of variables that are persistable and no parameters: feed, fetch, reader, raw. */
const NO_PARAMETERS: ReadonlySet<number> = new Set([9, 10, 15, 17]);

/**
 * Parameters of the program that a file of parameters belongs to by its name.
 *
 * @returns undefined where there is none, or none that can be read
 * @throws SourceError when the bytes cannot be had
 */
export async function parametersOf({ listing, member }: FolderPlace): Promise<number | undefined> {
  const stem = member.replace(/\.pdiparams$/iu, "");
  const names = [`${stem}.json`, `${stem}.pdmodel`, member.replace(/__params__$/u, "__model__")];
  for (const program of listing.members) {
    const { name } = program;
    if (name === member || !names.includes(name)) continue;
    const bytes = await memberBytes(program, PROGRAM_BYTES);
    if (bytes === undefined) continue;
    try {
      return name.endsWith(".json") ? inJson(bytes) : inProtobuf(bytes);
    } catch (error) {
      // What is wrong with the program is said where it is scanned.
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
}

/** The parameters of the program itself: `load_inference_model` looks into no region. */
function inJson(bytes: Uint8Array): number | undefined {
  const { value, error } = parseJson(bytes, VALUES);
  if (error !== undefined || !isObject(value)) return undefined;
  const names = new Set<unknown>();
  const [program] = valuesOf(value, "program");
  for (const region of isObject(program) ? firstOf(program, "regions") : []) {
    for (const block of firstOf(region, "blocks")) {
      for (const operation of firstOf(block, "ops")) {
        if (valuesOf(operation, "#")[0] !== "p" || !isPersistable(operation)) continue;
        const [attributes] = valuesOf(operation, "A");
        names.add(isArray(attributes) ? attributes.items[3] : undefined);
      }
    }
  }
  return names.size;
}

/** Whether a parameter is saved: the first of its attributes as a result; state of one run is not. */
function isPersistable(parameter: JsonObject): boolean {
  const [attributes] = valuesOf(parameter, "OA");
  return !isArray(attributes) || attributes.items[0] !== 0;
}

function firstOf(object: JsonObject, key: string): readonly JsonObject[] {
  const [list] = valuesOf(object, key);
  return isArray(list) ? list.items.filter(isObject) : [];
}

/** The persistable variables of all blocks, each name once. */
function inProtobuf(bytes: Uint8Array): number {
  const names = new Set<string>();
  const inside = ({ start, end }: WireField): Uint8Array => bytes.subarray(start, end);
  for (const block of messages(bytes, 1)) {
    for (const variable of messages(inside(block), 3, block.start)) {
      let name = "";
      let persistable = false;
      let type: number | undefined;
      for (const field of fieldsOf(inside(variable))) {
        const { number, value, start, end } = field;
        if (number === 1) {
          name = new TextDecoder().decode(inside(variable).subarray(start, end));
        } else if (number === 3) persistable = value !== 0;
        else if (number === 2) {
          const [first] = fieldsOf(inside(variable).subarray(start, end));
          type = first?.number === 1 ? first.value : undefined;
        }
      }
      if (persistable && (type === undefined || !NO_PARAMETERS.has(type))) names.add(name);
    }
  }
  return names.size;
}

/** Fields of bytes with a number, their places counted from `offset`. */
function* messages(bytes: Uint8Array, number: number, offset = 0): Iterable<WireField> {
  for (const field of fieldsOf(bytes)) {
    if (field.number !== number || field.type !== WIRE.bytes) continue;
    yield { ...field, start: field.start + offset, end: field.end + offset };
  }
}
