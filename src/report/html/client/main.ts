/**
 * The program of a report's page: shows the data that lie in it.
 *
 * @module
 */

/// <reference lib="dom" />

import type { View } from "../view.ts";
import { searchOnSlash, showReport } from "./app.ts";

const root = document.querySelector("main");
const data = document.querySelector("#report");
if (root !== null && data !== null) {
  showReport(root, JSON.parse(data.textContent ?? "") as View);
  searchOnSlash();
}
