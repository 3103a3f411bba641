/**
 * What a generator of the fuzzer gives.
 *
 * @module
 */

/** A file to be scanned. */
export interface Generated {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What harm is in it for every loader, where that is known: such a file must be called dangerous. */
  readonly planted?: string;
}
