/**
 * The errors that this program throws on purpose. Each says where it happened;
 * any other error that escapes a format is a defect and is reported as one.
 *
 * @module
 */

import type { Failure, ScanError } from "./findings.ts";

/** The bytes are not what their format demands. `offset` is from the start of the source. */
export class FormatError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "FormatError";
  /** Bytes from the start of the source; undefined where no one place is wrong. */
  readonly offset: number | undefined;

  /**
   * An error at a place.
   *
   * @param offset bytes from the start of the source
   */
  constructor(message: string, offset?: number, options?: ErrorOptions) {
    super(message, options);
    this.offset = offset;
  }
}

/** A budget is spent. `limit` is the name of the field in `Limits`. */
export class LimitError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "LimitError";
  /** Name of the field in `Limits`; `signal` when the caller gave up. */
  readonly limit: string;

  /**
   * A spent budget.
   *
   * @param limit name of the field in `Limits`
   */
  constructor(limit: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.limit = limit;
  }
}

/** Why bytes could not be had: the file changed while it was read, or anything else. */
export type SourceErrorReason = "changed" | "unreadable";

/** What a SourceError may carry besides its message. */
export interface SourceErrorOptions extends ErrorOptions {
  /** `unreadable` unless given. */
  readonly reason?: SourceErrorReason;
  /** What the user can do about it, one sentence. */
  readonly remedy?: string;
  /** What kind of failure it is; not known unless given. */
  readonly failure?: Failure | undefined;
}

/** Bytes could not be had: unreadable file, changed while read, look-back exceeded. */
export class SourceError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "SourceError";
  /** Name of the source. */
  readonly source: string;
  /** Whether the bytes changed or could not be had at all. */
  readonly reason: SourceErrorReason;
  /** What the user can do about it, one sentence; empty when nothing is known to help. */
  readonly remedy: string;
  /** What kind of failure it is; undefined where that is not known. */
  readonly failure: Failure | undefined;

  /**
   * An error of a source.
   *
   * @param source name of the source
   */
  constructor(source: string, message: string, options?: SourceErrorOptions) {
    super(message, options);
    this.source = source;
    this.reason = options?.reason ?? "unreadable";
    this.remedy = options?.remedy ?? "";
    this.failure = options?.failure;
  }
}

/** A decoder that comes as a package of its own cannot be loaded; other formats are not concerned. */
export class DecoderError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "DecoderError";
  /** Name of the package. */
  readonly decoder: string;

  /**
   * An error of loading.
   *
   * @param decoder name of the package
   */
  constructor(decoder: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.decoder = decoder;
  }
}

/** What a ConfigError may carry besides its message. */
export interface ConfigErrorOptions extends ErrorOptions {
  /** The offending line with a mark under it, line by line; nothing unless given. */
  readonly excerpt?: readonly string[];
}

/** The user asked for something that cannot be: wrong option, wrong configuration. `where` is a file or an option. */
export class ConfigError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "ConfigError";
  /** A file, with line and column where known, or an option. */
  readonly where: string;
  /** What is to be shown under the message, line by line. Raw: the caller that shows it escapes it. */
  readonly excerpt: readonly string[];

  /**
   * An error of the user's.
   *
   * @param where a file or an option
   */
  constructor(where: string, message: string, options?: ConfigErrorOptions) {
    super(message, options);
    this.where = where;
    this.excerpt = options?.excerpt ?? [];
  }
}

/**
 * A failed reading as the report shows it.
 *
 * @param path of what could not be read
 */
export function scanErrorOf(path: string, error: SourceError): ScanError {
  const { message, remedy, failure } = error;
  return { location: { path, parts: [] }, message, remedy, ...(failure && { failure }) };
}
