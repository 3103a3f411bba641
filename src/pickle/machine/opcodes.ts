/**
 * The opcodes of pickle protocols 0 to 5.
 *
 * Codes and arguments as in CPython's `Modules/_pickle.c` (enum opcode) and `Lib/pickletools.py`.
 *
 * @module
 */

/** How an opcode's argument is laid out behind it. Integers are little-endian. */
type ArgumentLayout =
  | "none"
  | "u1"
  | "u2"
  | "u4"
  | "i4"
  | "u8"
  | "f8"
  | "line"
  | "two-lines"
  | "counted1"
  | "counted4"
  | "counted8"
  | "long1"
  | "long4";

/** One opcode: its name as pickletools has it, its byte, its argument and the protocol that brought it. */
interface Opcode {
  readonly name: string;
  readonly code: number;
  readonly argument: ArgumentLayout;
  readonly protocol: number;
}

const TABLE: readonly (readonly [string, number | string, ArgumentLayout, number])[] = [
  ["MARK", "(", "none", 0],
  ["STOP", ".", "none", 0],
  ["POP", "0", "none", 0],
  ["POP_MARK", "1", "none", 1],
  ["DUP", "2", "none", 0],
  ["FLOAT", "F", "line", 0],
  ["INT", "I", "line", 0],
  ["BININT", "J", "i4", 1],
  ["BININT1", "K", "u1", 1],
  ["LONG", "L", "line", 0],
  ["BININT2", "M", "u2", 1],
  ["NONE", "N", "none", 0],
  ["PERSID", "P", "line", 0],
  ["BINPERSID", "Q", "none", 1],
  ["REDUCE", "R", "none", 0],
  ["STRING", "S", "line", 0],
  ["BINSTRING", "T", "counted4", 1],
  ["SHORT_BINSTRING", "U", "counted1", 1],
  ["UNICODE", "V", "line", 0],
  ["BINUNICODE", "X", "counted4", 1],
  ["APPEND", "a", "none", 0],
  ["BUILD", "b", "none", 0],
  ["GLOBAL", "c", "two-lines", 0],
  ["DICT", "d", "none", 0],
  ["EMPTY_DICT", "}", "none", 1],
  ["APPENDS", "e", "none", 1],
  ["GET", "g", "line", 0],
  ["BINGET", "h", "u1", 1],
  ["INST", "i", "two-lines", 0],
  ["LONG_BINGET", "j", "u4", 1],
  ["LIST", "l", "none", 0],
  ["EMPTY_LIST", "]", "none", 1],
  ["OBJ", "o", "none", 1],
  ["PUT", "p", "line", 0],
  ["BINPUT", "q", "u1", 1],
  ["LONG_BINPUT", "r", "u4", 1],
  ["SETITEM", "s", "none", 0],
  ["TUPLE", "t", "none", 0],
  ["EMPTY_TUPLE", ")", "none", 1],
  ["SETITEMS", "u", "none", 1],
  ["BINFLOAT", "G", "f8", 1],
  ["PROTO", 0x80, "u1", 2],
  ["NEWOBJ", 0x81, "none", 2],
  ["EXT1", 0x82, "u1", 2],
  ["EXT2", 0x83, "u2", 2],
  ["EXT4", 0x84, "i4", 2],
  ["TUPLE1", 0x85, "none", 2],
  ["TUPLE2", 0x86, "none", 2],
  ["TUPLE3", 0x87, "none", 2],
  ["NEWTRUE", 0x88, "none", 2],
  ["NEWFALSE", 0x89, "none", 2],
  ["LONG1", 0x8a, "long1", 2],
  ["LONG4", 0x8b, "long4", 2],
  ["BINBYTES", "B", "counted4", 3],
  ["SHORT_BINBYTES", "C", "counted1", 3],
  ["SHORT_BINUNICODE", 0x8c, "counted1", 4],
  ["BINUNICODE8", 0x8d, "counted8", 4],
  ["BINBYTES8", 0x8e, "counted8", 4],
  ["EMPTY_SET", 0x8f, "none", 4],
  ["ADDITEMS", 0x90, "none", 4],
  ["FROZENSET", 0x91, "none", 4],
  ["NEWOBJ_EX", 0x92, "none", 4],
  ["STACK_GLOBAL", 0x93, "none", 4],
  ["MEMOIZE", 0x94, "none", 4],
  ["FRAME", 0x95, "u8", 4],
  ["BYTEARRAY8", 0x96, "counted8", 5],
  ["NEXT_BUFFER", 0x97, "none", 5],
  ["READONLY_BUFFER", 0x98, "none", 5],
];

/** Every opcode there is, in the order of their protocols. */
export const OPCODES: readonly Opcode[] = TABLE.map(([name, code, argument, protocol]) => ({
  name,
  code: typeof code === "string" ? code.charCodeAt(0) : code,
  argument,
  protocol,
}));

const BY_CODE: readonly (Opcode | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => OPCODES.find((opcode) => opcode.code === code),
);

/** The opcode of a byte, undefined for a byte that is none. */
export function opcodeOf(code: number): Opcode | undefined {
  return BY_CODE[code];
}

/** The bytes by name, for code that steps through them. */
export const OP = {
  MARK: 0x28,
  STOP: 0x2e,
  POP: 0x30,
  POP_MARK: 0x31,
  DUP: 0x32,
  FLOAT: 0x46,
  INT: 0x49,
  BININT: 0x4a,
  BININT1: 0x4b,
  LONG: 0x4c,
  BININT2: 0x4d,
  NONE: 0x4e,
  PERSID: 0x50,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  STRING: 0x53,
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  UNICODE: 0x56,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  DICT: 0x64,
  APPENDS: 0x65,
  GET: 0x67,
  BINGET: 0x68,
  INST: 0x69,
  LONG_BINGET: 0x6a,
  LIST: 0x6c,
  OBJ: 0x6f,
  PUT: 0x70,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  EMPTY_TUPLE: 0x29,
  SETITEMS: 0x75,
  BINFLOAT: 0x47,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  EXT1: 0x82,
  EXT2: 0x83,
  EXT4: 0x84,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  LONG4: 0x8b,
  BINBYTES: 0x42,
  SHORT_BINBYTES: 0x43,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  BINBYTES8: 0x8e,
  EMPTY_SET: 0x8f,
  ADDITEMS: 0x90,
  FROZENSET: 0x91,
  NEWOBJ_EX: 0x92,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
  BYTEARRAY8: 0x96,
  NEXT_BUFFER: 0x97,
  READONLY_BUFFER: 0x98,
} as const;
