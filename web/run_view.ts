/**
 * A scan while it runs: how far it is, what it found so far, and a button that ends it.
 *
 * @module
 */

/// <reference lib="dom" />

import { formatBytes } from "../src/core/numbers.ts";
import type { FileReport, ScanReport, Verdict } from "../src/core/types.ts";
import { html } from "../src/report/html/client/dom.ts";
import { dot, fileRow } from "../src/report/html/client/row.ts";
import { WORST_FIRST } from "../src/report/html/client/tree.ts";
import { fileView, type RuleView, ruleView } from "../src/report/html/view.ts";
import type { PageProgress } from "./scan/pool.ts";

/** Rows that are made while the scan runs; the report has all. */
const ROWS = 100;
/** Milliseconds between two drawings. */
const DRAW_MILLISECONDS = 100;
/** Milliseconds between two announcements to screen readers. */
const SAY_MILLISECONDS = 5000;

/** What stands before a rule's id in the address of its page. */
export const RULE_PAGES = "#/rules/";

/** What the view writes to. */
interface Places {
  readonly section: HTMLElement;
  /** Read out by screen readers. */
  readonly live: HTMLElement;
}

/** The view of one scan. */
export class RunView {
  readonly #live: HTMLElement;
  readonly #title = html("h1", { tabindex: -1 });
  readonly #bar = html("progress", { "aria-label": "Files scanned" });
  readonly #status = html("p", { class: "status" });
  readonly #path = html("p", { class: "dim path" });
  readonly #counts = html("p", { class: "counts" });
  readonly #rows = html("div", { class: "rows", role: "list", "aria-label": "Found so far" });
  readonly #more = html("p", { class: "dim" });
  readonly #numbers: Record<Verdict, number> = {
    ...{ dangerous: 0, incomplete: 0, suspicious: 0, clean: 0, skipped: 0 },
  };
  readonly #rules: Record<string, RuleView> = {};
  #left = 0;
  #progress: PageProgress | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #said = performance.now();

  /**
   * @param title what is scanned
   * @param cancel ends the scan
   */
  constructor({ section, live }: Places, title: string, cancel: () => void) {
    this.#live = live;
    this.#title.textContent = title;
    const button = html("button", { type: "button" }, "Cancel");
    button.addEventListener("click", () => {
      button.disabled = true;
      button.textContent = "Cancelling …";
      cancel();
    });
    section.replaceChildren(
      html("div", { class: "run-head" }, this.#title, button),
      this.#bar,
      this.#status,
      this.#path,
      this.#counts,
      this.#rows,
      this.#more,
    );
    section.setAttribute("aria-label", "Scan");
    live.textContent = title;
    this.#title.focus();
  }

  /** A file has ended. */
  add(file: FileReport, rules: ScanReport["rules"]): void {
    for (const [id, rule] of Object.entries(rules)) this.#rules[id] = ruleView(rule);
    this.#numbers[file.verdict]++;
    if (file.verdict !== "clean" && file.verdict !== "skipped") {
      if (this.#rows.childElementCount < ROWS) {
        const view = { rules: this.#rules, rulePages: RULE_PAGES };
        this.#rows.append(fileRow(fileView(file), file.path, view));
      } else this.#left++;
    }
    this.#draw();
  }

  /** It has come so far. */
  progress(progress: PageProgress): void {
    const path = progress.path === "" ? this.#progress?.path ?? "" : progress.path;
    this.#progress = { ...progress, path };
    this.#draw();
  }

  /** It has ended. */
  end(): void {
    clearTimeout(this.#timer);
    this.#live.textContent = "";
  }

  #draw(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#drawNow();
    }, DRAW_MILLISECONDS);
  }

  #drawNow(): void {
    if (this.#progress !== undefined) {
      const { files, totalFiles, bytesRead, totalBytes, path, isDealt } = this.#progress;
      if (!isDealt) {
        // Without a value the bar says that it cannot be told how long this takes.
        this.#bar.removeAttribute("value");
        this.#status.textContent = `Looking at ${totalFiles.toLocaleString("en")} files together …`;
        return;
      }
      this.#bar.max = Math.max(1, totalFiles);
      this.#bar.value = files;
      const amount = totalBytes === undefined
        ? `${formatBytes(bytesRead)} read`
        : `${formatBytes(bytesRead)} read of ${formatBytes(totalBytes)}`;
      const number = (it: number): string => it.toLocaleString("en");
      this.#status.textContent = `${number(files)} of ${number(totalFiles)} files · ${amount}`;
      this.#path.textContent = path;
      if (performance.now() - this.#said > SAY_MILLISECONDS) {
        this.#said = performance.now();
        this.#live.textContent =
          `${files} of ${totalFiles} files scanned, ${this.#numbers.dangerous} dangerous`;
      }
    }
    const counts = WORST_FIRST.filter((verdict) => this.#numbers[verdict] > 0).map((verdict) =>
      html(
        "span",
        { class: `count ${verdict}` },
        dot(verdict),
        `${verdict} ${this.#numbers[verdict].toLocaleString("en")}`,
      )
    );
    this.#counts.replaceChildren(...counts);
    this.#more.textContent = this.#left === 0
      ? ""
      : `… and ${this.#left.toLocaleString("en")} more, which the report lists.`;
  }
}
