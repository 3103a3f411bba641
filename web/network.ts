/**
 * Takes the network away from the page. Policies add up: what one forbids no later one allows, and workers that are
 * started after it are under it too. https://www.w3.org/TR/CSP3/#multiple-policies
 *
 * @module
 */

/// <reference lib="dom" />

/**
 * Forbids connections for as long as the page is open.
 *
 * @param besides "'self'" where the files to scan are on the page's own server, "'none'" else
 */
export function forbidConnections(besides: "'self'" | "'none'"): void {
  const meta = document.createElement("meta");
  meta.httpEquiv = "Content-Security-Policy";
  meta.content = `connect-src ${besides}`;
  document.head.append(meta);
}
