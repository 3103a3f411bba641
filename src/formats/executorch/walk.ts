/**
 * Walks a program of ExecuTorch: states its backends and operators, and indices and sizes that the file
 * does not bear out. CVE-2025-30402, -30404, -30405, CVE-2025-54949 to -54952
 *
 * @module
 */

import type { Observation, OperatorFact } from "../../core/types.ts";
import type { FlatBuffer, FlatRecord } from "../../parsers/flatbuffer.ts";
import type { Segments } from "./segments.ts";

/** Slots of `Program`. */
const PROGRAM = {
  plans: 1,
  constants: 2,
  inline: 3,
  segments: 4,
  constantSegment: 5,
  mutableSegments: 6,
  named: 7,
} as const;
/** Slots of `ExecutionPlan`. */
const PLAN = {
  name: 0,
  container: 1,
  values: 2,
  inputs: 3,
  outputs: 4,
  chains: 5,
  operators: 6,
  delegates: 7,
  memories: 8,
} as const;
/** Members of the union `KernelTypes` whose numbers are compared. */
const VALUE = {
  tensor: 5,
  text: 6,
  integers: 7,
  doubles: 8,
  booleans: 9,
  tensors: 10,
  optionalTensors: 11,
} as const;
/** Slots of `Tensor`. */
const TENSOR = { type: 0, sizes: 2, order: 3, buffer: 5, allocation: 6, extra: 9 } as const;
/** Slot of `ExtraTensorInfo`, and its value for data in another file, which are found by name. */
const LOCATION = 2;
const EXTERNAL = 1;
/** Members of the union `InstructionArguments`. */
const CALL = { kernel: 1, delegate: 2, move: 3, jump: 4, free: 5 } as const;
/** Bytes of an element by `ScalarType`; a type beyond the table, or of 0, is not known. */
const ELEMENT_BYTES: readonly number[] = [
  ...[1, 1, 2, 4, 8, 2, 4, 8, 4, 8, 16, 1, 1, 1, 4, 2, 1, 1],
  ...[0, 0, 0, 0, 2, 1, 1, 1, 1, 2, 4, 8],
];
/** `DataLocation.SEGMENT`; the other is inside the program. */
const IN_SEGMENT = 1;
/** Dimensions: `kTensorDimensionLimit` of the runtime. */
const RANK = 16;
/** Bytes that no memory holds. */
const MEMORY = 2 ** 47;

/** A backend whose data are graphs and weights of its own schema, and no program. */
const PLAIN_BACKEND = "XnnpackBackend";

/** One program. */
export class ProgramWalk {
  readonly segments: Segments;
  readonly #buffer: FlatBuffer;
  readonly #check: () => void;
  #constants = 0;
  #inline = 0;
  readonly #stated = new Set<string>();
  /** Segments of backends that nothing here knows. */
  readonly #opaque = new Set<number>();

  constructor(buffer: FlatBuffer, segments: Segments, check: () => void) {
    this.#buffer = buffer;
    this.segments = segments;
    this.#check = check;
  }

  /** @throws FormatError where a table lies outside @throws LimitError when a budget is spent */
  async *scan(): AsyncGenerator<readonly Observation[]> {
    const program = await this.#buffer.root();
    await this.segments.read(program, PROGRAM.segments);
    await this.#readConstants(program);
    let plans = 0;
    for await (const plan of program.tables(PROGRAM.plans)) {
      await this.#readPlan(plan, `plan ${plans++}`);
      yield this.segments.take();
    }
    if (plans === 0) this.#index("the program has no plan");
    let index = 0;
    for await (const named of program.tables(PROGRAM.named)) {
      const key = await named.text(0) ?? "";
      const segment = await named.uint(1, 4);
      this.segments.check(segment, `data ${index++}, "${key.slice(0, 200)}",`);
      if (this.#opaque.size > 0) this.#opaque.add(segment);
    }
    yield this.segments.take();
    for (const number of this.#opaque) {
      const entry = await this.segments.entry(number);
      if (entry !== undefined) yield [entry];
    }
  }

  async #readConstants(program: FlatRecord): Promise<void> {
    for await (const buffer of program.tables(PROGRAM.constants)) {
      await buffer.vector(0, 1);
      this.#constants++;
    }
    for await (const data of program.tables(PROGRAM.inline)) {
      await data.vector(0, 1);
      this.#inline++;
    }
    const constants = await program.table(PROGRAM.constantSegment);
    if (constants !== undefined) {
      this.#constants = Math.max(this.#constants, await this.#subsegments(constants, "constants"));
    }
    for await (const mutable of program.tables(PROGRAM.mutableSegments)) {
      await this.#subsegments(mutable, "state");
    }
  }

  /** Offsets in a segment; gives how many there are. */
  async #subsegments(offsets: FlatRecord, what: string): Promise<number> {
    const segment = await offsets.uint(0, 4);
    const { at, length } = await offsets.vector(1, 8);
    if (length === 0) return 0;
    this.segments.check(segment, what);
    const bytes = this.segments.bytesOf(segment) ?? Infinity;
    for (let index = 0; index < length; index++) {
      const offset = await this.#buffer.uint(at + 8 * index, 8);
      if (offset > bytes) {
        const detail = `${what} ${index} begin at ${offset} of ${bytes} bytes`;
        this.segments.anomaly("executorch-place", detail);
      }
    }
    return length;
  }

  async #readPlan(plan: FlatRecord, where: string): Promise<void> {
    await plan.text(PLAN.name, 0);
    const container = await plan.table(PLAN.container);
    for (const slot of [0, 1]) await container?.text(slot, 0);
    const { length: values } = await plan.vector(PLAN.values, 4);
    const memories = await plan.vector(PLAN.memories, 8);
    const sizes: number[] = [];
    for (let index = 0; index < memories.length; index++) {
      sizes.push(await this.#buffer.uint(memories.at + 8 * index, 8));
    }
    let index = 0;
    for await (const value of plan.tables(PLAN.values)) {
      await this.#readValue(value, values, sizes, `value ${index++} of ${where}`);
    }
    for (const slot of [PLAN.inputs, PLAN.outputs]) {
      this.#values(await plan.ints(slot), values, false, `an input or output of ${where}`);
    }
    let operators = 0;
    for await (const operator of plan.tables(PLAN.operators)) {
      operators++;
      await operator.text(1, 0);
      this.#state("operator", await operator.text(0) ?? "", operator);
    }
    let delegates = 0;
    for await (const delegate of plan.tables(PLAN.delegates)) {
      await this.#readDelegate(delegate, `delegate ${delegates++} of ${where}`);
    }
    let chain = 0;
    for await (const each of plan.tables(PLAN.chains)) {
      await this.#readChain(each, { values, operators, delegates }, `chain ${chain++} of ${where}`);
    }
  }

  async #readValue(
    value: FlatRecord,
    values: number,
    memories: readonly number[],
    where: string,
  ): Promise<void> {
    const type = await value.uint(0, 1);
    const inner = await value.table(1);
    if (inner === undefined) return;
    if (type === VALUE.text) await inner.text(0, 0);
    else if (type === VALUE.doubles || type === VALUE.booleans) {
      await inner.vector(0, type === VALUE.doubles ? 8 : 1);
    } else if (type === VALUE.tensor) await this.#readTensor(inner, memories, where);
    else if (type === VALUE.tensors || type === VALUE.optionalTensors) {
      this.#values(await inner.ints(0), values, type === VALUE.optionalTensors, where);
    } else if (type === VALUE.integers) {
      const { at, length } = await inner.vector(0, 8);
      for (let index = 0; index < length; index++) {
        const item = await this.#buffer.uint(at + 8 * index, 8);
        if (item >= values) this.#index(`${where} holds value ${item} of ${values}`);
      }
    }
  }

  async #readTensor(
    tensor: FlatRecord,
    memories: readonly number[],
    where: string,
  ): Promise<void> {
    const sizes = await tensor.ints(TENSOR.sizes, RANK + 1);
    const rank = (await tensor.vector(TENSOR.sizes, 4)).length;
    const order = await tensor.vector(TENSOR.order, 1);
    const orders = await this.#buffer.bytes(order.at, Math.min(order.length, RANK + 1));
    const width = ELEMENT_BYTES[await tensor.uint(TENSOR.type, 1)];
    const text = `${where} of shape [${sizes.join(", ")}]`;
    const isOrder = order.length === rank && orders.every((axis) => axis < rank) &&
      new Set(orders).size === orders.length;
    if (!isOrder) this.segments.anomaly("executorch-size", `${text} has an order of other axes`);
    const bytes = sizes.reduce((product, size) => product * size, width ?? 1);
    if (rank > RANK || sizes.some((size) => size < 0) || bytes > MEMORY) {
      this.segments.anomaly("executorch-size", `${text}: no memory holds it`);
    }
    if (width === undefined || width === 0) {
      this.segments.anomaly("executorch-size", `${text} has elements of an unknown type`);
    }
    const buffer = await tensor.uint(TENSOR.buffer, 4);
    const extra = await tensor.table(TENSOR.extra);
    await extra?.text(1, 0);
    const isElsewhere = extra !== undefined && await extra.uint(LOCATION, 1) === EXTERNAL;
    if (!isElsewhere && buffer > 0 && buffer >= this.#constants) {
      this.#index(`${where} is in buffer ${buffer} of ${this.#constants}`);
    }
    const allocation = await tensor.table(TENSOR.allocation);
    if (allocation === undefined) return;
    const memory = await allocation.uint(0, 4);
    const offset = await allocation.uint(1, 4) + 2 ** 32 * await allocation.uint(2, 4);
    const room = memories[memory];
    // The first memory is reserved: `non_const_buffer_sizes` begins with 0.
    if (room === undefined || memory === 0) {
      this.#index(`${where} is in memory ${memory} of ${memories.length}`);
    } else if (offset + bytes > room) {
      const detail = `${text} has ${bytes} bytes at ${offset} of a memory of ${room}`;
      this.segments.anomaly("executorch-size", detail);
    }
  }

  async #readDelegate(delegate: FlatRecord, where: string): Promise<void> {
    const id = await delegate.text(0) ?? "";
    this.#state("backend", id, delegate);
    for await (const spec of delegate.tables(2)) {
      await spec.text(0, 0);
      await spec.vector(1, 1);
    }
    const processed = await delegate.table(1);
    if (processed === undefined) return this.#index(`${where} has no data`);
    const index = await processed.uint(1, 4);
    if (await processed.uint(0, 1) === IN_SEGMENT) {
      this.segments.check(index, where);
      if (id !== PLAIN_BACKEND) this.#opaque.add(index);
    } else if (index >= this.#inline) {
      this.#index(`${where} has data ${index} of ${this.#inline}`);
    }
  }

  async #readChain(
    chain: FlatRecord,
    counts: { readonly values: number; readonly operators: number; readonly delegates: number },
    where: string,
  ): Promise<void> {
    const { values, operators, delegates } = counts;
    this.#values(await chain.ints(0), values, false, where);
    this.#values(await chain.ints(1), values, false, where);
    const { length } = await chain.vector(2, 4);
    for await (const frames of chain.tables(3)) {
      for await (const frame of frames.tables(0)) {
        for (const slot of [0, 2, 3]) await frame.text(slot, 0);
      }
    }
    let index = 0;
    for await (const instruction of chain.tables(2)) {
      const at = `instruction ${index++} of ${where}`;
      const type = await instruction.uint(0, 1);
      const call = await instruction.table(1);
      if (call === undefined) {
        this.#index(`${at} says nothing`);
        continue;
      }
      const first = await call.int(0);
      switch (type) {
        case CALL.kernel:
        case CALL.delegate: {
          const count = type === CALL.kernel ? operators : delegates;
          if (first < 0 || first >= count) this.#index(`${at} calls ${first} of ${count}`);
          this.#values(await call.ints(1), values, false, at);
          break;
        }
        case CALL.move:
          this.#values([first, await call.int(1)], values, false, at);
          break;
        case CALL.jump: {
          const to = await call.int(1);
          this.#values([first], values, false, at);
          if (to < 0 || to > length) this.#index(`${at} goes on at ${to} of ${length}`);
          break;
        }
        case CALL.free:
          this.#values([first], values, false, at);
          break;
        default:
          this.segments.anomaly("executorch-unknown", `${at} is of kind ${type}`, true);
      }
    }
  }

  #values(numbers: Iterable<number>, count: number, optional: boolean, where: string): void {
    for (const number of numbers) {
      if (number >= count || number < (optional ? -1 : 0)) {
        this.#index(`${where} has value ${number} of ${count}`);
      }
    }
  }

  #index(detail: string): void {
    this.segments.anomaly("executorch-index", detail);
  }

  #state(what: "operator" | "backend", name: string, record: FlatRecord): void {
    this.#check();
    const key = what === "backend" ? `backend:${name}` : name;
    if (this.#stated.has(key)) return;
    this.#stated.add(key);
    const fact: OperatorFact = {
      kind: "operator",
      language: "executorch",
      name: key,
      expression: `${name} (${what})`.slice(0, 2048),
    };
    this.segments.state({ type: "fact", fact, count: 1, offset: record.at });
  }
}
