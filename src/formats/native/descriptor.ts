/**
 * Programs and libraries: ELF, PE, Mach-O, and scripts that name their interpreter.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** Programs among a model's files. */
export const nativeDescriptor: FormatDescriptor = {
  id: "native",
  title: "Programs among a model's files",
  role: "code",
  claims: [],
  readers: [
    {
      id: "native",
      malformedRule: "native-malformed",
      label: "a program or script",
      under:
        "py pyi pyw pyx pxd pxi js mjs cjs ts tsx jsx c h cc cpp hpp cu cuh java kt go rs rb php pl lua r jl swift sh bash zsh fish ps1 bat cmd sql ipynb proto mk cmake gradle template tmpl tpl",
      noModel: "program",
      mayMatch: mayBeNative,
      load: once(async () => (await import("./mod.ts")).nativeFormat),
      samples: {
        harmful: "native/suspicious/pytorch_model.bin",
        harmless: undefined,
      },
    },
  ],
  coverage: [
    [
      "programs",
      "ELF, PE, Mach-O, llamafile, AOTInductor: named, and judged by who would run them",
    ],
  ],
};

/** ELF, PE, Mach-O (either order, fat) and scripts that name their interpreter. */
const MAGICS: readonly (readonly [number, number])[] = [
  [0x7f, 0x45],
  [0x4d, 0x5a],
  [0xfe, 0xed],
  [0xce, 0xfa],
  [0xcf, 0xfa],
  [0xca, 0xfe],
  [0x23, 0x21],
];

function mayBeNative({ head }: Sample): boolean {
  return MAGICS.some(([first, second]) => head[0] === first && head[1] === second);
}
