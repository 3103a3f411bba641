/**
 * The report as one page of HTML that holds everything it needs: no network, no other file. Its
 * Content-Security-Policy permits one script and one style, both by their hashes, and nothing else.
 *
 * What a report says stands in a block of data, which no browser runs and none parses as markup, and the
 * script puts it into text nodes. https://www.w3.org/TR/CSP3/
 *
 * @module
 */

import type { ScanReport } from "../../core/types.ts";
import { jsonText } from "../escape.ts";
import type { ExitOptions } from "../summary.ts";
import { PAGE_SCRIPT, PAGE_SCRIPT_HASH, PAGE_STYLE, PAGE_STYLE_HASH } from "./embedded.ts";
import { type View, viewOf } from "./view.ts";

/** Files that are listed for a browser without scripts. */
const PLAIN_FILES = 200;

/** The report as an HTML document, with a line break at its end. */
export function renderHtml(report: ScanReport, exit: ExitOptions): string {
  const view = viewOf(report, exit);
  // "<" is never within: neither "</script>" nor "<!--" can end the data.
  const data = jsonText(view).replaceAll("<", "\\u003c");
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${PAGE_SCRIPT_HASH}'`,
    `style-src 'sha256-${PAGE_STYLE_HASH}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${markup(`modelaudit: ${view.verdict}`)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<noscript>
${plainPage(view)}
</noscript>
</main>
<footer>Made by modelaudit without loading any of the files. Text in this page comes from them.</footer>
<script type="application/json" id="report">${data}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

/** Verdict and worst files for a browser without scripts. */
function plainPage({ headline, verdict, files, errors }: View): string {
  const rows = files.slice(0, PLAIN_FILES).map((file) => {
    const said = file.issues.filter(({ safety }) => safety !== "innocuous").slice(0, 5)
      .map(({ message }) => `<br>${markup(message)}`);
    return `<tr><td>${file.verdict}</td><td>${markup(file.path)}${said.join("")}</td></tr>`;
  });
  const unread = errors.map(({ where, message }) =>
    `<tr><td>unread</td><td>${markup(where)}<br>${markup(message)}</td></tr>`
  );
  const more = files.length > PLAIN_FILES
    ? [`<p>… and ${files.length - PLAIN_FILES} more files.</p>`]
    : [];
  return [
    `<h1>${verdict}: ${markup(headline)}</h1>`,
    "<table>",
    ...rows,
    ...unread.slice(0, PLAIN_FILES),
    "</table>",
    ...more,
  ].join("\n");
}

/** Text as markup, in an element or in an attribute with double quotes. */
function markup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
