/**
 * Photographs the browser page in Chromium, for the documentation: `docs/web-*.png`. The page is the one that
 * `scripts/test web` or `make pictures` has built.
 *
 * @module
 */

import { join } from "node:path";
import { type Look, startBrowser } from "./testing/browser.ts";
import { FILE_URL, type OpenPage, until, withPageAt } from "./testing/page.ts";
import { ROOT } from "./testing/scripts.ts";

interface Picture {
  readonly name: string;
  readonly look: Look;
  readonly prepare: (open: OpenPage) => Promise<void>;
}

const DESK = { width: 1000, height: 900 };
const PHONE = { width: 390, height: 844 };

async function dangerous({ page, drop, ended }: OpenPage): Promise<void> {
  await drop(
    join(ROOT, "testdata/torch/harmful/state_dict.pt"),
    join(ROOT, "testdata/torch/safe/checkpoint_with_optimizer.pt"),
    join(ROOT, "testdata/sevenzip/harmful/malicious.7z"),
    join(ROOT, "testdata/keras/suspicious/lambda.keras"),
    join(ROOT, "testdata/sevenzip/unreadable/encrypted.7z"),
    join(ROOT, "testdata/onnx/safe/constants.onnx"),
  );
  await ended();
  await page.evaluate("scrollTo(0, 0)");
}

const PICTURES: readonly Picture[] = [
  {
    name: "web-first",
    look: { colorScheme: "light", viewport: DESK },
    prepare: async ({ page }) => void await page.waitForSelector("#home h1"),
  },
  {
    name: "web-running",
    look: { colorScheme: "light", viewport: { width: 1000, height: 640 } },
    async prepare({ page }) {
      await page.setInputFiles("#pick-folder", join(ROOT, "testdata"));
      await until(page, "document.querySelectorAll('#run .rows > details').length > 14");
      await until(page, "document.querySelector('#run .path').textContent !== ''");
    },
  },
  {
    name: "web-report",
    look: { colorScheme: "light", viewport: { width: 1000, height: 1300 } },
    async prepare(open) {
      await dangerous(open);
      const { page } = open;
      await page.evaluate("document.querySelector('#map')?.remove()");
      await page.evaluate("document.querySelector('#files .rows > details').open = true");
      await until(page, "document.querySelector('#files .details') !== null");
    },
  },
  {
    name: "web-phone",
    look: { colorScheme: "dark", viewport: PHONE, deviceScaleFactor: 2 },
    prepare: dangerous,
  },
  {
    name: "web-dark",
    look: { colorScheme: "dark", viewport: { width: 1000, height: 760 } },
    async prepare({ page }) {
      await page.goto(`${FILE_URL}#/rules/pickle-command`);
      await page.waitForSelector("#rules h1");
    },
  },
];

const browser = await startBrowser();
try {
  for (const { name, look, prepare } of PICTURES) {
    await withPageAt(browser, { url: FILE_URL, look }, async (open) => {
      await prepare(open);
      await open.page.evaluate("document.activeElement?.blur()");
      await open.page.screenshot({ path: join(ROOT, "docs", `${name}.png`) });
    });
  }
} finally {
  await browser.close();
}
