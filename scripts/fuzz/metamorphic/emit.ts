/**
 * Opcodes for values: each can be written in several ways, chosen at random.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join, little } from "../bytes.ts";
import type { Dice } from "../dice.ts";
import * as codes from "./program.ts";
import { type Op, op } from "./program.ts";

const utf8 = new TextEncoder();

/** A text in one of the forms that every protocol's unpickler takes. */
function text(value: string, dice: Dice): Op {
  const bytes = utf8.encode(value);
  const plain = /^[\x20-\x7e]*$/u.test(value) && !/['\\]/u.test(value);
  switch (dice.below(plain ? 7 : 3)) {
    case 0:
      return bytes.length < 256
        ? op(0x8c, join([bytes.length], bytes))
        : op(0x58, join(little(4, bytes.length), bytes));
    case 1:
      return op(0x58, join(little(4, bytes.length), bytes));
    case 2:
      return op(0x8d, join(little(8, bytes.length), bytes));
    case 3:
      return op(0x56, join(bytes, "\n"));
    case 4:
      return op(0x53, join("'", bytes, "'\n"));
    case 5:
      return bytes.length < 256
        ? op(0x55, join([bytes.length], bytes))
        : op(0x54, join(little(4, bytes.length), bytes));
    default:
      return op(0x54, join(little(4, bytes.length), bytes));
  }
}

/** A whole number from 0 to 65,535. */
export function int(value: number, dice: Dice): Op {
  const short = value === 0 ? new Uint8Array() : little(3, value);
  switch (dice.below(7)) {
    case 0:
      return value < 256 ? op(0x4b, little(1, value)) : op(0x4d, little(2, value));
    case 1:
      return op(0x4d, little(2, value));
    case 2:
      return op(0x4a, little(4, value));
    case 3:
      return op(0x49, join(`${value}\n`));
    case 4:
      return op(0x4c, join(`${value}L\n`));
    case 5:
      return op(0x8a, join([short.length], short));
    default: {
      const wide = little(4 + dice.below(60), value);
      return op(0x8b, join(little(4, wide.length), wide));
    }
  }
}

/** Bytes in one of their forms. */
export function bytesValue(value: Uint8Array, dice: Dice): Op {
  switch (dice.below(value.length < 256 ? 3 : 2)) {
    case 0:
      return op(0x42, join(little(4, value.length), value));
    case 1:
      return op(0x8e, join(little(8, value.length), value));
    default:
      return op(0x43, join([value.length], value));
  }
}

/** A global, by GLOBAL or by STACK_GLOBAL. */
export function global(module: string, name: string, dice: Dice): readonly Op[] {
  if (dice.chance(1, 2)) return [op(codes.GLOBAL, join(`${module}\n${name}\n`))];
  return [exactText(module, dice), exactText(name, dice), op(codes.STACK_GLOBAL)];
}

/** A text that is a str under every encoding option: no STRING. */
export function exactText(value: string, dice: Dice): Op {
  for (;;) {
    const made = text(value, dice);
    if (![0x53, 0x54, 0x55].includes(made.code)) return made;
  }
}

/** A tuple of what the pieces push. */
export function tuple(items: readonly (readonly Op[])[], dice: Dice): readonly Op[] {
  const short = [codes.EMPTY_TUPLE, codes.TUPLE1, codes.TUPLE2, codes.TUPLE3][items.length];
  if (short !== undefined && dice.chance(1, 2)) return [...items.flat(), op(short)];
  return [op(codes.MARK), ...items.flat(), op(codes.TUPLE)];
}

/** A list of what the pieces push. */
export function list(items: readonly (readonly Op[])[], dice: Dice): readonly Op[] {
  if (dice.chance(1, 2)) return [op(codes.MARK), ...items.flat(), op(codes.LIST)];
  const empty = op(codes.EMPTY_LIST);
  if (dice.chance(1, 2)) return [empty, op(codes.MARK), ...items.flat(), op(codes.APPENDS)];
  return [empty, ...items.flatMap((item) => [...item, op(codes.APPEND)])];
}

/** A dict with text keys. */
export function dict(
  items: readonly (readonly [key: readonly Op[], value: readonly Op[]])[],
  dice: Dice,
): readonly Op[] {
  const flat = items.flatMap(([key, value]) => [...key, ...value]);
  if (dice.chance(1, 3)) return [op(codes.MARK), ...flat, op(codes.DICT)];
  if (dice.chance(1, 2)) {
    return [op(codes.EMPTY_DICT), op(codes.MARK), ...flat, op(codes.SETITEMS)];
  }
  return [
    op(codes.EMPTY_DICT),
    ...items.flatMap(([key, value]) => [...key, ...value, op(codes.SETITEM)]),
  ];
}

/** A call by REDUCE or OBJ; OBJ only where there are arguments, without them it makes an instance. */
export function call(
  callee: readonly Op[],
  args: readonly (readonly Op[])[],
  dice: Dice,
): readonly Op[] {
  if (args.length > 0 && dice.chance(1, 4)) {
    return [op(codes.MARK), ...callee, ...args.flat(), op(codes.OBJ)];
  }
  return [...callee, ...tuple(args, dice), op(codes.REDUCE)];
}

/** A method of a value. */
export function method(value: readonly Op[], name: string, dice: Dice): readonly Op[] {
  return call(global("builtins", "getattr", dice), [value, [exactText(name, dice)]], dice);
}

/** PUT of an index, in one of its forms. */
export function put(index: number, dice: Dice): Op {
  return memo(index, dice, [codes.BINPUT, codes.LONG_BINPUT, codes.PUT]);
}

/** GET of an index, in one of its forms. */
export function get(index: number, dice: Dice): Op {
  return memo(index, dice, [codes.BINGET, codes.LONG_BINGET, codes.GET]);
}

function memo(
  index: number,
  dice: Dice,
  [byte, long, line]: readonly [number, number, number],
): Op {
  switch (dice.below(index < 256 ? 3 : 2)) {
    case 0:
      return op(long, little(4, index));
    case 1: {
      // Both unpicklers take what int() takes.
      const zeros = dice.chance(1, 4) ? "0".repeat(1 + dice.below(3)) : "";
      return op(line, join(`${zeros}${index}\n`));
    }
    default:
      return op(byte, little(1, index));
  }
}

/** A value that does nothing. */
export function constant(dice: Dice): Op {
  switch (dice.below(8)) {
    case 0:
      return op(codes.NONE);
    case 1:
      return op(codes.EMPTY_TUPLE);
    case 2:
      return op(dice.chance(1, 2) ? codes.NEWTRUE : codes.NEWFALSE);
    case 3:
      return op(codes.EMPTY_LIST);
    case 4:
      return op(codes.EMPTY_DICT);
    case 5:
      return bytesValue(dice.bytes(dice.below(20)), dice);
    case 6:
      return text("xyz".repeat(dice.below(9)), dice);
    default:
      return int(dice.below(65536), dice);
  }
}

/** A constant with an argument of many bytes. */
export function longConstant(length: number, dice: Dice): Op {
  switch (dice.below(9)) {
    case 0:
      return op(0x58, join(little(4, length), "a".repeat(length)));
    case 1:
      return op(0x42, join(little(4, length), new Uint8Array(length)));
    case 2:
      return op(0x8b, join(little(4, length), new Uint8Array(length).fill(1)));
    case 3:
      return op(0x56, join("b".repeat(length), "\n"));
    case 4:
      return op(0x53, join("'", "c".repeat(length), "'\n"));
    case 5:
      return op(0x54, join(little(4, length), "d".repeat(length)));
    case 6:
      return op(0x8e, join(little(8, length), dice.bytes(length)));
    case 7:
      return op(0x46, join("1.", "0".repeat(length), "\n"));
    default:
      // int() takes 4,300 digits; zeros in front count.
      return op(0x49, join("0".repeat(Math.min(length, 4200)), "7\n"));
  }
}

/** Bytes as base64, for values that go through codecs. */
export function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}
