/**
 * Photographs the HTML report of samples in Chromium, for the documentation: `docs/report-html.png` on a
 * desk, light, and `docs/report-html-phone.png` on a phone, dark.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { renderHtml } from "../src/report/html/page.ts";
import { loadRules } from "../src/rules/rules.ts";
import { scanMany } from "../src/scan/scan_inputs.ts";
import { type Look, startBrowser, withPage } from "./testing/browser.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Below the root; a report says them as they stand here. */
const SAMPLES = [
  "testdata/keras/safe",
  "testdata/onnx/safe",
  "testdata/sevenzip/harmful/malicious.7z",
  "testdata/torch/harmful/checkpoint.pt",
  "testdata/torch/safe",
  "testdata/sevenzip/unreadable",
  "testdata/keras/suspicious",
];

interface Picture {
  readonly file: string;
  readonly look: Look;
  /** Runs in the page. */
  readonly prepare: string;
}

const OPEN_FIRST = `
  const search = document.querySelector("input[type=search]");
  search.value = "malicious.7z";
  search.dispatchEvent(new Event("input"));
  document.querySelector(".rows > details").open = true;
`;

const PICTURES: readonly Picture[] = [
  {
    file: "docs/report-html.png",
    look: { colorScheme: "light", viewport: { width: 1000, height: 1440 } },
    prepare: `${OPEN_FIRST} document.querySelectorAll("#happens li:nth-child(n+5)")
      .forEach((it) => it.remove());`,
  },
  {
    file: "docs/report-html-phone.png",
    look: { colorScheme: "dark", viewport: { width: 390, height: 780 } },
    prepare: "",
  },
];

const scratch = mkdtempSync(join(tmpdir(), "modelaudit-pictures-"));
const browser = await startBrowser();
try {
  const report = await scanMany(SAMPLES.map((path) => ROOT + path), {
    rules: loadRules(),
    explain: true,
    hash: true,
  });
  const page = join(scratch, "report.html");
  const text = renderHtml(report, { failOn: "medium", allowNoModels: false });
  writeFileSync(page, text.replaceAll(ROOT, ""));
  for (const { file, look, prepare } of PICTURES) {
    await withPage(browser, { url: pathToFileURL(page).href, look }, async (tab) => {
      await tab.waitForSelector("#files");
      await tab.evaluate(`(() => { ${prepare} })()`);
      await tab.screenshot({ path: ROOT + file });
    });
  }
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true });
}
