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
    id: "torchscript",
    malformedRule: "torchscript-malformed",
    mayMatch: ({ hint }) => hint === "torchscript-source",
    load: once(async () => (await import("./torchscript.ts")).torchscriptFormat),
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

function contains(bytes: Uint8Array, [first, second]: readonly [number, number]): boolean {
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (bytes[at + 1] === second) return true;
  }
  return false;
}
