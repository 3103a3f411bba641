/**
 * The table from opcode to handler, and machines that run by it.
 *
 * @module
 */

import { type Handler, Machine, type OpcodeTable } from "./machine.ts";
import { CALL_OPCODES, unknownOpcode } from "./opcodes_calls.ts";
import { CONTAINER_OPCODES } from "./opcodes_containers.ts";
import { LINE_OPCODES, skipLine } from "./opcodes_lines.ts";
import { PAYLOAD_OPCODES } from "./opcodes_payload.ts";
import { STACK_OPCODES } from "./opcodes_stack.ts";
import type { MachineOptions } from "./status.ts";
import type { ByteWindow } from "./window.ts";

const BY_OPCODE: ReadonlyMap<number, Handler> = new Map([
  ...STACK_OPCODES,
  ...CONTAINER_OPCODES,
  ...PAYLOAD_OPCODES,
  ...LINE_OPCODES,
  ...CALL_OPCODES,
]);

/** What each byte does. */
const TABLE: OpcodeTable = {
  handlers: Array.from({ length: 256 }, (_, code) => BY_OPCODE.get(code) ?? unknownOpcode),
  skipLine,
};

/**
 * A machine for one unpickler.
 *
 * @param start virtual offset of the stream's first byte
 */
export function unpickler(input: ByteWindow, start: number, options: MachineOptions): Machine {
  return new Machine(input, start, options, TABLE);
}
