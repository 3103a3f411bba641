/**
 * Paddle's programs (`.pdmodel`, before version 1.8 `__model__`): a ProgramDesc, protobuf of version 2 without
 * a magic number, `paddle/fluid/framework/framework.proto` of https://github.com/PaddlePaddle/Paddle
 *
 * The executor runs all operators of block 0, and those of other blocks where an operator names them. All
 * blocks are read. Weights lie in another file.
 *
 * @module
 */

import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { FormatError } from "../../core/errors.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import {
  fieldsOf,
  packedVarints,
  WIRE,
  type WireField,
  type WireMessage,
  WireReader,
} from "../../parsers/protobuf.ts";
import { Operators } from "./operators.ts";

/** Numbers of fields. */
const PROGRAM = { blocks: 1, compatible: 3, version: 4, versions: 5 } as const;
const BLOCK = { index: 1, parent: 2, variables: 3, operators: 4, forward: 5 } as const;
const OPERATOR = { type: 3, attributes: 4 } as const;
const ATTRIBUTE = { name: 1, text: 5, texts: 8, block: 12, blocks: 14 } as const;
const VARIABLE = { name: 1, persistable: 3 } as const;

/** What each field of a program and of a block is written as. */
const PROGRAM_FIELDS: ReadonlySet<number> = new Set(Object.values(PROGRAM));
const BLOCK_WIRES: Readonly<Record<number, number>> = {
  [BLOCK.index]: WIRE.varint,
  [BLOCK.parent]: WIRE.varint,
  [BLOCK.variables]: WIRE.bytes,
  [BLOCK.operators]: WIRE.bytes,
  [BLOCK.forward]: WIRE.varint,
};

const NAMED = /(?:\.pdmodel|(?:^|\/)__model__)$/iu;
/** Bytes of an attribute's text that are kept; calls of Python's stack are longer. */
const TEXT_BYTES = 2049;
const NAME_BYTES = 1024;
/** Texts of one operator that are kept. CWE-770. */
const TEXTS = 256;
/** Numbers of blocks in one attribute; the operators seen have one or two. CWE-770. */
const BLOCKS = 10_000;
/** Anomalies of one kind that are reported one by one; an intact program has none. CWE-779. */
const REPORTED = 20;

/** Paddle's programs. */
export const paddleFormat: Format = { id: "paddle", random: true, detect, scan };

/**
 * By its name, or by content: a first block whose number and whose parent's are written. Both are required,
 * and no other message of frameworks begins so.
 */
function detect({ name, head, size }: Sample): boolean {
  if (NAMED.test(name)) return head.length > 0;
  for (const field of beginning(head, size ?? Infinity)) {
    if (field.type !== WIRE.bytes || !PROGRAM_FIELDS.has(field.number)) return false;
    if (field.number === PROGRAM.blocks && isBlock(head, field)) return true;
  }
  return false;
}

function isBlock(head: Uint8Array, { start, end }: WireField): boolean {
  const seen = new Set<number>();
  for (const { number, type } of beginning(head.subarray(start, end), end - start)) {
    if (BLOCK_WIRES[number] !== type) return false;
    seen.add(number);
  }
  return seen.has(BLOCK.index) && seen.has(BLOCK.parent);
}

/** The fields at the beginning of a message, as far as they are well-formed. */
function* beginning(bytes: Uint8Array, size: number): Iterable<WireField> {
  try {
    yield* fieldsOf(bytes, size);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const walk = new ProgramWalk(new WireReader(source, context));
  try {
    await walk.program();
  } finally {
    yield walk.found();
  }
}

type Text = readonly [attribute: string, text: string];

class ProgramWalk {
  readonly #reader: WireReader;
  readonly #operators = new Operators();
  readonly #anomalies: Observation[] = [];
  /** Numbers of blocks that operators name, each with the operator's place. */
  readonly #named: { readonly block: number; readonly offset: number }[] = [];
  #blocks = 0;

  constructor(reader: WireReader) {
    this.#reader = reader;
  }

  /** @throws FormatError, LimitError and SourceError as `WireMessage.next` does */
  async program(): Promise<void> {
    const message = this.#reader.message();
    await message.each((field) => {
      if (
        !this.#isOf(field, PROGRAM_FIELDS.has(field.number) ? WIRE.bytes : undefined, "program")
      ) {
        return;
      }
      if (field.number === PROGRAM.blocks) return this.#block(message.enter(field));
    });
    if (this.#blocks === 0) throw new FormatError("Cannot read program: it has no block", 0);
    for (const { block, offset } of this.#named) {
      if (block >= 0 && block < this.#blocks) continue;
      const detail = `an operator runs block ${block} of ${this.#blocks}`;
      this.#anomaly({ type: "anomaly", rule: "paddle-index", detail, offset });
    }
  }

  found(): Observation[] {
    return [...this.#operators.facts(), ...this.#anomalies];
  }

  async #block(message: WireMessage): Promise<void> {
    const index = this.#blocks++;
    const place = index === 0 ? "" : `block ${index}`;
    const required = new Set<number>([BLOCK.index, BLOCK.parent]);
    await message.each((field) => {
      if (!this.#isOf(field, BLOCK_WIRES[field.number], "block")) return;
      required.delete(field.number);
      this.#blockNumber(field, index);
      if (field.number === BLOCK.operators) return this.#operator(message.enter(field), place);
      if (field.number === BLOCK.variables) return this.#variable(message.enter(field));
    });
    if (required.size > 0) this.#malformed(`Block ${index} has no number`, message.start);
  }

  /** Blocks are numbered in order, and each but the first lies in one before it. */
  #blockNumber({ number, value, offset }: WireField, index: number): void {
    const right = number === BLOCK.index
      ? value === index
      : number === BLOCK.parent
      ? (index === 0 ? value === -1 : value >= 0 && value < index)
      : number !== BLOCK.forward || value < index;
    if (right) return;
    const what = number === BLOCK.index
      ? "number"
      : number === BLOCK.parent
      ? "parent"
      : "forward block";
    const detail = `block ${index} has the ${what} ${value}`;
    this.#anomaly({ type: "anomaly", rule: "paddle-index", detail, offset });
  }

  async #operator(message: WireMessage, place: string): Promise<void> {
    const types: string[] = [];
    const texts: Text[] = [];
    await message.each(async (field) => {
      if (field.number !== OPERATOR.type && field.number !== OPERATOR.attributes) return;
      if (!this.#isOf(field, WIRE.bytes, "operator")) return;
      if (field.number === OPERATOR.attributes) {
        await this.#attribute(message.enter(field), texts);
      } else types.push(await this.#reader.text(field, NAME_BYTES));
    });
    const offset = message.start;
    if (types.length === 0) this.#malformed("An operator has no type", offset);
    // Of several the last counts; none of them is left out.
    for (const name of types) this.#operators.add({ name, texts, place, offset });
  }

  async #attribute(message: WireMessage, into: Text[]): Promise<void> {
    let name = "";
    const texts: string[] = [];
    await message.each(async (field) => {
      switch (field.number) {
        case ATTRIBUTE.name:
          if (!this.#isOf(field, WIRE.bytes, "attribute")) return;
          name = await this.#reader.text(field, NAME_BYTES);
          return;
        case ATTRIBUTE.text:
        case ATTRIBUTE.texts:
          if (!this.#isOf(field, WIRE.bytes, "attribute")) return;
          if (texts.length < TEXTS) texts.push(await this.#reader.text(field, TEXT_BYTES));
          return;
        case ATTRIBUTE.block:
        case ATTRIBUTE.blocks:
          await this.#blockNumbers(field);
      }
    });
    for (const text of texts) if (into.length < TEXTS) into.push([name, text]);
  }

  async #blockNumbers(field: WireField): Promise<void> {
    const { offset } = field;
    const numbers = field.type === WIRE.varint
      ? [field.value]
      : field.type === WIRE.bytes
      ? packedVarints(await this.#reader.bytes(field.start, field.end, BLOCKS), BLOCKS)
      : [];
    for (const block of numbers) {
      if (this.#named.length < BLOCKS) this.#named.push({ block, offset });
    }
  }

  /**
   * Parameters that are saved one by one lie in files of their names, which are joined to the model's folder
   * (`load_vars`, python/paddle/static/io.py).
   */
  async #variable(message: WireMessage): Promise<void> {
    let name = "";
    let persistable = false;
    await message.each(async (field) => {
      if (field.number === VARIABLE.persistable) persistable ||= field.value !== 0;
      if (field.number !== VARIABLE.name || !this.#isOf(field, WIRE.bytes, "variable")) return;
      name = await this.#reader.text(field, NAME_BYTES);
    });
    if (!persistable || !leavesFolder(name)) return;
    const detail = `a parameter is called "${name}"`;
    this.#anomaly({ type: "anomaly", rule: "paddle-path", detail, offset: message.start });
  }

  /** False, and noted, for a field of another wire type than it is known to have, or of no known number. */
  #isOf({ number, type, offset }: WireField, known: number | undefined, of: string): boolean {
    if (type === known) return true;
    this.#malformed(
      known === undefined
        ? `Field ${number} of a ${of} is unknown`
        : `Field ${number} of a ${of} has wire type ${type}`,
      offset,
    );
    return false;
  }

  #malformed(detail: string, offset: number): void {
    this.#anomaly({ type: "anomaly", rule: "paddle-malformed", detail, offset, unread: true });
  }

  #anomaly(anomaly: Observation): void {
    if (this.#anomalies.length < REPORTED) this.#anomalies.push(anomaly);
  }
}
