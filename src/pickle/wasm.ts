/**
 * A small assembler for WebAssembly modules of one function: instructions as nested calls, labels as
 * values, local variables by name.
 *
 * Format: WebAssembly Core Specification 2.0, chapter 5 (binary format). Only what `hot_loop.ts`
 * needs is here: the types i32, i64 and f64, one imported memory, no tables, no calls.
 *
 * @module
 */

/** Writes instructions behind `out`; `depth` is the number of blocks around them. */
export type Code = (out: number[], depth: number) => void;

/** A block or loop that `branch` may go to: behind a block, to a loop's beginning. */
export interface Label {
  depth: number;
}

/** A local variable of the function. */
export interface Local {
  readonly get: Code;
  /** Writes the value of an expression. */
  readonly set: (value: Code) => Code;
}

const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;

/** The value types that are used. */
export type ValueType = keyof typeof TYPE;

const BLOCK_WITHOUT_RESULT = 0x40;

/** Unsigned LEB128, least significant group first. */
function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** Signed LEB128 of a 64-bit integer. */
function signedLeb(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    const last = (rest === 0n && (group & 0x40) === 0) || (rest === -1n && (group & 0x40) !== 0);
    bytes.push(last ? group : group | 0x80);
    if (last) return bytes;
  }
}

const unary = (opcode: number) => (value: Code): Code => (out, depth) => {
  value(out, depth);
  out.push(opcode);
};

const binary = (opcode: number) => (left: Code, right: Code): Code => (out, depth) => {
  left(out, depth);
  right(out, depth);
  out.push(opcode);
};

/** The address is unsigned; `offset` is added to it. No alignment is promised. */
const load = (opcode: number) => (address: Code, offset = 0): Code => (out, depth) => {
  address(out, depth);
  out.push(opcode, 0, ...unsignedLeb(offset));
};

const store =
  (opcode: number) => (address: Code, offset: number, value: Code): Code => (out, depth) => {
    address(out, depth);
    value(out, depth);
    out.push(opcode, 0, ...unsignedLeb(offset));
  };

/** Instructions on 32-bit integers. */
export const i32 = {
  const: (value: number): Code => (out) => void out.push(0x41, ...signedLeb(BigInt(value | 0))),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  gtS: binary(0x4a),
  gtU: binary(0x4b),
  leS: binary(0x4c),
  geS: binary(0x4e),
  geU: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  shl: binary(0x74),
  truncF64: unary(0xaa),
  load: load(0x28),
  load8: load(0x2d),
  load16: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
} as const;

/** Instructions on 64-bit integers. */
export const i64 = {
  const: (value: bigint): Code => (out) =>
    void out.push(0x42, ...signedLeb(BigInt.asIntN(64, value))),
  eqz: unary(0x50),
  and: binary(0x83),
  load: load(0x29),
} as const;

/** Instructions on doubles. */
export const f64 = {
  const: (value: number): Code => (out) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    out.push(0x44, ...bytes);
  },
  eq: binary(0x61),
  ne: binary(0x62),
  lt: binary(0x63),
  neg: unary(0x9a),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  fromI32: unary(0xb7),
  load: load(0x2b),
  store: store(0x39),
} as const;

/** Instructions one after the other. */
export function sequence(...codes: readonly Code[]): Code {
  return (out, depth) => codes.forEach((code) => code(out, depth));
}

const enclosed = (opcode: number) => (body: (label: Label) => Code): Code => (out, depth) => {
  out.push(opcode, BLOCK_WITHOUT_RESULT);
  body({ depth })(out, depth + 1);
  out.push(0x0b);
};

/** Instructions that `branch` leaves. */
export const block = enclosed(0x02);

/** Instructions that `branch` begins anew; running off their end leaves them. */
export const loop = enclosed(0x03);

/** Goes to a label. */
export function branch(label: Label): Code {
  return (out, depth) => void out.push(0x0c, ...unsignedLeb(depth - label.depth - 1));
}

/** Goes to a label when the condition is not zero. */
export function branchIf(label: Label, condition: Code): Code {
  return (out, depth) => {
    condition(out, depth);
    out.push(0x0d, ...unsignedLeb(depth - label.depth - 1));
  };
}

/** Runs one or the other. */
export function when(condition: Code, then: Code, otherwise?: Code): Code {
  return (out, depth) => {
    condition(out, depth);
    out.push(0x04, BLOCK_WITHOUT_RESULT);
    then(out, depth + 1);
    if (otherwise !== undefined) {
      out.push(0x05);
      otherwise(out, depth + 1);
    }
    out.push(0x0b);
  };
}

/** What is done for some values of a `dispatch`. */
export interface Case {
  readonly values: readonly number[];
  readonly body: Code;
}

/** Jumps by a value from 0 to 255 through a table; each case ends behind the dispatch. */
export function dispatch(value: Code, cases: readonly Case[], otherwise: Code): Code {
  return (out, depth) => {
    const end = { depth };
    const open = cases.length + 2; // the end, the default, a block a case
    for (let at = 0; at < open; at++) out.push(0x02, BLOCK_WITHOUT_RESULT);
    value(out, depth + open);
    const targets = new Array<number>(256).fill(cases.length);
    cases.forEach((one, index) => one.values.forEach((byte) => targets[byte] = index));
    out.push(0x0e, ...unsignedLeb(targets.length), ...targets.flatMap(unsignedLeb));
    out.push(...unsignedLeb(cases.length), 0x0b);
    cases.forEach((one, index) => {
      const inside = depth + open - 1 - index;
      one.body(out, inside);
      branch(end)(out, inside);
      out.push(0x0b);
    });
    otherwise(out, depth + 1);
    out.push(0x0b);
  };
}

/** A function in the making: parameters first, then as many locals as are asked for. */
export class FunctionBuilder {
  readonly #locals: ValueType[] = [];
  #parameters = 0;

  /** A parameter; all of them before the first local. */
  parameter(type: ValueType): Local {
    this.#parameters++;
    return this.local(type);
  }

  /** A local variable, zero at first. */
  local(type: ValueType): Local {
    const index = unsignedLeb(this.#locals.length);
    this.#locals.push(type);
    return {
      get: (out) => void out.push(0x20, ...index),
      set: (value) => (out, depth) => {
        value(out, depth);
        out.push(0x21, ...index);
      },
    };
  }

  /**
   * A module that exports this function as `run` and imports its memory as `env.memory`.
   *
   * @param body leaves one value of type `result` on the stack
   * @returns bytes for `WebAssembly.Module`
   */
  module(body: Code, result: ValueType): Uint8Array<ArrayBuffer> {
    const parameters = this.#locals.slice(0, this.#parameters);
    const code: number[] = [];
    const locals = this.#locals.slice(this.#parameters);
    code.push(...unsignedLeb(locals.length), ...locals.flatMap((type) => [1, TYPE[type]]));
    body(code, 0);
    code.push(0x0b);
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, ...vector(parameters.map((type) => [TYPE[type]])), 1, TYPE[result]]),
      ...section(2, [1, ...name("env"), ...name("memory"), 0x02, 0x00, 1]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...name("run"), 0x00, 0]),
      ...section(10, [1, ...unsignedLeb(code.length), ...code]),
    ]);
  }
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsignedLeb(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsignedLeb(content.length), ...content];
}

function name(text: string): number[] {
  return vector([...new TextEncoder().encode(text)].map((byte) => [byte]));
}
