/**
 * PaddlePaddle: programs in both forms, and their parameters.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** PaddlePaddle. */
export const paddleDescriptor: FormatDescriptor = {
  id: "paddle",
  title: "PaddlePaddle",
  role: "code",
  claims: [
    { label: "a Paddle model", extensions: "pdmodel" },
    { label: "parameters of a Paddle model", extensions: "pdiparams" },
  ],
  readers: [
    {
      id: "paddle",
      malformedRule: "paddle-malformed",
      label: "a Paddle model",
      under: "pdmodel",
      patternSearch: "protobuf",
      mayMatch: mayBeProgram,
      load: once(async () => (await import("./program.ts")).paddleFormat),
      samples: {
        harmful: "paddle/harmful/save_combine.pdmodel",
        harmless: "paddle/safe/branch.pdmodel",
      },
    },
    {
      id: "paddle-pir",
      malformedRule: "paddle-malformed",
      label: "a Paddle model",
      under: "json",
      patternSearch: "text",
      // A byte order mark, white space, or the object.
      mayMatch: ({ head }) => [0xef, 0x7b, 0x20, 0x09, 0x0a, 0x0d].includes(head[0] ?? 0),
      load: once(async () => (await import("./pir.ts")).paddlePirFormat),
      samples: {
        harmful: "paddle/harmful/save_combine.json",
        harmless: "paddle/safe/pir/branch.json",
      },
    },
    {
      id: "paddle-params",
      malformedRule: "paddle-params-malformed",
      label: "parameters of a Paddle model",
      under: "pdiparams",
      // Two versions of zero, and the first level of nesting: none, or few.
      mayMatch: ({ name, head }) =>
        /(?:\.pdiparams|(?:^|\/)__params__)$/iu.test(name) ||
        (head.length >= 20 && head.subarray(0, 4).every((byte) => byte === 0)),
      load: once(async () => (await import("./params.ts")).paddleParamsFormat),
      samples: {
        harmful: "paddle/malformed/trailing.pdiparams",
        harmless: "paddle/safe/branch.pdiparams",
      },
    },
  ],
  coverage: [
    [
      "PaddlePaddle",
      "`.pdmodel` and `inference.json`: operators of every block, with their paths; `.pdiparams`: every tensor's size against the file",
    ],
  ],
};

/** Tags of the fields of a ProgramDesc: blocks, compatibility, version, versions of operators. */
const TAGS: readonly (number | undefined)[] = [0x0a, 0x1a, 0x22, 0x2a];

function mayBeProgram({ name, head }: Sample): boolean {
  return /(?:\.pdmodel|(?:^|\/)__model__)$/iu.test(name) || TAGS.includes(head[0]);
}
