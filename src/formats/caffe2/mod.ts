/**
 * Caffe2's networks (`NetDef`): operators by name, with arguments that hold numbers, texts, tensors and further
 * networks. Most operators compute; some read and write files, connect, or unpickle an argument and call it.
 * `caffe2/proto/caffe2.proto`, `caffe2/python/pybind_state.cc` of https://github.com/pytorch/pytorch
 *
 * @module
 */

import type { Format, FormatContext } from "../../core/format.ts";
import { HINT } from "../../core/hints.ts";
import type { Source } from "../../core/source.ts";
import type { Evidence, Observation, OperatorFact } from "../../core/types.ts";
import { FormatError } from "../../core/errors.ts";
import { WIRE, type WireField, type WireMessage, WireReader } from "../../parsers/protobuf.ts";
import { readTextProto, type TextField } from "../../parsers/text_proto.ts";
import { sliceSource } from "../../sources/memory.ts";
import { isNet, NET, OPERATOR } from "./head.ts";

/** Fields of `Argument`. */
const ARGUMENT = { name: 1, integer: 3, text: 4, net: 8, nets: 9 } as const;
/** What `PythonOp` unpickles when the network is created. */
const PICKLED = /^pickled_(?:grad_)?builder$/u;
/** Networks in text, which `RecurrentNetwork` has. */
const NET_TEXT = /step_net$/u;
/** Arguments that a person wants to read: where an operator reads, writes and connects. */
const EVIDENCE: Readonly<Record<string, Evidence["kind"]>> = {
  ...{
    db: "path",
    path: "path",
    filename: "path",
    db_type: "text",
    host: "address",
    port: "address",
  },
  ...{ prefix: "text", token: "text", operator: "text", absolute_path: "text" },
};
/** Bytes of a text argument that are read; a network in text has some kilobytes. CWE-770. */
const TEXT_BYTES = 1024 * 1024;
/** Observations of one kind that are reported one by one. CWE-779. */
const REPORTED = 200;

/** Caffe2's networks. */
export const caffe2Format: Format = { id: "caffe2", random: true, detect: isNet, scan };

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const walk = new NetWalk(new WireReader(source, context));
  try {
    await walk.net(walk.reader.message());
  } finally {
    yield walk.found;
  }
}

/** An operator as far as it was read. */
interface Operator {
  type: string;
  name: string;
  readonly evidence: Evidence[];
  toFile: boolean;
}

class NetWalk {
  readonly reader: WireReader;
  readonly found: Observation[] = [];
  readonly #stated = new Set<string>();
  #pickles = 0;

  constructor(reader: WireReader) {
    this.reader = reader;
  }

  /** @throws FormatError where a message ends before its length says */
  async net(message: WireMessage): Promise<void> {
    await message.each((field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === NET.operator) return this.#operator(message.enter(field));
      if (field.number === NET.argument) {
        return this.#argument(message.enter(field), empty());
      }
    });
  }

  async #operator(message: WireMessage): Promise<void> {
    const operator = empty();
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === OPERATOR.type) operator.type = await this.reader.text(field);
      else if (field.number === OPERATOR.name) operator.name = await this.reader.text(field, 100);
      else if (field.number === OPERATOR.argument) {
        await this.#argument(message.enter(field), operator);
      }
    });
    this.#state(operator, message.start);
  }

  /** The name of an argument may stand behind its value. */
  async #argument(message: WireMessage, operator: Operator): Promise<void> {
    let name = "";
    let text: WireField | undefined;
    let integer = 0;
    await message.each(async (field) => {
      const { number, type, value } = field;
      if (number === ARGUMENT.integer && type === WIRE.varint) integer = value;
      if (type !== WIRE.bytes) return;
      if (number === ARGUMENT.name) name = await this.reader.text(field, 200);
      else if (number === ARGUMENT.text) text = field;
      else if (number === ARGUMENT.net || number === ARGUMENT.nets) {
        await this.net(message.enter(field));
      }
    });
    if (name === "to_file" && integer !== 0) operator.toFile = true;
    if (text === undefined) return;
    if (PICKLED.test(name)) this.#pickle(name, text);
    else if (NET_TEXT.test(name)) await this.#netText(name, text);
    const kind = Object.hasOwn(EVIDENCE, name) ? EVIDENCE[name] : undefined;
    if (kind === undefined) return;
    const shown = await this.reader.text(text, 2048);
    operator.evidence.push({ kind, text: shown, cut: text.end - text.start > 2048 });
  }

  #pickle(name: string, { start, end }: WireField): void {
    if (++this.#pickles > REPORTED) {
      const detail = `More than ${REPORTED} arguments are pickles, and no more are scanned`;
      this.found.push({ type: "anomaly", rule: "caffe2-malformed", detail, unread: true });
      return;
    }
    const part = `${name}_${start}`;
    const source = sliceSource(part, this.reader.source, start, end - start);
    this.found.push({ type: "entry", source, part, hint: HINT.pickle });
  }

  async #netText(name: string, field: WireField): Promise<void> {
    const length = field.end - field.start;
    const text = await this.reader.text(field, TEXT_BYTES);
    try {
      if (length > TEXT_BYTES) throw new FormatError(`it has ${length} bytes`, field.start);
      this.#netFields(readTextProto(new TextEncoder().encode(text)), field.start);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const detail = `Cannot read network in argument "${name}": ${error.message}`;
      const offset = field.start;
      this.found.push({ type: "anomaly", rule: "caffe2-malformed", detail, offset, unread: true });
    }
  }

  /** Operators of a network in text, and of the networks in their arguments. */
  #netFields(root: readonly TextField[], offset: number): void {
    const waiting = [root];
    for (let fields = waiting.pop(); fields !== undefined; fields = waiting.pop()) {
      for (const { name, fields: operator } of fields) {
        if (name !== "op") continue;
        const types = operator.filter((one) => one.name === "type");
        for (const { scalar = "" } of types) this.#state({ ...empty(), type: scalar }, offset);
        if (types.length === 0) this.#state(empty(), offset);
        for (const { name, fields: argument } of operator) {
          if (name !== "arg") continue;
          for (const one of argument) {
            if (one.name === "n" || one.name === "nets") waiting.push(one.fields);
          }
        }
      }
    }
  }

  #state({ type, name, evidence, toFile }: Operator, offset: number): void {
    if (toFile) this.#fact(`${type}:to_file`, { type, name, evidence, toFile }, offset);
    else if (type !== "ATen") this.#fact(type, { type, name, evidence, toFile }, offset);
    else {
      // A function of PyTorch's tensors, by its name.
      for (const { text } of evidence.length === 0 ? [{ text: "" }] : evidence) {
        this.#fact(`ATen:${text}`, { type, name, evidence, toFile }, offset);
      }
    }
  }

  #fact(operator: string, { type, name, evidence }: Operator, offset: number): void {
    const key = JSON.stringify([operator, evidence]);
    if (this.#stated.has(key)) return;
    this.#stated.add(key);
    const given = evidence.map(({ text }) => text).join(", ");
    const fact: OperatorFact = {
      kind: "operator",
      language: "caffe2",
      name: operator,
      expression: `${type}(${given})${name === "" ? "" : ` "${name}"`}`.slice(0, 2048),
      ...(evidence.length > 0 && { evidence }),
    };
    this.found.push({ type: "fact", fact, count: 1, offset });
  }
}

function empty(): Operator {
  return { type: "", name: "", evidence: [], toFile: false };
}
