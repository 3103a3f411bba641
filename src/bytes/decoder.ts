/**
 * Loads decoders that come as packages of their own.
 *
 * @module
 */

import { DecoderError } from "../errors.ts";

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
