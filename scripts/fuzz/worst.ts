/**
 * Files of some megabytes, each made to cost as much as possible: what is linear in honest files and
 * could be quadratic here. Prints time, memory and verdict of each, scanned in a process of its own.
 *
 *     scripts/fuzz/fuzz --worst 4          all of them, 4 MB each
 *     scripts/fuzz/fuzz --worst 4 --format json    those whose names contain "json"
 *
 * @module
 */

import process from "node:process";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { crc32 } from "../../src/bytes/crc32.ts";
import { buildZip } from "../../src/formats/testing_zip.ts";
import { join, joinAll, little, type Piece, varint } from "./bytes.ts";
import type { Generated } from "./families.ts";
import { observe } from "./observe.ts";

/** Makes about `size` bytes. */
type Make = (size: number) => Generated;

const MIB = 1 << 20;
const encoder = new TextEncoder();

/** A text as often as fits. */
function fill(text: string | Uint8Array, size: number): Uint8Array {
  const unit = typeof text === "string" ? encoder.encode(text) : text;
  const bytes = new Uint8Array(Math.max(unit.length, Math.floor(size / unit.length) * unit.length));
  for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at);
  return bytes;
}

const file = (name: string, ...pieces: readonly Piece[]): Generated => ({
  name,
  bytes: join(...pieces),
});

const PICKLES: Readonly<Record<string, Make>> = {
  "pickle: streams of two opcodes": (size) => file("m.pkl", fill("N.", size)),
  "pickle: streams that call": (size) => file("m.pkl", fill("cos\nsystem\n)R.", size)),
  "pickle: calls of other globals each": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n)R0`), "N."),
  "pickle: imports of one module": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cos\na${n}\n0`), "N."),
  "pickle: marks": (size) => file("m.pkl", fill("(", size), "N."),
  "pickle: tuples in tuples": (size) => file("m.pkl", "N", fill(Uint8Array.of(0x85), size), "."),
  "pickle: doubling by memo": (size) => file("m.pkl", "]q\0", fill("(h\0h\0lq\0", size), "."),
  "pickle: doubling that is called": (size) =>
    file("m.pkl", "cos\nsystem\n]q\0", fill("(h\0h\0lq\0", size), [0x85], "R."),
  "pickle: strings doubled by join": (size) =>
    file("m.pkl", "Va\nq\0", fill("cbuiltins\nstr.join\n(V,\n(h\0h\0ltRq\0", size), "."),
  "pickle: strings doubled by add": (size) =>
    file("m.pkl", "Va\nq\0", fill("coperator\nadd\n(h\0h\0tRq\0", size), "."),
  "pickle: zlib in zlib": (size) =>
    file("m.pkl", "czlib\ndecompress\n(B", ...bytes4(deflateSync(fill("\0", size * 200))), "tR."),
  "pickle: many zlib bombs": (size) => {
    const bomb = deflateSync(fill("\0", 4 * MIB));
    const one = join("czlib\ndecompress\n(B", little(4, bomb.length), bomb, "tR0");
    return file("m.pkl", fill(one, size), "N.");
  },
  "pickle: long numbers in decimal": (size) => file("m.pkl", "L", fill("9", size), "L\n."),
  "pickle: long numbers in binary": (size) =>
    file("m.pkl", [0x8b], little(4, size), fill("\x7f", size), "."),
  "pickle: numbers of 64 KiB": (size) =>
    file("m.pkl", fill(join("L", fill("7", 65_530), "L\n0"), size), "N."),
  "pickle: one name": (size) => file("m.pkl", "c", fill("a.", size), "\nb\n."),
  "pickle: names of 64 KiB": (size) =>
    file("m.pkl", fill(join("c", fill("a.", 65_520), "\nb\n0"), size), "N."),
  "pickle: dotted attribute": (size) => file("m.pkl", "cos\n", fill("a.", size), "b\n."),
  "pickle: junk behind a corrupt stream": (size) =>
    file("m.pkl", "cos\nsystem\n\xff", fill("(S", size)),
  "pickle: headers behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(Uint8Array.of(0x80, 2), size)),
  "pickle: imports behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("ca\n", size)),
  "pickle: marks behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("(ca\nb\n", size)),
  "pickle: long lines behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("(V", size)),
  "pickle: runs of opcodes behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("(d", fill("N0", 3000), [0xff]), size)),
  "pickle: short corrupt streams": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("(d", fill("N0", 60), [0xff]), size)),
  "pickle: short corrupt streams that call": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("cos\nsystem\n)R", [0xff]), size)),
  "pickle: frames in frames": (size) =>
    file("m.pkl", [0x80, 4], fill(join([0x95], little(8, 3)), size), "N."),
  "pickle: frames that strings straddle": (size) =>
    file("m.pkl", [0x80, 4], fill(join([0x95], little(8, 3), [0x8c, 4], "aaaa", "0"), size), "N."),
  "pickle: memo read in many streams": (size) => file("m.pkl", fill("Nq\0h\0.", size)),
  "pickle: constants that are pickles": (size) =>
    file("m.pkl", fill(join("C", [12], [0x80, 2], "cos\na\n)R.", "0"), size), "N."),
  "pickle: base64 that is a pickle": (size) => {
    const inner = btoa("cos\nsystem\n(S'a'\ntR.");
    return file("m.pkl", fill(join("X", little(4, inner.length), inner, "0"), size), "N.");
  },
  "pickle: pickles in pickles": (size) => {
    let inner = join("N.");
    while (inner.length < size / 300) inner = join("B", little(4, inner.length), inner, ".");
    return file("m.pkl", fill(join("B", little(4, inner.length), inner, "0"), size), "N.");
  },
  "pickle: getattr chains": (size) =>
    file("m.pkl", "cos\nsystem\nq\0", fill("cbuiltins\ngetattr\n(h\0Va\ntRq\0", size), "."),
  "pickle: partials in partials": (size) =>
    file("m.pkl", "cos\nsystem\nq\0", fill("cfunctools\npartial\n(h\0tRq\0", size), "."),
  "pickle: wide arguments": (size) => file("m.pkl", "cos\nsystem\n(", fill("Va\n", size), "tR."),
  "pickle: build with wide state": (size) =>
    file("m.pkl", "cos\nsystem\n(", fill("Va\nN", size), "db."),
  "pickle: extensions": (size) =>
    file("m.pkl", ...numbered(size, (n) => join([0x84], little(4, n + 1), "0")), "N."),
  "pickle: persistent ids": (size) => file("m.pkl", ...numbered(size, (n) => `P${n}\n0`), "N."),
  "pickle: memo indices far apart": (size) =>
    file("m.pkl", ...numbered(size, (n) => join("Nr", little(4, n * 4099), "0")), "N."),
  "pickle: setitem on modules": (size) =>
    file("m.pkl", "csys\nmodules\n", ...numbered(size, (n) => `Vk${n}\nNs`), "."),
};

function bytes4(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  return [little(4, bytes.length), bytes];
}

function numbered(size: number, make: (number: number) => string | Uint8Array): [Uint8Array] {
  const pieces: Uint8Array[] = [];
  for (let number = 0, length = 0; length < size; number++) {
    const piece = join(make(number));
    pieces.push(piece);
    length += piece.length;
  }
  return [joinAll(pieces)];
}

/** Entries of one directory that all begin at the same few bytes. */
function overlapping(count: number, data: Uint8Array): Uint8Array {
  const packed = new Uint8Array(deflateRawSync(data));
  const local = join(
    little(4, 0x04034b50),
    little(2, 20),
    little(2, 0),
    little(2, 8),
    little(4, 0),
    little(4, crc32(data)),
    little(4, packed.length),
    little(4, data.length),
    little(2, 1),
    little(2, 0),
    "a",
    packed,
  );
  const records = Array.from(
    { length: count },
    () =>
      join(
        little(4, 0x02014b50),
        little(2, 20),
        little(2, 20),
        little(2, 0),
        little(2, 8),
        little(4, 0),
        little(4, crc32(data)),
        little(4, packed.length),
        little(4, data.length),
        little(2, 1),
        little(2, 0),
        little(2, 0),
        little(8, 0),
        little(4, 0),
        "a",
      ),
  );
  const directory = joinAll(records);
  return join(
    local,
    directory,
    little(4, 0x06054b50),
    little(4, 0),
    little(2, count),
    little(2, count),
    little(4, directory.length),
    little(4, local.length),
    little(2, 0),
  );
}

function tarHeader(name: string, size: number, type: string): Uint8Array {
  const header = new Uint8Array(512);
  header.set(encoder.encode(name), 0);
  header.set(
    encoder.encode(`0000644\0${"0000000\0".repeat(2)}${size.toString(8).padStart(11, "0")}\0`),
    100,
  );
  header.set(encoder.encode(`00000000000\0        ${type}`), 136);
  header.set(encoder.encode("ustar\x0000"), 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return header;
}

const padded = (bytes: Uint8Array): Uint8Array =>
  join(bytes, new Uint8Array((512 - bytes.length % 512) % 512));

const CONTAINERS: Readonly<Record<string, Make>> = {
  "zip: 65,535 overlapping entries": () =>
    file("m.zip", overlapping(65_535, fill("(lp0\n", 20_000))),
  "zip: overlapping pickles": (size) =>
    file("m.zip", overlapping(20_000, join(fill("N0", size / 4), "N."))),
  "zip: empty entries": (size) =>
    file(
      "m.zip",
      buildZip(Array.from({ length: size / 120 }, (_, n) => ({ name: `${n}`, data: "" }))),
    ),
  "zip: one name": (size) =>
    file("m.zip", buildZip(Array.from({ length: size / 120 }, () => ({ name: "a", data: "" })))),
  "zip: end records": (size) =>
    file(
      "m.zip",
      buildZip([{ name: "a", data: "" }]),
      fill(join("PK\x05\x06", new Uint8Array(18)), size),
    ),
  "zip: local headers": (size) => file("m.zip", fill(join("PK\x03\x04", new Uint8Array(26)), size)),
  "zip: signatures": (size) => file("m.zip", fill("PK\x03\x04", size)),
  "zip: central headers": (size) =>
    file("m.zip", fill("PK\x01\x02", size), buildZip([{ name: "a", data: "" }])),
  "zip: descriptors": (size) =>
    file("m.zip", buildZip([{ name: "a", data: fill("PK\x07\x08", size), descriptor: true }])),
  "zip: names of 64 KiB": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from(
          { length: size / 131_200 },
          (_, n) => ({ name: `${n}`.padEnd(65_000, "../"), data: "" }),
        ),
      ),
    ),
  "zip: zips in zips": (size) => {
    let inner = buildZip([{ name: "a", data: fill("\0", size), deflate: true }]);
    for (let at = 0; at < 12; at++) {
      inner = buildZip(
        Array.from({ length: 3 }, (_, n) => ({ name: `${n}.zip`, data: inner, deflate: true })),
      );
    }
    return file("m.zip", inner.subarray(0, size));
  },
  "tar: empty members": (size) => file("m.tar", fill(tarHeader("a", 0, "0"), size)),
  "tar: pax records": (size) => {
    const records = fill("12 comment=a\n", size);
    return file(
      "m.tar",
      tarHeader("p", records.length, "x"),
      padded(records),
      tarHeader("a", 0, "0"),
    );
  },
  "tar: pax keys": (size) => {
    const records = join(
      ...numbered(size, (n) =>
        `${`000000000 k${n}=\n`.length - 9 + 9} k${n}=\n`.padStart(
          `000000000 k${n}=\n`.length,
          "0",
        )),
    );
    return file(
      "m.tar",
      tarHeader("p", records.length, "g"),
      padded(records),
      ...Array.from({ length: 200 }, () => tarHeader("a", 0, "0")),
    );
  },
  "tar: long names": (size) => {
    const name = fill("a/", 65_000);
    return file(
      "m.tar",
      fill(join(tarHeader("L", name.length, "L"), padded(name), tarHeader("a", 0, "0")), size),
    );
  },
  "tar: links": (size) => file("m.tar", fill(tarHeader("a", 0, "2"), size)),
  "gzip: members": (size) => file("m.pkl.gz", fill(new Uint8Array(gzipSync("N.")), size)),
  "gzip: gzip in gzip": (size) => {
    let inner = fill("\0", size * 50);
    for (let at = 0; at < 12; at++) inner = new Uint8Array(gzipSync(inner));
    return file("m.gz", inner);
  },
  "gzip: empty stored blocks": (size) =>
    file("m.gz", gzipSync("").subarray(0, 10), fill(Uint8Array.of(0, 0, 0, 0xff, 0xff), size)),
  "gzip: empty dynamic blocks": (size) =>
    file(
      "m.gz",
      gzipSync("").subarray(0, 10),
      fill(new Uint8Array(deflateRawSync("abcabcabcdefghijk".repeat(3), { level: 9 })), size),
    ),
  "gzip: a pickle of junk": (size) =>
    file("m.joblib", gzipSync(join("cos\nsystem\n\xff", fill("(S", size * 8)))),
  "bz2: signatures": (size) => file("m.bz2", "BZh9", fill("1AY&SY", size)),
  "zstd: empty frames": (size) =>
    file("m.zst", fill(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0), size)),
  "zstd: run-length blocks": (size) =>
    file("m.zst", [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58], fill(Uint8Array.of(2, 0, 0x10, 0x41), size)),
  "lz4: empty frames": (size) =>
    file("m.lz4", fill(Uint8Array.of(4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0), size)),
  "xz: empty streams": (size) =>
    file(
      "m.xz",
      fill(
        Uint8Array.from(
          "fd377a585a0000ff12d9410000000000 1cdf442106729e7a 010000000000595a".replaceAll(" ", "")
            .match(/../gu) ?? [],
          (hex) => parseInt(hex, 16),
        ),
        size,
      ),
    ),
  "npy: header": (size) =>
    file("a.npy", [0x93], "NUMPY", [2, 0], little(4, size), "{'descr': ", fill("[", size)),
  "npy: strings": (size) =>
    file("a.npy", [0x93], "NUMPY", [2, 0], little(4, size), "{'descr': ", fill("'a' ", size)),
};

/** A message in a message, `depth` deep. */
function deep(tag: number, depth: number): Uint8Array {
  const heads: Uint8Array[] = [];
  let length = 1;
  for (let at = 0; at < depth; at++) {
    const head = join([tag], varint(length));
    heads.push(head);
    length += head.length;
  }
  return joinAll([...heads.reverse(), "x"]);
}

const ONNX_FRONT = join([8, 7, 0x12, 1], "f", [0x42, 2, 0x10, 17]);
const inMessage = (tag: number, bytes: Uint8Array): Uint8Array =>
  join(varint(tag), varint(bytes.length), bytes);

const MESSAGES: Readonly<Record<string, Make>> = {
  "onnx: graphs in attributes": (size) => {
    let body = join("x");
    const pieces: Uint8Array[] = [];
    let length = body.length;
    while (length < size) {
      for (const tag of [0x32, 0x2a, 0x0a]) {
        const head = join([tag], varint(length));
        pieces.push(head);
        length += head.length;
      }
    }
    body = joinAll([...pieces.reverse(), body]);
    return file("m.onnx", ONNX_FRONT, inMessage(0x3a, body));
  },
  "onnx: empty nodes": (size) =>
    file("m.onnx", ONNX_FRONT, inMessage(0x3a, fill(Uint8Array.of(0x0a, 0), size))),
  "onnx: operators of one's own": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      inMessage(
        0x3a,
        join(
          ...numbered(size, (n) =>
            inMessage(0x0a, join(inMessage(0x22, join(`Op${n}`)), inMessage(0x3a, join(`d${n}`))))),
        ),
      ),
    ),
  "onnx: functions": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      ...numbered(size, (n) => inMessage(0xca, join(inMessage(0x0a, join(`f${n}`)))).subarray(0)),
      inMessage(0x3a, new Uint8Array(0)),
    ),
  "onnx: external data": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      inMessage(
        0x3a,
        join(...numbered(size, (n) =>
          inMessage(
            0x2a,
            join(
              [0x70, 1],
              inMessage(
                0x6a,
                join(inMessage(0x0a, join("location")), inMessage(0x12, join(`w${n}`))),
              ),
            ),
          ))),
      ),
    ),
  "onnx: location entries": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      inMessage(
        0x3a,
        inMessage(
          0x2a,
          join(
            [0x70, 1],
            ...numbered(size, (n) =>
              inMessage(
                0x6a,
                join(inMessage(0x0a, join("location")), inMessage(0x12, join(`../w${n}`))),
              )),
          ),
        ),
      ),
    ),
  "onnx: groups": (size) => file("m.onnx", ONNX_FRONT, fill(Uint8Array.of(0x13), size)),
  "tensorflow: nodes of one's own": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        inMessage(
          0x0a,
          join(
            inMessage(0x0a, join(`n${n}`)),
            inMessage(0x12, join(`Op${n}`)),
            inMessage(0x1a, join(`n${n - 1}`)),
          ),
        )),
    ),
  "tensorflow: a chain to a file": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        inMessage(
          0x0a,
          join(
            inMessage(0x0a, join(`n${n}`)),
            inMessage(0x12, join(n % 2 ? "ReadFile" : "Identity")),
            inMessage(0x1a, join(`n${n - 1}`)),
          ),
        )),
    ),
  "tensorflow: many inputs": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        inMessage(
          0x0a,
          join(
            inMessage(0x0a, join(`n${n}`)),
            inMessage(0x12, join(n % 8 ? "AddN" : "ReadFile")),
            ...Array.from(
              { length: 8 },
              (_, k) => inMessage(0x1a, join(`n${Math.max(0, n - k - 1)}`)),
            ),
          ),
        )),
    ),
  "tensorflow: nested lists": (size) => file("frozen.pb", deep(0x0a, size / 4)),
  "keras metadata": (size) => file("keras_metadata.pb", deep(0x0a, size / 4)),
};

const TEXTS: Readonly<Record<string, Make>> = {
  "json: brackets": (size) => file("config.json", fill("[", size)),
  "json: objects in objects": (size) => file("config.json", fill('{"config":', size)),
  "json: one key": (size) => file("config.json", "{", fill('"a":1,', size), '"b":1}'),
  "json: keys": (size) =>
    file("config.json", "{", ...numbered(size, (n) => `"k${n}":1,`), '"b":1}'),
  "json: escapes": (size) => file("config.json", '{"class_name":"', fill("\\u0041", size), '"}'),
  "json: keras layers": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      fill('{"class_name":"Lambda","config":{"function":"a"}},', size),
      "1]}}",
    ),
  "json: keras modules": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      ...numbered(size, (n) => `{"module":"m${n}","class_name":"C","config":{}},`),
      "1]}}",
    ),
  "json: keras nesting": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":',
      fill('{"class_name":"Lambda","config":', size),
      "1",
      fill("}", size / 32),
    ),
  "json: auto_map": (size) =>
    file(
      "config.json",
      '{"auto_map":{',
      ...numbered(size, (n) => `"k${n}":"m${n}.C",`),
      '"b":"c.D"}}',
    ),
  "json: base64 code": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[{"class_name":"Lambda","config":{"function":["',
      fill("4wAA", size),
      '"]}}]}}',
    ),
  "yaml: flow": (size) => file("config.yaml", "_target_: x\na: ", fill("[", size)),
  "yaml: indentation": (size) =>
    file(
      "config.yaml",
      ...numbered(Math.min(size, 3000), (n) => `${" ".repeat(n)}a:\n`),
      fill("b: c\n", size),
    ),
  "yaml: lists in lists": (size) => file("config.yaml", "_target_: x\n", fill("- ", size), "a"),
  "yaml: aliases": (size) =>
    file("config.yaml", ...numbered(size, (n) => `a${n}: &x${n} [*x${n - 1}, *x${n - 1}]\n`)),
  "yaml: one line": (size) => file("config.yaml", "_target_: ", fill("a", size)),
  "yaml: quotes": (size) => file("config.yaml", "_target_: '", fill("''", size)),
  "jinja: brackets": (size) => file("t.jinja", "{{ ", fill("(", size)),
  "jinja: tags": (size) => file("t.jinja", fill("{% if x %}", size)),
  "jinja: open tags": (size) => file("t.jinja", fill("{{", size)),
  "jinja: open comments": (size) => file("t.jinja", fill("{#", size)),
  "jinja: open strings": (size) => file("t.jinja", fill("{{'", size)),
  "jinja: attributes": (size) => file("t.jinja", "{{ x", fill(".a", size), " }}"),
  "jinja: filters": (size) => file("t.jinja", "{{ x", fill("|a", size), " }}"),
  "jinja: concatenation": (size) => file("t.jinja", "{{ ''", fill("~'a'", size), " }}"),
  "jinja: doubling": (size) =>
    file("t.jinja", "{% set a = 'a' %}", fill("{% set a = a ~ a %}", size), "{{ x[a] }}"),
  "jinja: choices": (size) =>
    file("t.jinja", ...numbered(size, (n) => `{% set a = 'v${n}' %}`), fill("{{ x[a] }}", size)),
  "jinja: choices joined": (size) =>
    file(
      "t.jinja",
      ...numbered(size, (n) => `{% if x %}{% set a = a ~ 'v${n}' %}{% endif %}`),
      "{{ x[a] }}",
    ),
  "jinja: unary": (size) => file("t.jinja", "{{ ", fill("not ", size), "x }}"),
  "jinja: powers": (size) => file("t.jinja", "{{ 2", fill("**2", size), " }}"),
  "jinja: line statements": (size) => file("t.jinja", fill("{%- set a=1 -%}   ", size)),
  "jinja: raw": (size) => file("t.jinja", fill("{% raw %}", size)),
  "jinja: macros": (size) =>
    file(
      "t.jinja",
      ...numbered(size, (n) =>
        `{% macro m${n}(a) %}{{ m${n - 1}(a) }}{{ m${n - 1}(a) }}{% endmacro %}`),
      "{{ m9(x) }}",
    ),
  "safetensors: tensors": (size) => {
    const text = `{${
      numberedText(size, (n) => `"t${n}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)
    }}`;
    return file("m.safetensors", little(8, text.length), text);
  },
  "safetensors: brackets": (size) =>
    file("m.safetensors", little(8, size), '{"a":', fill("[", size)),
  "gguf: pairs": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, size),
      ...numbered(size, (n) => join(little(8, 8), String(n).padStart(8, "k"), little(4, 0), "a")),
    ),
  "gguf: arrays in arrays": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      fill(join(little(4, 9), little(8, 1)), size),
    ),
  "gguf: empty arrays": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      little(4, 9),
      little(8, size),
      fill(join(little(4, 9), little(8, 0)), size),
    ),
  "gguf: huge array": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      little(4, 8),
      little(8, 2n ** 40n),
      fill(little(8, 0), size),
    ),
  "gguf: tensors": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, size),
      little(8, 0),
      ...numbered(
        size,
        (n) =>
          join(little(8, 8), String(n).padStart(8, "k"), little(4, 0), little(4, 0), little(8, 0)),
      ),
    ),
};

function numberedText(size: number, make: (number: number) => string): string {
  const pieces: string[] = [];
  for (let number = 0, length = 0; length < size; number++) {
    const piece = make(number);
    pieces.push(piece);
    length += piece.length + 1;
  }
  return pieces.join(",");
}

const ALL: Readonly<Record<string, Make>> = { ...PICKLES, ...CONTAINERS, ...MESSAGES, ...TEXTS };

/** Names of the worst files that there are. */
export const WORST: readonly string[] = Object.keys(ALL);

/**
 * Makes one of them.
 *
 * @param size bytes, more or less
 * @throws RangeError for a name that there is none of
 */
export function makeWorst(name: string, size: number): Generated {
  const make = ALL[name];
  if (make === undefined) throw new RangeError(`There is no worst file "${name}"`);
  return make(size);
}

if (import.meta.main) {
  const [name = "", megabytes = "1"] = process.argv.slice(2);
  const made = makeWorst(name, Number(megabytes) * MIB);
  const before = process.memoryUsage().rss;
  const { user } = process.cpuUsage();
  const { report } = await observe(made.name, made.bytes);
  const seconds = (process.cpuUsage().user - user) / 1e6;
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${name.padEnd(48)} ${(made.bytes.length / MIB).toFixed(1).padStart(6)} MB ` +
      `${seconds.toFixed(1).padStart(6)} s ${
        Math.round(peak - before / MIB).toString().padStart(5)
      } MB more ` +
      `${report.verdict} (${report.findings.length} findings)`,
  );
}
