/**
 * What a name claims and what first bytes give away, apart from the formats that can be read:
 * claims of extensions, formats that are known but not read yet, Git-LFS pointers. Pure helpers.
 *
 * @module
 */

import type { Sample } from "./format.ts";

/** What the name of a file says is in it. */
export interface NameClaim {
  /** "model": something a framework loads, or a container of such; "other": anything else that is known. */
  readonly kind: "model" | "other";
  /** With its article, for instance "a pickle". */
  readonly label: string;
  /** Ids of the formats that such a file may hold without being odd. */
  readonly formats: readonly string[];
  /** False for a model format that is known but not read yet, whatever container it uses. */
  readonly supported: boolean;
  /** True when so many things use the name that other content is nothing to speak of. */
  readonly weak: boolean;
}

type ClaimRow = readonly [label: string, extensions: string, formats: readonly string[]];

const PICKLES = ["pickle", "torch-legacy", "compressed"];
const TORCH = ["zip", "pickle", "torch-legacy", "tar"];

/** Extensions of what can be read. */
const READABLE: readonly ClaimRow[] = [
  ["a pickle", "pkl pickle pk cpkl cloudpickle dill dmp debug_pkl pdparams pdopt", PICKLES],
  ["a joblib file", "joblib jbl", PICKLES],
  ["a PyTorch checkpoint", "pt pt2 ptl ckpt torch", TORCH],
  ["a PyTorch checkpoint", "pth", [...TORCH, "python-source"]],
  ["a NumPy array", "npy", ["npy"]],
  ["a NumPy archive", "npz", ["zip"]],
  ["an ONNX model", "onnx", ["onnx"]],
  ["a TensorFlow graph", "pb", ["tensorflow", "keras-metadata", "onnx"]],
  ["a TensorFlow graph", "meta", ["tensorflow"]],
  ["an HDF5 file", "h5 hdf5 hdf he5", ["hdf5"]],
  ["a Keras archive", "keras", ["zip", "hdf5"]],
  ["a safetensors file", "safetensors", ["safetensors"]],
  ["a GGUF model", "gguf", ["gguf"]],
  ["a NeMo archive", "nemo", ["tar", "compressed"]],
  ["a TorchServe archive", "mar", ["zip", "tar", "compressed"]],
  ["a skops file", "skops", ["zip"]],
  ["an R data file", "rds rda rdata", ["rds", "compressed"]],
  ["a zip archive", "zip", ["zip"]],
  ["a tar archive", "tar", ["tar"]],
  ["a 7-Zip archive", "7z", ["7z"]],
  ["a RAR archive", "rar", ["rar"]],
  ["a cabinet file", "cab", ["cab"]],
  [
    "a compressed file",
    "gz gzip tgz z zlib bz2 tbz tbz2 xz txz lzma tlz lz4 zst zstd tzst lz",
    ["compressed"],
  ],
];

/** Extensions that models use, and many other things too. */
const AMBIGUOUS: readonly ClaimRow[] = [
  ["a PyTorch checkpoint", "bin", [...TORCH, "compressed", "npy"]],
  ["a pickle", "p sav", [...PICKLES, ...TORCH, "npy"]],
];

/** Extensions of model formats that are known but not read yet, with the container they use. */
const UNREADABLE: readonly ClaimRow[] = [
  ["a TensorFlow graph", "pbtxt cpb", []],
  ["a TensorFlow Lite model", "tflite", []],
  ["an ONNX model", "ort onnxtxt onnxjson", []],
  ["a GGML model", "ggml", []],
  ["a Core ML model", "mlmodel mlpackage", []],
  ["a Flax checkpoint", "msgpack", []],
  ["a PMML model", "pmml", []],
];

/** Extensions of what is no model. */
const OTHERS: readonly ClaimRow[] = [
  ["text", "txt", ["chat-template"]],
  ["text", "text md markdown rst adoc tex log srt vtt diff patch", []],
  ["a table", "csv tsv tab", []],
  ["settings", "json", ["keras-config", "model-config", "skops"]],
  ["settings", "yaml yml", ["model-config"]],
  ["settings", "jsonl ndjson toml ini cfg conf env properties lock xml plist", []],
  ["a web page", "html htm css svg", []],
  ["an image", "jpg jpeg jfif png gif webp bmp tif tiff ico heic avif psd", []],
  ["sound or video", "mp3 wav flac ogg m4a aac mp4 mkv mov avi webm", []],
  ["a document", "pdf rtf ps eps", []],
  ["an office document", "docx xlsx pptx odt ods odp epub", ["zip"]],
  ["a program package", "whl egg jar apk war vsix xpi", ["zip"]],
  ["program text", "py pyi pyw", ["torchscript", "python-source", "native"]],
  ["a chat template", "jinja jinja2 j2", ["chat-template"]],
  [
    "program text",
    "js mjs cjs ts tsx jsx c h cc cpp hpp cu cuh java kt go rs rb php pl lua r jl swift sh bash " +
    "zsh fish ps1 bat cmd sql ipynb proto mk cmake gradle",
    ["native"],
  ],
  ["a template", "template tmpl tpl", ["chat-template", "native"]],
  ["a marker", "typed gitignore gitattributes gitkeep gitmodules dockerignore keep", []],
];

const CLAIMS: ReadonlyMap<string, NameClaim> = new Map([
  ...claims(READABLE, { kind: "model", supported: true, weak: false }),
  ...claims(AMBIGUOUS, { kind: "model", supported: true, weak: true }),
  ...claims(UNREADABLE, { kind: "model", supported: false, weak: false }),
  ...claims(OTHERS, { kind: "other", supported: true, weak: false }),
]);

function claims(
  rows: readonly ClaimRow[],
  common: Pick<NameClaim, "kind" | "supported" | "weak">,
): [string, NameClaim][] {
  return rows.flatMap(([label, extensions, formats]) =>
    extensions.split(" ").map((extension): [string, NameClaim] => [
      extension,
      { label, formats, ...common },
    ])
  );
}

/**
 * The last part of a path, whichever separator it uses.
 *
 * @param path a path, a member's name or a URL's path
 */
export function baseName(path: string): string {
  const trimmed = path.replace(/[/\\]+$/u, "");
  return trimmed.slice(Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\")) + 1);
}

/**
 * What the extension of a name claims; undefined for unknown extensions and for none.
 *
 * @param name base name or path; case does not matter
 */
export function claimOf(name: string): NameClaim | undefined {
  const base = baseName(name).toLowerCase();
  const dot = base.lastIndexOf(".");
  return dot < 0 ? undefined : CLAIMS.get(base.slice(dot + 1).trimEnd());
}

/** A format that is known by its first bytes and not read yet. */
interface KnownMagic {
  readonly label: string;
  test(sample: Sample): boolean;
}

/** Formats without a reader yet, by content, so that no name can make them look harmless. */
const KNOWN_MAGIC: readonly KnownMagic[] = [
  {
    // The flatbuffer file identifier follows the root offset.
    label: "a TensorFlow Lite model",
    test: ({ head }) => startsWith(head.subarray(4), ascii("TFL3")),
  },
];

/**
 * The label of a format that is known by content but not read yet, for instance "an HDF5 file".
 *
 * @param sample head and size are looked at
 */
export function unreadableFormat(sample: Sample): string | undefined {
  return KNOWN_MAGIC.find((magic) => magic.test(sample))?.label;
}

/** True when bytes begin with others. */
export function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}

/** The codes of ASCII text, for comparing with bytes. */
export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** The first bytes as text, one character a byte. */
export function latin1(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}

/** What a Git-LFS pointer stands for. */
export interface LfsPointer {
  /** Hash of the file meant, for instance `sha256:4d7a…`. */
  readonly oid: string;
  /** Bytes of the file meant. */
  readonly size: number;
}

/** The specification has a pointer be shorter than this. */
const LFS_POINTER_BYTES = 1024;

/**
 * Reads a Git-LFS pointer, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: sorted lines
 * of key and value, `version` first. The spelling of before 1.0 counts too.
 *
 * @returns undefined when the bytes are none
 */
export function lfsPointer({ head, size }: Sample): LfsPointer | undefined {
  if ((size ?? head.length) >= LFS_POINTER_BYTES) return undefined;
  const text = latin1(head, LFS_POINTER_BYTES);
  const version = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\/v\d+\r?\n/u;
  const oid = /\noid ([a-z0-9]+:[0-9a-f]{16,128})\r?(?:\n|$)/u.exec(text)?.[1];
  const length = /\nsize (\d{1,15})\r?(?:\n|$)/u.exec(text)?.[1];
  if (!version.test(text) || oid === undefined || length === undefined) return undefined;
  return { oid, size: Number(length) };
}

/**
 * True when bytes look like text: UTF-8 (the last character may be cut off) without control
 * characters other than white space.
 */
export function looksLikeText(head: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    return !/[\x00-\x08\x0e-\x1f\x7f]/u.test(text);
  } catch {
    return false;
  }
}
