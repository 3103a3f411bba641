/**
 * Git-LFS pointers: text files that stand for the real one.
 * https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { latin1 } from "../../parsers/bytes.ts";

/** What a Git-LFS pointer stands for. */
interface LfsPointer {
  /** Hash of the file meant, for instance `sha256:4d7a…`. */
  readonly oid: string;
  /** Bytes of the file meant. */
  readonly size: number;
}

/** Bytes of a pointer: the specification has them be fewer. */
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
