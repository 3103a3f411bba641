/**
 * Loads decoders that come as packages of their own.
 *
 * @module
 */

import { DecoderError } from "../core/errors.ts";

const provided = new Map<string, () => ArrayBuffer>();

/**
 * Says where a decoder's WASM is, for executables that have it inside at a place of their own.
 *
 * @param name of the package
 * @param read gives the bytes; called when they are needed
 */
export function provideWasm(name: string, read: () => ArrayBuffer): void {
  provided.set(name, read);
}

/** A decoder's WASM where the build provided it; otherwise the package finds its own. */
export function providedWasm(name: string): ArrayBuffer | undefined {
  return provided.get(name)?.();
}

/**
 * Loads one.
 *
 * @param name of the package, for messages
 * @param load imports it
 * @throws DecoderError when it cannot be had
 */
export async function loadDecoder<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new DecoderError(name, `The decoder ${name} cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
}
