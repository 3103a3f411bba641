/**
 * Boosted trees in the libraries' own formats: XGBoost in JSON, UBJSON and binary, LightGBM in text,
 * CatBoost in binary.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";

/** XGBoost, LightGBM, CatBoost. */
export const boostingDescriptor: FormatDescriptor = {
  id: "boosting",
  title: "XGBoost, LightGBM, CatBoost",
  role: "data",
  claims: [
    { label: "an XGBoost model", extensions: "ubj xgb" },
    { label: "a CatBoost model", extensions: "cbm" },
    { label: "a LightGBM model", extensions: "lgb lgbm" },
  ],
  readers: [
    {
      id: "xgboost",
      malformedRule: "xgboost-malformed",
      label: "an XGBoost model",
      under: "json ubj xgb bin model bst txt",
      mayMatch: mayBeXgboost,
      load: once(async () => (await import("./xgboost.ts")).xgboostFormat),
      samples: {
        harmful: "boosting/suspicious/trailing.ubj",
        harmless: "boosting/safe/xgboost.ubj",
      },
    },
    {
      id: "lightgbm",
      malformedRule: "lightgbm-malformed",
      label: "a LightGBM model",
      under: "txt lgb lgbm bin model text",
      mayMatch: ({ head }) => startsWith(head, ascii("tree")),
      load: once(async () => (await import("./lightgbm.ts")).lightgbmFormat),
      samples: {
        harmful: "boosting/malformed/child.txt",
        harmless: "boosting/safe/lightgbm.txt",
      },
    },
    {
      id: "catboost",
      malformedRule: "catboost-malformed",
      label: "a CatBoost model",
      under: "cbm bin model",
      mayMatch: ({ head }) => startsWith(head, ascii("CBM1")),
      load: once(async () => (await import("./catboost.ts")).catboostFormat),
      samples: {
        harmful: "boosting/suspicious/trailing.cbm",
        harmless: "boosting/safe/catboost.cbm",
      },
    },
  ],
  coverage: [
    ["XGBoost", "JSON, UBJSON and binary: trees' arrays, children and features"],
    ["LightGBM", "text: trees' arrays, children and features"],
    ["CatBoost", "`.cbm`: the FlatBuffer's trees, splits and leaves"],
  ],
};

function mayBeXgboost({ head }: Sample): boolean {
  if (startsWith(head, ascii("{L\0\0\0\0\0\0\0"))) return true;
  if (startsWith(head, ascii("binf"))) return true;
  if (head[0] === 0x7b) return /^\{\s*"(?:learner|version)"/u.test(latin1(head, 32));
  // The binary form has no magic number: a base score, and the name of an objective at byte 144.
  return head.length > 152 && head[137] === 0 && head[139] === 0 && head[143] === 0;
}
