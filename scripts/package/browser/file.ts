/**
 * Stands in for `src/sources/file.ts` in the package for browsers, where there are no paths.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../../../src/core/errors.ts";
import type * as real from "../../../src/sources/file.ts";

const REMEDY = "Give its bytes, a File or a Response.";

function noPaths(path: string): SourceError {
  return new SourceError(path, `Cannot open "${path}": a browser has no paths`, { remedy: REMEDY });
}

export const walk: typeof real.walk = function* (paths) {
  for (const path of paths) {
    yield { kind: "error", path, error: scanErrorOf(path, noPaths(path)) };
  }
};

export const pathOfUrl: typeof real.pathOfUrl = (url) => url.href;

export const openRegular: typeof real.openRegular = (path) => {
  throw noPaths(path);
};

export const hashFile: typeof real.hashFile = (path) => Promise.reject(noPaths(path));

export const sizeOf: typeof real.sizeOf = () => undefined;

export const identityOf: typeof real.identityOf = () => undefined;
