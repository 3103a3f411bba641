/**
 * Python source in archives, which runs when it is imported, installed, or Python starts.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Python source. */
export const pythonDescriptor: FormatDescriptor = {
  id: "python",
  title: "Python source",
  role: "code",
  claims: [],
  readers: [
    {
      id: "python-source",
      malformedRule: "python-unread",
      label: "Python source",
      under: "py pyi pyw pth ipynb",
      patternSearch: "text",
      mayMatch: ({ hint, name }) =>
        hint === undefined ? /\.(?:pth|ipynb)$/iu.test(name) : hint.startsWith("python-"),
      load: once(async () => (await import("./mod.ts")).pythonSourceFormat),
      samples: {
        harmful: "python/harmful/decoded-1.0-py3-none-any.whl",
        harmless: "python/safe/tiny-1.0-py3-none-any.whl",
      },
    },
  ],
  coverage: [
    [
      "Python in archives",
      "wheels, source distributions, image layers: what modules run at import, `setup.py` at install, path files, outside archives too, and `sitecustomize` at every start, functions that PyTorch, setuptools, numba and vLLM call through entry points; cells of notebooks, outside archives too",
    ],
  ],
};
