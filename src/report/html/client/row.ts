/**
 * A file as a row that opens: its verdict and name, and all that is said of it.
 *
 * @module
 */

/// <reference lib="dom" />

import type { Verdict } from "../../../core/types.ts";
import type { FileView, View } from "../view.ts";
import { detailsOf } from "./details.ts";
import { html } from "./dom.ts";
import { sizeText } from "./size.ts";

/** A verdict as a colour, beside its word. */
export function dot(verdict: Verdict): HTMLElement {
  return html("span", { class: `dot ${verdict}`, title: verdict });
}

/**
 * The row of a file; its details are made when it is opened.
 *
 * @param name what it is called in its place
 */
export function fileRow(
  file: FileView,
  name: string,
  view: Pick<View, "rules" | "rulePages">,
): HTMLElement {
  const issues = file.issues.filter(({ safety }) => safety !== "innocuous").length;
  const said = [
    issues === 0 ? "" : issues === 1 ? "1 issue" : `${issues} issues`,
    file.accepted.length === 0 ? "" : "accepted",
    file.formats,
    sizeText(file.size),
  ].filter((text) => text !== "").join(" · ");
  const row = html(
    "details",
    { class: `file ${file.verdict}`, "data-path": file.path, role: "listitem" },
    html(
      "summary",
      {},
      html("span", { class: `verdict ${file.verdict}` }, dot(file.verdict), file.verdict),
      html("span", { class: "name" }, name),
      html("span", { class: "dim" }, said),
    ),
  );
  row.addEventListener("toggle", () => {
    if (row.open && row.childElementCount === 1) row.append(detailsOf(file, view));
  });
  return row;
}
