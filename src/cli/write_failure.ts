/**
 * Why something could not be written.
 *
 * @module
 */

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than is allowed",
  EIO: "the device reports an input/output error",
  ENOENT: "there is no such folder",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ELOOP: "its links lead in a circle",
  ETXTBSY: "it is a program that runs",
  ENAMETOOLONG: "the name is too long",
};

/** True when the reader has gone away, as after `| head`: nothing is wrong with that. */
export function isClosedPipe(error: unknown): boolean {
  return /^(?:EPIPE|EOF|ERR_STREAM_DESTROYED)$/.test(codeOf(error));
}

/** The reason as people read it, for instance "no space is left on the device (ENOSPC)". */
export function writeFailure(error: unknown): string {
  const code = codeOf(error);
  const reason = REASONS[code];
  if (reason !== undefined) return `${reason} (${code})`;
  if (error instanceof Error && error.name === "NotCapable") {
    return "this process may not write there (Deno's --allow-write permits it)";
  }
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
