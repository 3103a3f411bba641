/**
 * The fence around a scan under Deno: permissions that are given back before the first byte of a model is
 * read. The only module that names a runtime; Node and Bun have nothing of the kind.
 * https://docs.deno.com/api/deno/~/Deno.Permissions
 *
 * @module
 */

/** What a scan may do after it began. */
export interface Keep {
  /** Something remote is to be scanned. */
  readonly network: boolean;
  /** Files are written whose number is not known yet. No model is read then. */
  readonly write?: boolean;
}

/** What no scan needs, whatever it scans. */
const NEVER = ["write", "run", "ffi", "import"] as const;

/** What is needed to fetch: sockets, and the system's certificates. */
const TO_FETCH = ["net", "sys"] as const;

/**
 * Gives permissions back, for good: this thread and those that it starts cannot have them again without
 * asking the user. Files that are open stay open.
 */
export function revokePermissions({ network, write = false }: Keep): void {
  const { Deno: runtime } = globalThis as Partial<typeof globalThis>;
  if (runtime === undefined) return;
  for (const name of [...NEVER, ...(network ? [] : TO_FETCH)]) {
    if (name === "write" && write) continue;
    runtime.permissions.revokeSync({ name });
  }
}
