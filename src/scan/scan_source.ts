/**
 * The scan of one asset: samples its bytes, runs every format that matches, follows entries, applies
 * the rules and makes one report. All budgets are enforced here.
 *
 * @module
 */

import { AssetScan, type ScanOptions } from "./asset/asset_scan.ts";
import type { Source } from "../core/source.ts";
import type { FileReport } from "../core/types.ts";
import { expectSourceSettings } from "./settings.ts";

export type { ScanOptions };

/**
 * Scans one source and everything inside it.
 *
 * @param source of any kind; it stays open
 * @returns a report whose verdict covers all of it; what could not be read makes it incomplete
 * @throws TypeError for settings that there are not, or are of a wrong type
 * @throws RangeError when there is no limit of a name, or one is no number
 */
export async function scanSource(source: Source, options: ScanOptions): Promise<FileReport> {
  expectSourceSettings(options);
  return await new AssetScan(source, options).run();
}
