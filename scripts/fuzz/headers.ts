/**
 * Files that consist of a header and tensors: safetensors, GGUF; and the heads of programs.
 * Layouts: https://github.com/huggingface/safetensors (format), ggml's `docs/gguf.md`, System V ABI,
 * Microsoft's PE format, `mach-o/loader.h`.
 *
 * @module
 */

import fc from "fast-check";
import { big, BOUNDARIES, join, little } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

const NUMBER = fc.oneof(
  fc.nat(64),
  fc.constantFrom(-1, 1.5, 1e308, 2 ** 53, 2 ** 32, "8", null, true),
);
const TENSOR = fc.record({
  dtype: fc.constantFrom("F32", "F16", "I8", "BOOL", "F4", "Q9", "", null, 5),
  shape: fc.oneof(fc.array(NUMBER, { maxLength: 4 }), fc.constantFrom(null, "x", {})),
  data_offsets: fc.oneof(fc.tuple(NUMBER, NUMBER), fc.array(NUMBER, { maxLength: 3 })),
}, { requiredKeys: [] });
const HEADER = fc.dictionary(
  fc.constantFrom("a", "b", "weight", "__metadata__", "__proto__", "", "é", "a".repeat(500)),
  fc.oneof({ weight: 6, arbitrary: TENSOR }, {
    weight: 1,
    arbitrary: fc.jsonValue() as fc.Arbitrary<object>,
  }),
);

/** A safetensors file whose header is JSON, more or less. */
export function safetensors(dice: Dice): Generated {
  let text = JSON.stringify(dice.sample(HEADER));
  if (dice.chance(1, 4)) {
    text = text.replace("{", '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},');
  }
  if (dice.chance(1, 8)) {
    text = dice.pick([
      `${text}${" ".repeat(30)}`,
      ` ${text}`,
      text.slice(0, -1),
      `${text}}`,
      text.replaceAll(":", ": "),
    ]);
  }
  const header = join(text);
  const length = dice.chance(1, 8) ? dice.pick(BOUNDARIES) : BigInt(header.length);
  const bytes = join(little(8, length), header, dice.bytes(dice.below(80)));
  return { name: dice.pick(["m.safetensors", "m.bin"]), bytes };
}

/** A GGUF value: type and content, arrays in arrays. */
function ggufValue(dice: Dice, type: number, depth: number): Uint8Array {
  const widths = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
  if (type === 8) return ggufText(dice, dice.pick(["llama", "{{ x }}", "{{ ().__class__ }}", ""]));
  if (type === 9) {
    const item = depth > 4 ? 4 : dice.chance(1, 3) ? 9 : dice.below(13);
    const count = dice.below(4);
    const declared = dice.chance(1, 10) ? dice.pick(BOUNDARIES) : BigInt(count);
    const items = Array.from({ length: count }, () => ggufValue(dice, item, depth + 1));
    return join(little(4, item), little(8, declared), ...items);
  }
  return little(widths[type] ?? 4, dice.pick(BOUNDARIES));
}

function ggufText(dice: Dice, text: string): Uint8Array {
  const length = dice.chance(1, 20) ? dice.pick(BOUNDARIES) : BigInt(join(text).length);
  return join(little(8, length), text);
}

const KEYS = [
  ...["general.architecture", "general.alignment", "tokenizer.chat_template", "general.name"],
  ...["tokenizer.chat_template.tool", "x", "", "tokenizer.ggml.tokens"],
];

/** A GGUF file of version 1 to 3 with wrong counts. */
export function gguf(dice: Dice): Generated {
  const pairs = dice.below(6);
  const tensors = dice.below(4);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < pairs; at++) {
    const type = dice.chance(1, 12) ? dice.below(40) : dice.below(13);
    pieces.push(ggufText(dice, dice.pick(KEYS)), little(4, type), ggufValue(dice, type, 0));
  }
  for (let at = 0; at < tensors; at++) {
    const dimensions = dice.below(6);
    const shape = Array.from(
      { length: dimensions },
      () => little(8, dice.chance(1, 3) ? dice.pick(BOUNDARIES) : 1 + dice.below(8)),
    );
    pieces.push(
      ggufText(dice, dice.pick(["t", "u", "x".repeat(70)])),
      little(4, dimensions),
      ...shape,
    );
    pieces.push(
      little(4, dice.chance(1, 8) ? dice.word() : dice.below(40)),
      little(8, dice.below(4) * 32),
    );
  }
  const count = (value: number) =>
    little(8, dice.chance(1, 8) ? dice.pick(BOUNDARIES) : BigInt(value));
  const front = join(
    "GGUF",
    little(4, dice.pick([1, 2, 3, 3, 3, 4, 0x0300_0000])),
    count(tensors),
    count(pairs),
  );
  return { name: "m.gguf", bytes: join(front, ...pieces, dice.bytes(dice.below(200))) };
}

/** The head of a program, under a name that is or is not one. */
export function program(dice: Dice): Generated {
  const head = dice.pick([
    join(
      [0x7f],
      "ELF",
      [dice.below(4), dice.below(4), 1, 0],
      new Uint8Array(8),
      little(2, dice.below(6)),
    ),
    join("MZ", dice.bytes(58), little(4, dice.pick([64, 0, 62, 0xffff_ffff])), "PE\0\0"),
    join("MZqFpD='\n", dice.bytes(20)),
    join([0xfe, 0xed, 0xfa, 0xce + dice.below(2)], dice.bytes(20)),
    join([0xca, 0xfe, 0xba, 0xbe], big(4, dice.pick(BOUNDARIES)), dice.bytes(40)),
    join("#!", dice.pick(["/bin/sh\necho hi", "", "\0\0", " ".repeat(3000)])),
  ]);
  const bytes = join(
    head.subarray(0, dice.chance(1, 4) ? dice.below(head.length) : head.length),
    dice.bytes(dice.below(64)),
  );
  return { name: dice.pick(["libop.so", "model.pt", "model.gguf", "noname", "tool.exe"]), bytes };
}
