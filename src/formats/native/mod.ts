/**
 * Machine code and scripts: ELF, PE, Mach-O, and text that names its interpreter. A model file is none
 * of these; what lies beside one is named as what it is. Archives behind a program are handed on.
 * ELF: System V ABI; PE: Microsoft's PE Format; Mach-O: `mach-o/loader.h`, `mach-o/fat.h`.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { EMBEDDED_ARCHIVES, embeddedArchives } from "./archives.ts";

const ELF = [0x7f, 0x45, 0x4c, 0x46];
const PE_AT = 0x3c;
/** Cosmopolitan's executables begin with a shell script that DOS takes for a header. */
const APE = ascii("MZqFpD='");

/** ELF: `e_type`. */
const ELF_TYPES: Readonly<Record<number, string>> = {
  1: "object file",
  2: "program",
  3: "shared library or program",
  4: "core dump",
};

/** Mach-O's magic numbers in both widths, as their bytes stand in the file. */
const MACH_O = [
  [0xfe, 0xed, 0xfa, 0xce],
  [0xfe, 0xed, 0xfa, 0xcf],
  [0xce, 0xfa, 0xed, 0xfe],
  [0xcf, 0xfa, 0xed, 0xfe],
];
const FAT = [0xca, 0xfe, 0xba, 0xbe];
/** Java's class files share the magic number of fat files; their version is larger than this. */
const FAT_PARTS = 20;

/** Extensions that models and their parts have: a program under such a name is meant to be taken for one. */
const MODEL_NAMES =
  /\.(?:bin|pt|pth|ckpt|pkl|pickle|joblib|safetensors|gguf|ggml|onnx|h5|hdf5|keras|pb|tflite|npy|npz|msgpack|nemo|mar|skops)$/iu;

/** Machine code and scripts. */
export const nativeFormat: Format = {
  id: "native",
  random: false,
  detect: (sample: Sample) => kindOf(sample) !== undefined,
  scan,
};

interface Kind {
  /** `elf`, `pe`, `mach-o`, `llamafile`, `script`. */
  readonly name: string;
  readonly label: string;
}

function kindOf({ head, name, claim }: Sample): Kind | undefined {
  if (startsWith(head, ELF) && head.length >= 18) {
    return named(name, { name: "elf", label: `an ELF ${elfType(head)}` });
  }
  if (startsWith(head, APE)) {
    return { name: "llamafile", label: "a program for several systems, as llamafiles are" };
  }
  if (isPe(head)) return named(name, { name: "pe", label: "a Windows program or library" });
  if (MACH_O.some((magic) => startsWith(head, magic)) && head.length >= 16) {
    return { name: "mach-o", label: "a macOS program or library" };
  }
  if (startsWith(head, FAT) && head.length >= 8) {
    const parts = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(4, false);
    if (parts > 0 && parts < FAT_PARTS) {
      return { name: "mach-o", label: "a macOS program or library for several processors" };
    }
  }
  // A script under a script's name is what it says; under another it is reported.
  if (claim?.label === "program text") return undefined;
  const interpreter = /^#![ \t]*(\/[^\s\0]+(?:[ \t]+[^\s\0]+)?)/u.exec(latin1(head, 256))?.[1];
  return interpreter === undefined
    ? undefined
    : { name: "script", label: `a script for ${interpreter}` };
}

function named(name: string, kind: Kind): Kind {
  return /\.llamafile(?:\.exe)?$/iu.test(name) ? { ...kind, name: "llamafile" } : kind;
}

function elfType(head: Uint8Array): string {
  const little = head[5] !== 2;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return ELF_TYPES[view.getUint16(16, little)] ?? "file";
}

function isPe(head: Uint8Array): boolean {
  if (head[0] !== 0x4d || head[1] !== 0x5a || head.length < PE_AT + 4) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return startsWith(head, [0x50, 0x45, 0, 0], view.getUint32(PE_AT, true));
}

async function* scan(
  source: Source,
  { sample, checkDeadline }: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const kind = kindOf(sample);
  if (kind === undefined) return;
  const base = baseName(sample.name);
  const hidden = sample.hint === HINT.hidden || sample.hint === HINT.hiddenSearched;
  const posing = MODEL_NAMES.test(base) ||
    (kind.name !== "script" && sample.claim?.kind === "other");
  yield [{
    type: "fact",
    fact: {
      kind: "operator",
      language: "native",
      name: hidden ? "hidden" : posing ? "disguised" : kind.name,
      expression: `"${base}", ${kind.label}`,
    },
    count: 1,
    offset: 0,
  }];
  let archives = 0;
  for await (const { offset, source: archive } of embeddedArchives(source, checkDeadline)) {
    archives++;
    yield [{ type: "entry", source: archive, part: `archive_at_${offset}` }];
  }
  if (archives >= EMBEDDED_ARCHIVES) {
    yield [{
      type: "anomaly",
      rule: "native-malformed",
      detail: `"${base}" has ${archives} archives in it, and behind them perhaps more`,
      unread: true,
    }];
  }
  const { claim } = sample;
  if (archives === 0 && claim?.selfExtracting) {
    yield [{
      type: "anomaly",
      rule: "file-not-what-name-says",
      detail: `"${base}" should be ${claim.label}, but its content is a program or script`,
      unread: true,
    }];
  }
}
