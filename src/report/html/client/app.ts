/**
 * The page of a report: what would happen, a map, the files with filter and search.
 *
 * @module
 */

/// <reference lib="dom" />

import type { Verdict } from "../../../core/types.ts";
import type { FileView, View } from "../view.ts";
import { errorOf } from "./details.ts";
import { html } from "./dom.ts";
import { mapOf } from "./map.ts";
import { dot, fileRow } from "./row.ts";
import { sizeText } from "./size.ts";
import { type Folder, nameOf, treeOf, WORST_FIRST } from "./tree.ts";

/** Rows that are made at a time: a page of ten thousand stays quick. */
const ROWS = 100;

/** What would happen that is listed at first. */
const HAPPENINGS = 12;

/** Below so many files a map says nothing that the list does not. */
const MAP_FROM = 4;

/**
 * Shows a report in an element, in place of what is in it.
 *
 * @param root an element of a document that has the styles of the page
 */
export function showReport(root: HTMLElement, view: View): void {
  const files = new FileList(view);
  const open = (file: FileView): void => files.reveal(file);
  const sections = [bannerOf(view), happeningsOf(view, open)];
  if (view.errors.length > 0) {
    sections.push(
      section("errors", "Could not be opened", ...view.errors.slice(0, ROWS).map(errorOf)),
    );
  }
  const tree = treeOf(view.files);
  if (view.files.length >= MAP_FROM) {
    sections.push(
      section(
        "map",
        "Map",
        mapOf(tree, open),
        html(
          "p",
          { class: "dim" },
          "Areas grow with the cube root of sizes, so that small files can be seen.",
        ),
      ),
    );
  }
  sections.push(files.element(tree));
  root.replaceChildren(...sections);
}

function section(id: string, title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return html("section", { id, "aria-label": title }, html("h2", {}, title), ...children);
}

function bannerOf(view: View): HTMLElement {
  return html(
    "header",
    { class: `banner ${view.verdict}` },
    html("p", { class: "verdict" }, dot(view.verdict), view.verdict),
    html("h1", {}, view.headline),
    html("p", { class: "dim" }, view.facts.join(" · ")),
    ...view.notes.map((text) => html("p", { class: "note" }, `Note: ${text}`)),
  );
}

/** The worst issue of each file, with the way to the file. */
function happeningsOf(view: View, open: (file: FileView) => void): HTMLElement {
  const all = view.files.flatMap((file) => {
    const [issue, ...others] = file.issues.filter(({ safety }) => safety !== "innocuous");
    return issue === undefined ? [] : [{ file, issue, others: others.length }];
  });
  const rank = ["critical", "high", "medium", "low", "info", "debug"];
  all.sort((a, b) => rank.indexOf(a.issue.severity) - rank.indexOf(b.issue.severity));
  const list = html("ol", { class: "happenings" });
  const add = (from: number, to: number): void => {
    for (const { file, issue, others } of all.slice(from, to)) {
      const link = html("button", { type: "button", class: "link" }, file.path);
      link.addEventListener("click", () => open(file));
      const more = others === 0
        ? ""
        : others === 1
        ? " and 1 more issue"
        : ` and ${others} more issues`;
      list.append(html(
        "li",
        {},
        html("span", { class: `badge ${issue.severity}` }, issue.severity),
        html("div", {}, html("p", {}, issue.message), html("p", { class: "dim" }, link, more)),
      ));
    }
  };
  add(0, HAPPENINGS);
  const children: HTMLElement[] = all.length === 0
    ? [html("p", {}, nothingText(view.verdict))]
    : [list];
  if (all.length > HAPPENINGS) {
    let shown = HAPPENINGS;
    const more = html("button", { type: "button" }, "");
    const label = (): void => {
      more.textContent = `Show ${Math.min(ROWS, all.length - shown)} more of ${all.length}`;
    };
    more.addEventListener("click", () => {
      add(shown, shown + ROWS);
      shown = Math.min(all.length, shown + ROWS);
      if (shown >= all.length) more.remove();
      else label();
    });
    label();
    children.push(more);
  }
  const what = view.files.length === 1 ? "this file was" : "these files were";
  return section("happens", `What would happen if ${what} loaded`, ...children);
}

/** What is said where no issue is listed. */
function nothingText(verdict: Verdict): string {
  if (verdict === "dangerous" || verdict === "suspicious") {
    return "What was found was accepted; the files say by what.";
  }
  return verdict === "incomplete"
    ? "Nothing harmful was found in what could be read."
    : "Nothing that is known to do harm, and nothing unknown.";
}

/** The files, filtered and in pages, as a list or as folders. */
class FileList {
  readonly #view: View;
  readonly #rows = html("div", { class: "rows", role: "list" });
  readonly #status = html("p", { class: "dim", role: "status" });
  readonly #search = html("input", {
    type: "search",
    placeholder: "Search paths, formats, rules and messages",
    "aria-label": "Search files",
  });
  readonly #chosen = new Set<Verdict>();
  readonly #chips = new Map<Verdict, HTMLButtonElement>();
  readonly #more = html("button", { type: "button", class: "more" });
  /** What is searched of each file, made when the first search begins. */
  #texts: readonly string[] | undefined;
  #found: readonly FileView[];
  #shown = 0;

  constructor(view: View) {
    this.#view = view;
    this.#found = view.files;
  }

  element(tree: Folder): HTMLElement {
    const counts = html("div", { class: "chips", role: "group", "aria-label": "Verdicts" });
    for (const verdict of WORST_FIRST) {
      const count = this.#view.counts[verdict];
      if (count === 0) continue;
      const chip = html(
        "button",
        { type: "button", class: `chip ${verdict}`, "aria-pressed": "false" },
        dot(verdict),
        `${verdict} ${count.toLocaleString("en")}`,
      );
      chip.addEventListener("click", () => this.#toggle(verdict));
      this.#chips.set(verdict, chip);
      counts.append(chip);
    }
    this.#search.addEventListener("input", () => this.#update());
    this.#more.addEventListener("click", () => this.#addRows());
    const folders = html("div", { class: "rows folders", hidden: true });
    const switcher = html("button", { type: "button", "aria-pressed": "false" }, "As folders");
    const list = html("div", {}, this.#status, this.#rows, this.#more);
    switcher.addEventListener("click", () => {
      const asFolders = switcher.getAttribute("aria-pressed") !== "true";
      switcher.setAttribute("aria-pressed", String(asFolders));
      folders.hidden = !asFolders;
      list.hidden = asFolders;
      if (folders.childElementCount === 0) folders.append(...this.#folder(tree));
    });
    this.#update();
    const tools = html("div", { class: "tools" }, this.#search, counts, switcher);
    return section("files", "Files", tools, list, folders);
  }

  /** Shows one file in the list, opened. */
  reveal(file: FileView): void {
    this.#chosen.clear();
    this.#search.value = file.path;
    this.#update();
    const row = [...this.#rows.children].find((it) => it.getAttribute("data-path") === file.path);
    if (!(row instanceof HTMLDetailsElement)) return;
    row.open = true;
    row.closest("section")?.scrollIntoView();
  }

  #toggle(verdict: Verdict): void {
    if (!this.#chosen.delete(verdict)) this.#chosen.add(verdict);
    this.#update();
  }

  #update(): void {
    for (const [verdict, chip] of this.#chips) {
      chip.setAttribute("aria-pressed", String(this.#chosen.has(verdict)));
    }
    const wanted = this.#search.value.trim().toLowerCase();
    const words = wanted.split(/\s+/).filter((word) => word !== "");
    if (words.length > 0) this.#texts ??= this.#view.files.map(searchText);
    this.#found = this.#view.files.filter((file, index) => {
      if (this.#chosen.size > 0 && !this.#chosen.has(file.verdict)) return false;
      const text = this.#texts?.[index] ?? "";
      return file.path.toLowerCase() === wanted || words.every((word) => text.includes(word));
    });
    const all = this.#view.files.length.toLocaleString("en");
    const some = this.#found.length.toLocaleString("en");
    this.#status.textContent = this.#found.length === this.#view.files.length
      ? (all === "1" ? "1 file" : `${all} files`)
      : `${some} of ${all} files`;
    this.#shown = 0;
    this.#rows.replaceChildren();
    this.#addRows();
  }

  #addRows(): void {
    const next = this.#found.slice(this.#shown, this.#shown + ROWS);
    this.#shown += next.length;
    this.#rows.append(...next.map((file) => fileRow(file, file.path, this.#view)));
    const left = this.#found.length - this.#shown;
    this.#more.hidden = left <= 0;
    this.#more.textContent = `Show ${Math.min(ROWS, left)} more of ${left}`;
  }

  /** A folder's folders, made when they are opened, and files. */
  #folder({ folders, files }: Folder): HTMLElement[] {
    const inner = folders.map((folder) => {
      const box = html(
        "details",
        { class: `folder ${folder.verdict}` },
        html(
          "summary",
          {},
          dot(folder.verdict),
          html("span", { class: "name" }, `${folder.name}/`),
          html("span", { class: "dim" }, `${folder.count} files · ${sizeText(folder.bytes)}`),
        ),
      );
      box.addEventListener("toggle", () => {
        if (box.open && box.childElementCount === 1) box.append(...this.#folder(folder));
      });
      return box;
    });
    const shown = files.slice(0, ROWS).map((file) => fileRow(file, nameOf(file.path), this.#view));
    if (files.length <= ROWS) return [...inner, ...shown];
    const more = html("button", { type: "button" }, `Show ${files.length - ROWS} more files`);
    more.addEventListener("click", () =>
      more.replaceWith(
        ...files.slice(ROWS).map((file) => fileRow(file, nameOf(file.path), this.#view)),
      ));
    return [...inner, ...shown, more];
  }
}

/** Lets "/" lead to the search of a report that is shown. */
export function searchOnSlash(): void {
  document.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (key !== "/" || ctrlKey || metaKey || altKey) return;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    const search = document.querySelector<HTMLInputElement>("#files input[type=search]");
    if (search === null || search.closest("[hidden]") !== null) return;
    event.preventDefault();
    search.focus();
  });
}

function searchText({ path, verdict, formats, sha256, issues, errors }: FileView): string {
  return [
    path,
    verdict,
    formats,
    sha256,
    ...issues.flatMap(({ rule, severity, message }) => [rule, severity, message]),
    ...errors.map(({ message }) => message),
  ].join("\n").toLowerCase();
}
