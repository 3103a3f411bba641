/**
 * What reading Python source gives, as plain data, and where the reader is.
 *
 * @module
 */

/** A call in the source, or a function handed to one. */
export interface SourceCall {
  /** Dotted, as far as it is known: `socket.socket`, `builtins.exec`. */
  readonly path: string;
  /** As written, at most 2 KiB. */
  readonly expression: string;
  /** From 1. */
  readonly line: number;
  /** Characters before it. */
  readonly at: number;
  /** False for a function that is only handed to something. */
  readonly called: boolean;
  /** The function that it stands in: empty for what runs at import, `f`, `Class.method`. */
  readonly scope: string;
}

/** A module's source, read. */
export interface PythonModule {
  readonly calls: readonly SourceCall[];
  /** Modules beside this one that it imports: `.configuration_x` is `configuration_x`. */
  readonly relativeImports: readonly string[];
  /** For each of its classes what it is derived from, as far as that is a name. */
  readonly bases: ReadonlyMap<string, readonly string[]>;
  /** False when it has more calls than are kept, or is too deeply nested. */
  readonly complete: boolean;
}

/** Where words stand that are looked at. */
export interface Place {
  readonly line: number;
  /** Undefined for what an import never runs. */
  readonly scope: string | undefined;
  readonly decorator?: boolean;
  /** The name that a lambda is given. */
  readonly lambda?: string | undefined;
  /** Lambdas and formatted strings around them. */
  readonly depth: number;
}

/** The same place, one lambda or formatted string further in. */
export function nested(place: Place): Place {
  return { ...place, depth: place.depth + 1 };
}
