/**
 * How streams of Arrow begin: with a message that has a schema. Before release 0.15 nothing stood in front of its length.
 * https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";

/** Before each message, in front of its length. */
const CONTINUATION = 0xffffffff;
/** Bytes of the metadata of one message that detection takes for real. */
const MESSAGE_BYTES = 64 * 1024 * 1024;
/** Slots of the table `Message` that a schema has: its kind and its header. */
const KIND_SLOT = 1;
const HEADER_SLOT = 2;
/** `Schema` among the kinds of messages. */
const SCHEMA = 1;
/** Bytes of the list of slots of a `Message`, of which there are five. */
const SLOTS_BYTES = { least: 10, most: 14 } as const;
/** Between the length and the table; writers have some twenty bytes of slots there. */
const ROOT_BYTES = 256;

/** True for the beginning of a stream, of any release. */
export function isStream({ head, size }: Sample): boolean {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const isOld = view.getUint32(0, true) !== CONTINUATION;
  const start = isOld ? 4 : 8;
  const length = view.getUint32(start - 4, true);
  // Writers pad to eight bytes, readers take any length.
  const fits = length > 8 && length <= MESSAGE_BYTES && view.getUint32(start, true) < length &&
    (size === undefined || length + start <= size);
  return fits && (!isOld || isSchema(view, start));
}

/** Whether a table `Message` of the kind `Schema` begins at an offset. */
function isSchema(view: DataView, start: number): boolean {
  const root = view.getUint32(start, true);
  const table = start + root;
  if (root > ROOT_BYTES || table + 4 > view.byteLength) return false;
  const slots = table - view.getInt32(table, true);
  if (slots < start || slots + SLOTS_BYTES.most > view.byteLength) return false;
  const bytes = view.getUint16(slots, true);
  if (bytes < SLOTS_BYTES.least || bytes > SLOTS_BYTES.most || bytes % 2 !== 0) return false;
  const kind = table + view.getUint16(slots + 4 + 2 * KIND_SLOT, true);
  const hasHeader = view.getUint16(slots + 4 + 2 * HEADER_SLOT, true) !== 0;
  return hasHeader && kind > table && kind < view.byteLength && view.getUint8(kind) === SCHEMA;
}
