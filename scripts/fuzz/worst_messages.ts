/**
 * Protobuf messages that cost as much as possible.
 *
 * @module
 */

import { join, joinAll, varint } from "./bytes.ts";
import { file, fill, type Make, numbered } from "./worst_pieces.ts";

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

/** By name. */
export const WORST_MESSAGES: Readonly<Record<string, Make>> = {
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
  "onnx: nodes of one kind": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      inMessage(
        0x3a,
        fill(inMessage(0x0a, join(inMessage(0x22, join("Op")), inMessage(0x3a, join("d")))), size),
      ),
    ),
  "onnx: python operators": (size) =>
    file(
      "m.onnx",
      ONNX_FRONT,
      inMessage(
        0x3a,
        join(
          ...numbered(size, (n) =>
            inMessage(
              0x0a,
              join(
                inMessage(0x22, join("PyOp")),
                inMessage(0x3a, join("ai.onnx.contrib")),
                inMessage(0x1a, join(`n${n}`)),
              ),
            )),
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
  "tensorflow: nodes of one kind": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        inMessage(0x0a, join(inMessage(0x0a, join(`n${n}`)), inMessage(0x12, join("MyOp"))))),
    ),
  "tensorflow: files of other paths": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        join(
          inMessage(
            0x0a,
            join(
              inMessage(0x0a, join(`p${n}`)),
              inMessage(0x12, join("Const")),
              inMessage(
                0x2a,
                join(
                  inMessage(0x0a, join("value")),
                  inMessage(
                    0x12,
                    inMessage(0x42, join([8, 7, 0x12, 0], inMessage(0x42, join(`/etc/${n}`)))),
                  ),
                ),
              ),
            ),
          ),
          inMessage(
            0x0a,
            join(
              inMessage(0x0a, join(`r${n}`)),
              inMessage(0x12, join("ReadFile")),
              inMessage(0x1a, join(`p${n}`)),
            ),
          ),
        )),
    ),
  "tensorflow: functions": (size) =>
    file(
      "frozen.pb",
      inMessage(0x0a, join(inMessage(0x0a, join("a")), inMessage(0x12, join("f0")))),
      inMessage(
        0x12,
        join(
          ...numbered(size, (n) =>
            inMessage(
              0x0a,
              join(
                inMessage(0x0a, inMessage(0x0a, join(`f${n}`))),
                inMessage(
                  0x1a,
                  join(inMessage(0x0a, join("b")), inMessage(0x12, join(`f${n + 1}`))),
                ),
                inMessage(
                  0x1a,
                  join(inMessage(0x0a, join("c")), inMessage(0x12, join(`f${n + 2}`))),
                ),
              ),
            )),
        ),
      ),
    ),
  "tensorflow: joins of paths": (size) =>
    file(
      "frozen.pb",
      ...numbered(size, (n) =>
        inMessage(
          0x0a,
          join(
            inMessage(0x0a, join(`n${n}`)),
            inMessage(0x12, join(n % 3 ? "StringJoin" : "ReadFile")),
            inMessage(0x1a, join(`n${n - 1}`)),
            inMessage(0x1a, join(`n${n - 2}`)),
          ),
        )),
    ),
  "tensorflow: a long name": (size) =>
    file(
      "frozen.pb",
      inMessage(0x0a, join(inMessage(0x0a, fill("n", size)), inMessage(0x12, join("ReadFile")))),
    ),
  "tensorflow: attributes": (size) =>
    file(
      "frozen.pb",
      inMessage(
        0x0a,
        join(
          inMessage(0x0a, join("n")),
          inMessage(0x12, join("MyOp")),
          ...numbered(size, (n) =>
            inMessage(
              0x2a,
              join(inMessage(0x0a, join(`a${n}`)), inMessage(0x12, join([0x18, 1]))),
            )),
        ),
      ),
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
