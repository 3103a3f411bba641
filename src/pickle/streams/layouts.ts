/**
 * Files in which raw bytes stand between pickles: torch's formats before zip.
 *
 * Source: `_legacy_save`, `_legacy_load` and `legacy_load` in torch's `torch/serialization.py`.
 *
 * @module
 */

import type { Input } from "./input.ts";
import type { Run } from "./driver.ts";
import { STATUS } from "../machine/status.ts";
import { elementBytes, type StorageId, storageId } from "../semantics/tensors.ts";
import { CONTAINER, UNKNOWN } from "../machine/values.ts";

/** What lies behind a stream: where the next one may begin, or that the layout's promise is broken. */
interface AfterStream {
  readonly next: number;
  /** A sentence when the raw bytes are not as the pickles say. */
  readonly mismatch?: string;
  /** True when the raw bytes go past the end. */
  readonly truncated?: boolean;
  /** True when the layout ends here: what follows is not part of it. */
  readonly done?: boolean;
}

/** Decides, stream by stream, what lies behind it. Undefined: nothing, the next byte begins a stream. */
interface Layout {
  after(stream: number, run: Run, input: Input): Promise<AfterStream | undefined>;
}

/** The layouts by the hint or format that asks for them. */
export const LAYOUTS = {
  "pickle": (): Layout => ({ after: () => Promise.resolve(undefined) }),
  "torch-legacy": (): Layout => new LegacyLayout(),
  "torch-tar-storages": (): Layout => new TarStoragesLayout(),
  "torch-tar-tensors": (): Layout => new TarTensorsLayout(),
} as const;
export type LayoutName = keyof typeof LAYOUTS;

/** Five pickles (magic, protocol, system, object, storage keys), then the storages, each after its length. */
class LegacyLayout implements Layout {
  private readonly storages = new Map<string, StorageId>();

  async after(stream: number, run: Run, input: Input): Promise<AfterStream | undefined> {
    if (stream === 3) this.collect(run);
    if (stream < 4 && (await input.peek(run.end, 1)).length === 0) {
      const mismatch = `the file ends behind ${stream + 1} of its five pickles`;
      return { next: run.end, mismatch, truncated: true };
    }
    if (stream !== 4 || run.status !== STATUS.STOPPED) return undefined;
    const keys = run.machine.heap.itemsOf(run.machine.result, CONTAINER.LIST)
      ?.map((key) => run.machine.heap.textOf(key));
    if (keys === undefined || keys.includes(undefined)) {
      return { next: run.end, mismatch: "the storage keys are no list of strings" };
    }
    return await this.walk(keys as string[], run.end, input);
  }

  private collect(run: Run): void {
    const { machine } = run;
    for (const id of machine.persistentIds) {
      const storage = storageId(machine.heap, id);
      if (storage !== undefined) this.storages.set(storage.key, storage);
    }
  }

  private async walk(keys: readonly string[], start: number, input: Input): Promise<AfterStream> {
    let next = start;
    for (const key of keys) {
      const storage = this.storages.get(key);
      if (storage?.elementBytes === undefined) {
        return { next, mismatch: `storage "${key}" has no known type`, done: true };
      }
      const count = await readCount(input, next);
      if (count === undefined) {
        return { next, truncated: true, mismatch: `storage "${key}" is missing` };
      }
      if (storage.count !== undefined && storage.count !== count) {
        return {
          next,
          mismatch: `storage "${key}" has ${count} elements, its tensor says ${storage.count}`,
          done: true,
        };
      }
      next += 8 + count * storage.elementBytes;
      if (next > input.size) {
        return {
          next: input.size,
          truncated: true,
          mismatch: `storage "${key}" goes past the end`,
        };
      }
    }
    return { next };
  }
}

/** What begins with a count: each of the streams behind it has raw bytes behind it. */
class CountedLayout {
  /** Streams that are left; undefined when the count is not known, so that all are taken for such. */
  protected left: number | undefined;

  protected begin({ machine, end }: Run): AfterStream | undefined {
    this.left = machine.heap.integerOf(machine.result);
    return this.left === undefined
      ? { next: end, mismatch: "how many parts follow is not known" }
      : undefined;
  }
}

/** `storages` of a tar file: a count, then for each storage a pickled triple and the raw elements. */
class TarStoragesLayout extends CountedLayout implements Layout {
  async after(stream: number, run: Run, input: Input): Promise<AfterStream | undefined> {
    const { machine } = run;
    if (stream === 0) return this.begin(run);
    if (this.left !== undefined && this.left-- <= 0) return undefined;
    const type = machine.heap.itemsOf(machine.result, CONTAINER.TUPLE)?.[2] ?? UNKNOWN;
    const bytes = elementBytes(machine.heap, type);
    // What follows is searched for streams.
    if (bytes === undefined) return { next: run.end, mismatch: "a storage has no known type" };
    const count = await readCount(input, run.end);
    const next = count === undefined ? Infinity : run.end + 8 + count * bytes;
    return next > input.size
      ? { next: input.size, truncated: true, mismatch: "a storage goes past the end" }
      : { next };
  }
}

/** `tensors` of a tar file: a count, then for each tensor a pickled triple, its sizes and strides. */
class TarTensorsLayout extends CountedLayout implements Layout {
  async after(stream: number, run: Run, input: Input): Promise<AfterStream | undefined> {
    if (stream === 0) return this.begin(run);
    if (this.left !== undefined && this.left-- <= 0) return undefined;
    const head = await readBytes(input, run.end, 4);
    if (head === undefined) {
      return { next: input.size, truncated: true, mismatch: "a tensor is missing" };
    }
    const dimensions = new DataView(head.buffer, head.byteOffset).getInt32(0, true);
    const next = run.end + 8 + Math.max(0, dimensions) * 16 + 8;
    return next > input.size
      ? { next: input.size, truncated: true, mismatch: "a tensor goes past the end" }
      : { next };
  }
}

/** A little-endian 64-bit count that fits the file. */
async function readCount(input: Input, offset: number): Promise<number | undefined> {
  const bytes = await readBytes(input, offset, 8);
  if (bytes === undefined) return undefined;
  const count = new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
  return count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(count);
}

async function readBytes(
  input: Input,
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> {
  const bytes = await input.peek(offset, length);
  return bytes.length < length ? undefined : bytes;
}
