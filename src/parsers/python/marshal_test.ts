import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { FormatError } from "../../core/errors.ts";
import {
  isCode,
  type MarshalledCode,
  namesInMarshal,
  readMarshalledCode,
  stringConstants,
} from "./marshal.ts";

const base64 = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

/** Written by Python 3.11's marshal.dumps: `lambda x: x * 2 + 1`. */
const PLAIN = base64(
  "4wEAAAAAAAAAAAAAAAIAAAADAAAA8xIAAACXAHwAZAF6BQAAZAJ6AAAAUwApA07pAgAAAOkBAAAAqQApAdoBeHMBAAAAIP" +
    "oIbW9kZWwucHn6CDxsYW1iZGE+cgcAAAABAAAAcw4AAACAAIhhkCGJZZBhiWmAAPMAAAAA",
);
/** `lambda x: __import__('os').system('echo hi') or x`. */
const SYSTEM = base64(
  "4wEAAAAAAAAAAAAAAAMAAAADAAAA80oAAACXAHQBAAAAAAAAAAAAAGQBpgEAAKsBAAAAAAAAAACgAQAAAAAAAAAAAAAAAA" +
    "AAAAAAAAAAZAKmAQAAqwEAAAAAAAAAAHABfABTACkDTtoCb3N6B2VjaG8gaGkpAtoKX19pbXBvcnRfX9oGc3lzdGVt" +
    "KQHaAXhzAQAAACD6CG1vZGVsLnB5+gg8bGFtYmRhPnIHAAAAAQAAAHMhAAAAgACNapgU0Q4e1A4e1w4l0g4loGnRDj" +
    "DUDjDQDjWwQYAA8wAAAAA=",
);
/** A function with an import, another function in it, and constants of every kind. */
const NESTED = base64(
  "4wEAAAAAAAAAAAAAAAsAAAADAAAA81IAAACXAGQBZABsAH0BZAJkA2QEZAVkAGQGZAdkCGQJZAp6CAAAZAlkC3oIAAALAG" +
    "YKZAycAWQNhAJ9AgIAfAJkDqYBAACrAQAAAAAAAAAAZA92AFMAKRBO6QAAAADpAQAAAGcAAAAAAAAEQHoKdHVwbGUg" +
    "dGV4dHMDAAAAcmF3VC55AAAAAAAA8D8AAAAAAAAAQOkCAAAA6VAAAADpRgAAACkB2gF6YwEAAAAAAAAAAQAAAAQAAA" +
    "ATAAAA8yYAAACXAHQBAAAAAAAAAAAAAGQBfAB6AAAApgEAAKsBAAAAAAAAAABTACkCTnoCMSspAdoEZXZhbCkC2gF5" +
    "cgcAAABzAgAAACAg+ghtb2RlbC5wedoBZ3oMZi48bG9jYWxzPi5nAwAAAHMSAAAAgADdCw+QBJBxkQiJPow+0AQZ8w" +
    "AAAAB1BQAAAMOp4oKsPgIAAADaAWHaAWIpAdoKc3VicHJvY2VzcykD2gF42gFzcgwAAABzAwAAACAgIHILAAAA2gFm" +
    "chMAAAABAAAAc10AAACAANgCGNACGNACGNACGNgREpBDmBygdqh0sFS4M8AEwGHIEsFlyGHQUVPJZchW0BBU8AABAx" +
    "rwAAEDGvAAAQMa8AABAxrwAAEDGuAJCogRiDeJGowakHnQCSDQAiByDQAAAA==",
);

test("the code of Python 3.11 is read: names, constants, locals, file", () => {
  const { code, all, versions } = readMarshalledCode(SYSTEM);
  assert.equal(versions, "3.11 to 3.14");
  assert.deepEqual(code.names, ["__import__", "system"]);
  assert.deepEqual(stringConstants(code), ["os", "echo hi"]);
  assert.deepEqual(code.locals, ["x"]);
  assert.equal(code.filename, "model.py");
  assert.equal(code.name, "<lambda>");
  assert.equal(code.firstLine, 1);
  assert.deepEqual(all, [code]);
  assert.deepEqual(readMarshalledCode(PLAIN).code.names, []);
});

test("nested code and constants of every kind are read", () => {
  const { code, all } = readMarshalledCode(NESTED);
  assert.deepEqual(all.map(({ name, names }) => [name, names]), [
    ["f", ["subprocess"]],
    ["g", ["eval"]],
  ]);
  assert.ok(code.constants.some(isCode));
  const strings = stringConstants(code);
  for (const wanted of ["tuple text", "raw", "é€", "a", "b"]) assert.ok(strings.includes(wanted));
});

/** A writer of marshal's notation, for versions of Python that are not at hand. */
const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const tag = (type: string, ...rest: Uint8Array[]) => Buffer.concat([Buffer.from(type), ...rest]);
const bytes = (text: string) => tag("s", int(text.length), Buffer.from(text));
const short = (text: string) => tag("z", Buffer.from([text.length]), Buffer.from(text));
const interned = (text: string) => tag("t", int(text.length), Buffer.from(text));
const tuple = (...items: Uint8Array[]) => tag(")", Buffer.from([items.length]), ...items);
const oldTuple = (...items: Uint8Array[]) => tag("(", int(items.length), ...items);
const ints = (...values: number[]) => Buffer.concat(values.map(int));
const NONE = tag("N");

function python38(consts: Uint8Array = tuple(NONE, short("os"))): Uint8Array {
  return tag(
    ...["c", ints(1, 0, 0, 1, 3, 67), bytes("|\0S\0"), consts] as const,
    ...[tuple(short("__import__"), short("system")), tuple(short("x")), tuple(), tuple()],
    ...[short("model.py"), short("<lambda>"), int(7), bytes("\0")],
  );
}

function python36(): Uint8Array {
  return tag(
    ...["c", ints(1, 0, 1, 3, 67), bytes("|\0S\0"), tuple(NONE, short("os"))] as const,
    ...[tuple(short("__import__"), short("system")), tuple(short("x")), tuple(), tuple()],
    ...[short("model.py"), short("<lambda>"), int(7), bytes("\0")],
  );
}

function python27(): Uint8Array {
  return tag(
    ...["c", ints(1, 1, 3, 67), bytes("|\0\0S"), oldTuple(NONE, bytes("os"))] as const,
    ...[oldTuple(interned("__import__"), interned("system")), oldTuple(interned("x"))],
    ...[oldTuple(), oldTuple(tag("R", int(1))), bytes("model.py"), interned("<lambda>")],
    ...[int(7), bytes("\0")],
  );
}

function check({ code }: MarshalledCode): void {
  assert.deepEqual(code.names, ["__import__", "system"]);
  assert.deepEqual(stringConstants(code), ["os"]);
  assert.equal(code.filename, "model.py");
  assert.equal(code.firstLine, 7);
  assert.equal(code.locals[0], "x");
}

test("the layouts of older Pythons are distinguished", () => {
  const cases = [["3.8 to 3.10", python38()], ["3.0 to 3.7", python36()]] as const;
  for (const [versions, code] of [...cases, ["2.3 to 2.7", python27()]] as const) {
    const read = readMarshalledCode(code);
    assert.equal(read.versions, versions);
    check(read);
  }
  assert.deepEqual(readMarshalledCode(python27()).code.locals, ["x", "system"]);
});

test("values of every type are read", () => {
  const values = [
    ...[tag("N"), tag("T"), tag("F"), tag("."), tag("S"), tag("i", int(-5))],
    ...[tag("I", Buffer.alloc(8, 1)), tag("l", int(-2), Buffer.from([1, 0, 2, 0]))],
    ...[tag("f", Buffer.from("\x031.5")), tag("g", Buffer.alloc(8)), tag("y", Buffer.alloc(16))],
    ...[tag("x", Buffer.from("\x011\x012")), tag("u", int(2), Buffer.from("é"))],
    ...[tag("a", int(1), Buffer.from("a")), tag("A", int(1), Buffer.from("a")), short("z")],
    ...[tag("Z", Buffer.from("\x01z")), tag("[", int(1), NONE), tag("<", int(1), NONE)],
    ...[tag(">", int(1), NONE), tag("{", NONE, NONE, tag("0")), tag(":", NONE, NONE, NONE)],
    ...[oldTuple(NONE), tag("l", int(0))],
  ];
  const { code } = readMarshalledCode(python38(tuple(...values)));
  assert.equal(code.constants.length, values.length);
  assert.equal(code.constants[5], -5);
  assert.equal(code.constants[7], -65537n);
});

test("references point to earlier values, and to containers that are not complete", () => {
  const flagged = Buffer.from(")\x02");
  flagged[0] = (flagged[0] ?? 0) | 0x80;
  const cyclic = Buffer.concat([flagged, tag("r", int(0)), short("inside")]);
  const { code } = readMarshalledCode(python38(tuple(cyclic)));
  assert.deepEqual(stringConstants(code), ["inside"]);
  for (const index of [-1, 1, 5, 2 ** 31 - 1]) {
    assert.throws(() => readMarshalledCode(python38(tuple(tag("r", int(index))))), FormatError);
  }
});

test("code that is cut off anywhere is refused", () => {
  for (const code of [SYSTEM, NESTED, python38(), python36(), python27()]) {
    for (let length = 0; length < code.length; length++) {
      assert.throws(() => readMarshalledCode(code.subarray(0, length)), FormatError);
    }
  }
});

test("flipped bytes and lengths that lie are refused or read, never a crash", () => {
  for (const code of [NESTED, python38(), python27()]) {
    for (let at = 0; at < code.length; at++) {
      for (const value of [0, 0x7f, 0xff, 0x28, 0x63]) {
        const changed = code.slice();
        changed[at] = value;
        try {
          readMarshalledCode(changed);
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }
  }
});

test("deep nesting and values that are no code are refused", () => {
  const deep = Buffer.concat([Buffer.from(")\x01".repeat(100_000)), NONE]);
  assert.throws(() => readMarshalledCode(python38(deep)), /nests/);
  for (const value of [NONE, short("x"), tuple(), new Uint8Array(0), Buffer.from('{"a"')]) {
    assert.throws(() => readMarshalledCode(value), FormatError);
  }
});

test("references that double again and again cost little", () => {
  let consts: Uint8Array = tag("N");
  const shared = (index: number) => {
    const flagged = Buffer.from(")\x02");
    flagged[0] = (flagged[0] ?? 0) | 0x80;
    return Buffer.concat([flagged, tag("r", int(index)), tag("r", int(index))]);
  };
  const parts = [Buffer.concat([Buffer.from([0x80 | 0x7a, 1]), Buffer.from("s")])];
  for (let index = 0; index < 60; index++) parts.push(shared(index));
  consts = tuple(...parts);
  const strings = stringConstants(readMarshalledCode(python38(consts)).code);
  assert.deepEqual([...new Set(strings)], ["s"]);
  assert.ok(strings.length < 200);
});

test("names are found where no layout fits", () => {
  const names = namesInMarshal(Buffer.concat([Buffer.from("garbage"), SYSTEM.subarray(20)]));
  for (const name of ["__import__", "system", "os", "model.py"]) assert.ok(names.includes(name));
  assert.deepEqual(namesInMarshal(new Uint8Array(0)), []);
});
