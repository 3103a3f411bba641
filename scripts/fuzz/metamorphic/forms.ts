/**
 * Transformations of how a value is written: constants, containers, globals, calls, the protocol.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { join } from "../bytes.ts";
import type { Dice } from "../dice.ts";
import {
  base64,
  bytesValue,
  call,
  exactText,
  get,
  global,
  int,
  list,
  method,
  put,
  tuple,
} from "./emit.ts";
import * as codes from "./program.ts";
import { type Edit, edited, namesOf, type Op, op, steps, textOf } from "./program.ts";
import { freeIndex, withIndices, withoutUnused } from "./memo.ts";
import { hiding, ofOps, type Transformation } from "./transformation.ts";

const utf8 = new TextEncoder();

type Change = (ops: readonly Op[], dice: Dice) => readonly Op[] | undefined;

/** Opcodes between a string and the STACK_GLOBAL that takes it say nothing about its type. */
function constants(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  let changed = false;
  const made = ops.map((each) => {
    const value = textOf(each);
    const small = each.code === 0x4b ? each.arg[0] : undefined;
    const another = value !== undefined && /^[\x20-\x7e]*$/u.test(value)
      ? exactText(value, dice)
      : small !== undefined
      ? int(small, dice)
      : each.code === 0x43
      ? bytesValue(each.arg.subarray(1), dice)
      : undefined;
    changed ||= another !== undefined;
    return another ?? each;
  });
  return changed ? made : undefined;
}

const EMPTY: ReadonlyMap<number, readonly Op[]> = new Map([
  [codes.EMPTY_TUPLE, [op(codes.MARK), op(codes.TUPLE)]],
  [codes.EMPTY_LIST, [op(codes.MARK), op(codes.LIST)]],
  [codes.EMPTY_DICT, [op(codes.MARK), op(codes.DICT)]],
  [codes.NEWTRUE, [op(0x49, join("01\n"))]],
  [codes.NEWFALSE, [op(0x49, join("00\n"))]],
]);

/** Tuples by MARK, items one by one or together, empty containers by MARK. */
function containers(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const edits: Edit[] = [];
  for (const [at, { operands }] of steps(ops).entries()) {
    const { code } = ops[at] as Op;
    const [first, second] = operands;
    if (dice.chance(1, 4)) continue;
    const empty = EMPTY.get(code);
    if (empty !== undefined) edits.push({ at, remove: 1, insert: empty });
    if (first === undefined) continue;
    if ([codes.TUPLE1, codes.TUPLE2, codes.TUPLE3].includes(code)) {
      edits.push({ at: first, insert: [op(codes.MARK)] });
      edits.push({ at, remove: 1, insert: [op(codes.TUPLE)] });
    } else if (code === codes.TUPLE && operands.length <= 4) {
      const short =
        [codes.EMPTY_TUPLE, codes.TUPLE1, codes.TUPLE2, codes.TUPLE3][operands.length - 1];
      edits.push({ at: first, remove: 1, insert: [] });
      edits.push({ at, remove: 1, insert: [op(short ?? codes.TUPLE)] });
    } else if ((code === codes.APPEND || code === codes.SETITEM) && second !== undefined) {
      edits.push({ at: second, insert: [op(codes.MARK)] });
      const many = code === codes.APPEND ? codes.APPENDS : codes.SETITEMS;
      edits.push({ at, remove: 1, insert: [op(many)] });
    }
  }
  return edits.length === 0 ? undefined : edited(ops, edits);
}

/** Ways by which a text comes about when the file is loaded. */
const FOLDS: Readonly<Record<string, (value: string, dice: Dice) => readonly Op[]>> = {
  "text-str": (value, dice) =>
    call(global("builtins", "str", dice), [[exactText(value, dice)]], dice),
  "text-numpy-object": (value, dice) =>
    call(global("numpy", "object_", dice), [[exactText(value, dice)]], dice),
  "text-copy": (value, dice) =>
    call(global("copy", "copy", dice), [[exactText(value, dice)]], dice),
  "text-cast": (value, dice) =>
    call(global("typing", "cast", dice), [[op(codes.NONE)], [exactText(value, dice)]], dice),
  "text-add": (value, dice) => {
    const cut = dice.below(value.length + 1);
    const halves = [[exactText(value.slice(0, cut), dice)], [exactText(value.slice(cut), dice)]];
    return call(global("operator", dice.chance(1, 2) ? "add" : "concat", dice), halves, dice);
  },
  "text-getattr-default": (value, dice) =>
    call(
      global("builtins", "getattr", dice),
      [call(global("types", "SimpleNamespace", dice), [], dice), [exactText("x", dice)], [
        exactText(value, dice),
      ]],
      dice,
    ),
  "text-base64": (value, dice) =>
    call(
      global("codecs", "decode", dice),
      [call(global("base64", "b64decode", dice), [[exactText(base64(value), dice)]], dice), [
        exactText("utf-8", dice),
      ]],
      dice,
    ),
  "text-gzip-members": (value, dice) => {
    const cut = dice.below(value.length + 1);
    const members = [value.slice(0, cut), value.slice(cut)].map((part) => gzipSync(part));
    const data = bytesValue(join(...members), dice);
    return call(
      global("codecs", "decode", dice),
      [call(global("gzip", "decompress", dice), [[data]], dice), [exactText("utf-8", dice)]],
      dice,
    );
  },
  "text-letters": (value, dice) =>
    call(method([exactText("", dice)], "join", dice), [
      call(global("builtins", "map", dice), [
        global("builtins", "chr", dice),
        list([...value].map((letter) => [int(letter.codePointAt(0) ?? 0, dice)]), dice),
      ], dice),
    ], dice),
  "text-bytearray": (value, dice) => {
    const bytes = utf8.encode(value);
    const cut = dice.below(bytes.length);
    return call(global("builtins", "str", dice), [
      [
        ...call(
          global("builtins", "bytearray", dice),
          [[bytesValue(bytes.subarray(0, cut), dice)]],
          dice,
        ),
        op(codes.MARK),
        ...Array.from(bytes.subarray(cut), (byte) => int(byte, dice)),
        op(codes.APPENDS),
      ],
      [exactText("ascii", dice)],
    ], dice);
  },
  "text-list-set": (value, dice) =>
    call(global("operator", "getitem", dice), [
      [
        ...list([[exactText("other", dice)]], dice),
        int(0, dice),
        exactText(value, dice),
        op(codes.SETITEM),
      ],
      [int(0, dice)],
    ], dice),
  "text-map-long": (value, dice) => {
    const before = 16 + dice.below(8);
    const items = Array.from({ length: before }, () => [exactText("other", dice)]);
    // Counted from the end, what is not followed is where something else would be.
    return call(global("operator", "getitem", dice), [
      call(global("builtins", "list", dice), [
        call(global("builtins", "map", dice), [
          global("copy", "copy", dice),
          list([...items, [exactText(value, dice)]], dice),
        ], dice),
      ], dice),
      dice.chance(1, 2) ? [op(0x4a, Uint8Array.of(255, 255, 255, 255))] : [int(before, dice)],
    ], dice);
  },
  "text-max": (value, dice) => [
    op(codes.MARK),
    ...global("builtins", "max", dice),
    op(codes.MARK),
    exactText(value, dice),
    op(codes.LIST),
    op(codes.OBJ),
  ],
  "text-getitem": (value, dice) =>
    call(global("operator", "getitem", dice), [
      tuple([[op(codes.NONE)], [exactText(value, dice)]], dice),
      [int(1, dice)],
    ], dice),
};
/** The same, by way of a memo entry whose index is given. */
const MEMO_FOLDS: Readonly<
  Record<string, (value: string, dice: Dice, index: number) => readonly Op[]>
> = {
  "text-bytearray-pop": (value, dice, index) => {
    const bytes = bytesValue(utf8.encode(`${value}x`), dice);
    const shortens = dice.chance(1, 2)
      ? call(
        call(global("operator", "methodcaller", dice), [[exactText("pop", dice)]], dice),
        [[get(index, dice)]],
        dice,
      )
      : call(method([get(index, dice)], "pop", dice), [], dice);
    return [
      ...call(global("builtins", "bytearray", dice), [[bytes]], dice),
      put(index, dice),
      op(codes.POP),
      ...shortens,
      op(codes.POP),
      ...call(
        global("builtins", "str", dice),
        [[get(index, dice)], [exactText("ascii", dice)]],
        dice,
      ),
    ];
  },
};
/** Subclasses of str: not for STACK_GLOBAL, which wants str itself. */
const SUBCLASSES: Readonly<Record<string, (value: string, dice: Dice) => readonly Op[]>> = {
  "text-numpy-str": (value, dice) =>
    call(global("numpy", "str_", dice), [[exactText(value, dice)]], dice),
  "text-str-enum": (value, dice) =>
    call(
      call(global("enum", "StrEnum", dice), [[exactText("E", dice)], [
        op(codes.EMPTY_DICT),
        exactText("a", dice),
        exactText(value, dice),
        op(codes.SETITEM),
      ]], dice),
      [[exactText(value, dice)]],
      dice,
    ),
  "text-numpy-str-newobj": (value, dice) => [
    ...global("numpy", "str_", dice),
    ...tuple([[exactText(value, dice)]], dice),
    op(codes.NEWOBJ),
  ],
};

/** Puts something else in place of one to three texts, by way of a memo entry that nothing else uses. */
function texts(way: (value: string, dice: Dice, index: number) => readonly Op[]): Change {
  return (given, dice) => {
    const memoised = way.length > 2;
    const ops = memoised ? withIndices(given, dice) : given;
    const index = ops === undefined ? undefined : memoised ? freeIndex(ops, dice) : 0;
    if (ops === undefined || index === undefined) return undefined;
    const where = steps(ops).flatMap((_, at) => {
      const value = textOf(ops[at] as Op);
      const plain = value !== undefined && value.length < 400 && /^[\x20-\x7e]+$/u.test(value);
      return plain ? [at] : [];
    });
    if (where.length === 0) return undefined;
    const chosen = new Set(Array.from({ length: 1 + dice.below(3) }, () => dice.pick(where)));
    return edited(
      ops,
      [...chosen].map((at) => ({
        at,
        remove: 1,
        insert: way(textOf(ops[at] as Op) ?? "", dice, index),
      })),
    );
  };
}

/** GLOBAL becomes STACK_GLOBAL with operands in any form. */
function globals(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const edits: Edit[] = [];
  for (const [at] of steps(ops).entries()) {
    const each = ops[at] as Op;
    const names = each.code === codes.GLOBAL ? namesOf(each) : undefined;
    if (names === undefined || dice.chance(1, 4)) continue;
    const [module, name] = names;
    const operand = (value: string): readonly Op[] =>
      dice.chance(1, 3) ? dice.pick(Object.values(FOLDS))(value, dice) : [exactText(value, dice)];
    const insert = [...operand(module), ...operand(name), op(codes.STACK_GLOBAL)];
    edits.push({ at, remove: 1, insert });
  }
  return edits.length === 0 ? undefined : edited(ops, edits);
}

/** STACK_GLOBAL of two plain texts becomes GLOBAL; memo entries of the texts stay. */
function lines(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const edits: Edit[] = [];
  for (const [at, { operands: [module, name] }] of steps(ops).entries()) {
    if (ops[at]?.code !== codes.STACK_GLOBAL || module === undefined || name === undefined) {
      continue;
    }
    const [first, second] = [ops[module] as Op, ops[name] as Op].map(textOf);
    const plain = /^[\w.]+$/u;
    if (first === undefined || second === undefined || !plain.test(first) || !plain.test(second)) {
      continue;
    }
    if (dice.chance(1, 5)) continue;
    const made = op(codes.GLOBAL, join(`${first}\n${second}\n`));
    const between = ops.slice(module, at);
    const noMemo = between.length === 2;
    edits.push(
      noMemo
        ? { at: module, remove: 3, insert: [made] }
        : { at, remove: 1, insert: [op(codes.POP), op(codes.POP), made] },
    );
  }
  return edits.length === 0 ? undefined : edited(ops, edits);
}

/** REDUCE becomes OBJ or INST, NEWOBJ becomes NEWOBJ_EX or a call of `copyreg.__newobj__`. */
function calls(memoised: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const ops = withoutUnused(memoised, dice);
  if (ops === undefined) return undefined;
  const edits: Edit[] = [];
  const run = steps(ops);
  let last = -1;
  for (const [at, { operands: [callee, args] }] of run.entries()) {
    const { code } = ops[at] as Op;
    if (callee === undefined || args === undefined || callee <= last) continue;
    const simple = ops[at - 1]?.code;
    const items = run[at - 1]?.operands;
    if (code === codes.REDUCE && items !== undefined && dice.chance(3, 4)) {
      const short = [codes.TUPLE1, codes.TUPLE2, codes.TUPLE3].includes(simple ?? 0);
      if (!short && (simple !== codes.TUPLE || items.length < 2)) continue;
      const named = ops[callee] as Op;
      const inst = named.code === codes.GLOBAL && args === callee + 1 && dice.chance(1, 2);
      if (!short) edits.push({ at: args, remove: 1, insert: [] });
      edits.push({ at: callee, remove: inst ? 1 : 0, insert: [op(codes.MARK)] });
      edits.push({
        at: at - 1,
        remove: 2,
        insert: [inst ? op(codes.INST, named.arg) : op(codes.OBJ)],
      });
      last = at;
    } else if (code === codes.NEWOBJ && dice.chance(3, 4)) {
      const short = [codes.TUPLE1, codes.TUPLE2, codes.EMPTY_TUPLE].includes(simple ?? 0);
      if (dice.chance(1, 2) || !short) {
        edits.push({ at, remove: 1, insert: [op(codes.EMPTY_DICT), op(codes.NEWOBJ_EX)] });
      } else {
        // (cls, args) becomes (copyreg.__newobj__, (cls, *args)).
        edits.push({
          at: callee,
          insert: [...global("copyreg", "__newobj__", dice), op(codes.MARK)],
        });
        edits.push({ at: at - 1, remove: 2, insert: [op(codes.TUPLE), op(codes.REDUCE)] });
      }
      last = at;
    }
  }
  return edits.length === 0 ? undefined : edited(ops, edits);
}

/** Versions between which names and dots mean the same. */
const ALIKE = [[undefined, 0, 1, 2], [3], [4, 5]] as const;

function protocol(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const [first] = ops;
  const now = first?.code === codes.PROTO ? first.arg[0] : undefined;
  const group = ALIKE.find((versions) =>
    (versions as readonly (number | undefined)[]).includes(now)
  );
  if (group === undefined) return undefined;
  const next = dice.pick(group as readonly (number | undefined)[]);
  const rest = now === undefined ? ops : ops.slice(1);
  const heads = next === undefined ? 0 : 1 + (dice.chance(1, 4) ? 1 + dice.below(2) : 0);
  const head = Array.from({ length: heads }, () => op(codes.PROTO, Uint8Array.of(next ?? 2)));
  const made = [...head, ...rest];
  return next === now && heads < 2 ? undefined : made;
}

/** Transformations of forms. */
export const FORMS: readonly Transformation[] = [
  ofOps("form-constants", constants),
  ofOps("form-containers", containers),
  ...Object.entries({ ...FOLDS, ...MEMO_FOLDS, ...SUBCLASSES }).map(([id, way]) =>
    hiding(ofOps(id, texts(way)))
  ),
  hiding(ofOps("form-stack-global", globals)),
  ofOps("form-global", lines),
  ofOps("form-calls", calls),
  ofOps("form-protocol", protocol),
];
