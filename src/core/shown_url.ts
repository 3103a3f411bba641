/**
 * How addresses are written in messages and reports: without what may be secret in them.
 *
 * @module
 */

/** A URL without credentials, query and fragment. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/**
 * The same of a text that names nothing that is there: a mistyped address, a setting. What may be a password before
 * an `@`, and what stands behind `?` or `#`, are left out.
 *
 * @param text must be no path of a file that exists, whose name would be another then
 */
export function shownAddress(text: string): string {
  const written = text.replace(/[^/\\@]*:[^/\\@]*@/gu, "");
  return /^\s*[a-z][a-z\d+.-]+:/iu.test(text)
    ? written.replace(/[?#][^]*$/u, "")
    : written.replace(/\?[^/\\?*]*=[^]*$/u, "");
}

/** A text of the system's in which such an address stands. */
export function withoutSecrets(text: string, address: string): string {
  return text.replaceAll(address, shownAddress(address));
}
