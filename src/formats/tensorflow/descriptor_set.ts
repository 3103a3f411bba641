/**
 * FileDescriptorSet of protoc, which lies under `.pb` beside programs, distinguished from a GraphDef. Both begin
 * with field 1, a message whose field 1 is a name and whose field 2 a text: a file's package, a node's
 * operator. https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto
 *
 * @module
 */

import { fieldsOf, WIRE } from "../../parsers/protobuf.ts";
import { FormatError } from "../../core/errors.ts";

/** Bytes of a set that is read at once. The largest real ones, of cloud APIs, have 4 MiB. CWE-770. */
export const SET_BYTES = 16 * 1024 * 1024;

/** Files of a set: field 1 is all that FileDescriptorSet has. */
const FILE = 1;
/** FileDescriptorProto: name, package, dependency, syntax. */
const NAME = 1;
const PACKAGE = 2;
const DEPENDENCY = 3;
const SYNTAX = 12;
/** FileDescriptorProto has fields 1 to 12 and 14, 15 since editions. */
const LAST = 15;

const PROTO_FILE = /^[\w./+-]+\.proto$/u;
/**
 * A package. No operator that TensorFlow registers begins with a small letter (`ValidateOpDef`,
 * core/framework/op_def_util.cc), so that a node of such an operator runs nothing.
 */
const PACKAGE_NAME = /^[a-z][\w.]*$/u;

/**
 * True for a message of which every entry is the description of a `.proto` file.
 *
 * @param bytes the complete message
 */
export function isDescriptorSet(bytes: Uint8Array): boolean {
  let files = 0;
  try {
    for (const { number, type, start, end, cut } of fieldsOf(bytes)) {
      if (cut || number !== FILE || type !== WIRE.bytes) return false;
      if (!isFile(bytes.subarray(start, end))) return false;
      files++;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return false;
  }
  return files > 0;
}

function isFile(bytes: Uint8Array): boolean {
  let name = false;
  for (const { number, type, start, end, cut } of fieldsOf(bytes)) {
    if (cut || number > LAST) return false;
    if (number > SYNTAX || type !== WIRE.bytes) continue;
    const text = () => new TextDecoder().decode(bytes.subarray(start, end));
    if (number === NAME || number === DEPENDENCY) {
      if (!PROTO_FILE.test(text())) return false;
      name ||= number === NAME;
    }
    if (number === PACKAGE && !PACKAGE_NAME.test(text())) return false;
    if (number === SYNTAX && !/^(?:proto[23]|editions)$/u.test(text())) return false;
  }
  return name;
}
