/**
 * The formats that can be read. Each module is loaded when a sample first looks as if it might be
 * of that format, so that a start costs only what the files at hand need.
 *
 * @module
 */

import type { Format, Sample } from "./format.ts";

/** One format in the list. */
export interface FormatEntry {
  /** Equal to the format's own. */
  readonly id: string;
  /** Id of the anomaly rule for a FormatError that the format throws. */
  readonly malformedRule: string;
  /**
   * Decides whether loading the format is worth it. Cheap; may be true for what is not of this
   * format, never false for what is: the format's own `detect` has the last word.
   */
  mayMatch(sample: Sample): boolean;
  /** Loads the format's module. Rejects when its decoder cannot be had. */
  load(): Promise<Format>;
}

/**
 * An entry for a format that is loaded already, for callers that bring formats of their own.
 *
 * @param malformedRule id of the rule for its FormatErrors; `<id>-malformed` unless given
 */
export function formatEntry(format: Format, malformedRule = `${format.id}-malformed`): FormatEntry {
  return {
    id: format.id,
    malformedRule,
    mayMatch: () => true,
    load: () => Promise.resolve(format),
  };
}

/** Loads once, but again after a failure. */
function once(load: () => Promise<Format>): () => Promise<Format> {
  let loaded: Promise<Format> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}

/** All formats, outer ones first; the order is that of the report. */
export const FORMATS: readonly FormatEntry[] = [
  {
    id: "zip",
    malformedRule: "zip-malformed",
    mayMatch: ({ head, tail }) =>
      contains(head, [0x50, 0x4b]) || (tail !== undefined && contains(tail, [0x50, 0x4b])),
    load: once(async () => (await import("./zip.ts")).zipFormat),
  },
  {
    id: "tar",
    malformedRule: "tar-malformed",
    mayMatch: ({ head }) => head.length >= TAR_BLOCK_BYTES,
    load: once(async () => (await import("./tar.ts")).tarFormat),
  },
  {
    id: "7z",
    malformedRule: "archive-malformed",
    mayMatch: ({ head }) => head[0] === 0x37 && head[1] === 0x7a,
    load: once(async () => (await import("./sevenzip.ts")).sevenZipFormat),
  },
  {
    id: "rar",
    malformedRule: "archive-malformed",
    mayMatch: ({ head }) => head[0] === 0x52 && head[1] === 0x61,
    load: once(async () => (await import("./sevenzip.ts")).rarFormat),
  },
  {
    id: "cab",
    malformedRule: "archive-malformed",
    mayMatch: ({ head }) => head[0] === 0x4d && head[1] === 0x53,
    load: once(async () => (await import("./sevenzip.ts")).cabFormat),
  },
  {
    id: "compressed",
    malformedRule: "compression-malformed",
    mayMatch: ({ head }) => head.length > 1,
    load: once(async () => (await import("./compressed.ts")).compressedFormat),
  },
  {
    id: "npy",
    malformedRule: "npy-malformed",
    mayMatch: ({ head }) => head[0] === 0x93,
    load: once(async () => (await import("./npy.ts")).npyFormat),
  },
  {
    id: "torch-legacy",
    malformedRule: "pickle-malformed",
    mayMatch: mayBePickle,
    load: once(async () => (await import("./torch_legacy.ts")).torchLegacyFormat),
  },
  {
    id: "pickle",
    malformedRule: "pickle-malformed",
    mayMatch: mayBePickle,
    load: once(async () => (await import("./pickle.ts")).pickleFormat),
  },
  {
    id: "onnx",
    malformedRule: "onnx-malformed",
    mayMatch: mayBeOnnx,
    load: once(async () => (await import("./onnx.ts")).onnxFormat),
  },
  {
    id: "tensorflow",
    malformedRule: "tensorflow-malformed",
    mayMatch: mayBeTensorflow,
    load: once(async () => (await import("./tensorflow.ts")).tensorflowFormat),
  },
  {
    id: "hdf5",
    malformedRule: "hdf5-malformed",
    mayMatch: mayBeHdf5,
    load: once(async () => (await import("./hdf5.ts")).hdf5Format),
  },
  {
    id: "keras-config",
    malformedRule: "keras-config-malformed",
    mayMatch: mayBeJson,
    load: once(async () => (await import("./keras_config.ts")).kerasConfigFormat),
  },
  {
    id: "skops",
    malformedRule: "skops-malformed",
    mayMatch: mayBeJson,
    load: once(async () => (await import("./skops.ts")).skopsFormat),
  },
  {
    id: "keras-metadata",
    malformedRule: "keras-metadata-malformed",
    mayMatch: ({ head }) => head[0] === 0x0a,
    load: once(async () => (await import("./keras_metadata.ts")).kerasMetadataFormat),
  },
  {
    id: "safetensors",
    malformedRule: "safetensors-malformed",
    mayMatch: ({ head }) => head[8] === 0x7b,
    load: once(async () => (await import("./safetensors.ts")).safetensorsFormat),
  },
  {
    id: "gguf",
    malformedRule: "gguf-malformed",
    mayMatch: ({ head }) => head[0] === 0x47 && head[1] === 0x47,
    load: once(async () => (await import("./gguf.ts")).ggufFormat),
  },
  {
    id: "rds",
    malformedRule: "r-malformed",
    mayMatch: ({ head }) => [0x0a, 0x41, 0x42, 0x52, 0x58].includes(head[0] ?? 0),
    load: once(async () => (await import("./rds.ts")).rdsFormat),
  },
  {
    id: "chat-template",
    malformedRule: "template-malformed",
    mayMatch: ({ name, hint }) =>
      hint === "chat-template" || /\.(?:jinja2?|j2|template|tmpl|tpl|txt)$/iu.test(name),
    load: once(async () => (await import("./chat_template.ts")).chatTemplateFormat),
  },
  {
    id: "model-config",
    malformedRule: "config-malformed",
    mayMatch: ({ name, hint }) => hint === undefined && /\.(?:json|ya?ml)$/iu.test(name),
    load: once(async () => (await import("./model_config.ts")).modelConfigFormat),
  },
  {
    id: "native",
    malformedRule: "native-malformed",
    mayMatch: mayBeNative,
    load: once(async () => (await import("./native.ts")).nativeFormat),
  },
  {
    id: "torchscript",
    malformedRule: "torchscript-malformed",
    mayMatch: ({ hint }) => hint === "torchscript-source",
    load: once(async () => (await import("./torchscript.ts")).torchscriptFormat),
  },
  {
    id: "python-source",
    malformedRule: "python-unread",
    mayMatch: ({ hint }) => hint?.startsWith("python-") ?? false,
    load: once(async () => (await import("./python_source.ts")).pythonSourceFormat),
  },
];

/** POSIX.1-2024, pax: a header is one block. */
const TAR_BLOCK_BYTES = 512;

/** The one-character opcodes of all protocols, CPython's `Lib/pickletools.py`. */
const OPCODE_CHARACTERS = new Set(
  Array.from("(.012FIJKLMNPQRSTUVXGBC)\\]abcdeghijloprstqu}", (text) => text.charCodeAt(0)),
);

/** `PROTO` to `READONLY_BUFFER`, the opcodes above ASCII. */
const OPCODES_FROM = 0x80;
const OPCODES_TO = 0x98;

/** A pickle begins with an opcode at its first byte, whatever its protocol. */
function mayBePickle({ head, hint }: Sample): boolean {
  const first = head[0];
  if (first === undefined) return false;
  return hint !== undefined || OPCODE_CHARACTERS.has(first) ||
    (first >= OPCODES_FROM && first <= OPCODES_TO);
}

/** Wire types that a protobuf field may begin with: all but the end of a group, 6 and 7. */
const WIRE_TYPES = [0, 1, 2, 3, 5];

/** Protobuf has no magic number: anything but a zip or a pickle of a newer protocol may be a message. */
function mayBeOnnx({ name, head }: Sample): boolean {
  const [first = 0, second = 0] = head;
  if (/\.onnx$/iu.test(name)) return true;
  const other = (first === 0x50 && second === 0x4b) || (first === 0x80 && second < 0x20);
  return first >= 8 && !other && WIRE_TYPES.includes(first & 7);
}

/** The tags of the fields that a SavedModel, MetaGraphDef, GraphDef or FingerprintDef begins with. */
function mayBeTensorflow({ name, head }: Sample): boolean {
  return /\.(?:pb|meta)$/iu.test(name) || [0x08, 0x0a, 0x12, 0x18, 0x22].includes(head[0] ?? 0);
}

/** HDF5 File Format Specification 3.0, II.A: the superblock is at 0, 512, 1024, 2048, … */
function mayBeHdf5({ head }: Sample): boolean {
  for (let at = 0; at < head.length; at = at === 0 ? 512 : at * 2) {
    if (head[at] === 0x89 && head[at + 1] === 0x48) return true;
  }
  return false;
}

/** A bracket behind white space, zeros (UTF-16) and byte order marks; or what a container says is JSON. */
function mayBeJson({ head, hint }: Sample): boolean {
  if (hint?.startsWith("keras-config") || hint?.startsWith("skops")) return true;
  const first = head.find((byte) => byte > 0x20 && byte < 0x7f);
  return first === 0x7b || first === 0x5b;
}

/** ELF, PE, Mach-O (either order, fat) and scripts that name their interpreter. */
function mayBeNative({ head }: Sample): boolean {
  const [first = 0, second = 0] = head;
  return [[0x7f, 0x45], [0x4d, 0x5a], [0xfe, 0xed], [0xce, 0xfa], [0xcf, 0xfa], [0xca, 0xfe], [
    0x23,
    0x21,
  ]]
    .some(([one, two]) => first === one && second === two);
}

function contains(bytes: Uint8Array, [first, second]: readonly [number, number]): boolean {
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (bytes[at + 1] === second) return true;
  }
  return false;
}
