/**
 * Zip archives, APPNOTE.TXT 6.3.10, and what is known by that container.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** Zip archives. */
export const zipDescriptor: FormatDescriptor = {
  id: "zip",
  title: "Zip archives",
  role: "code",
  claims: [
    { label: "a zip archive", extensions: "zip", container: true },
    { label: "a NumPy archive", extensions: "npz" },
    { label: "a Keras archive", extensions: "keras" },
    { label: "a TorchServe archive", extensions: "mar" },
    { label: "a skops file", extensions: "skops" },
  ],
  readers: [
    {
      id: "zip",
      malformedRule: "zip-malformed",
      label: "a zip archive",
      under:
        "pt pt2 ptl ckpt torch pth bin p sav npz keras mar skops zip docx xlsx pptx odt ods odp epub whl egg jar apk war vsix xpi",
      noModel: "container",
      mayMatch: mayBeZip,
      load: once(async () => (await import("./mod.ts")).zipFormat),
      samples: {
        harmful: "zip/harmful/bundle.zip",
        harmless: "zip/safe/bundle.zip",
      },
    },
  ],
  coverage: [
    [
      "zip",
      "every member, nested; local headers as well as the central directory; bzip2, LZMA, zstandard, xz, PPMd and old methods",
    ],
  ],
};

/** "PK" anywhere in the head or tail: archives may stand behind other data. */
function mayBeZip({ head, tail }: Sample): boolean {
  return hasPk(head) || (tail !== undefined && hasPk(tail));
}

function hasPk(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0x50); at >= 0; at = bytes.indexOf(0x50, at + 1)) {
    if (bytes[at + 1] === 0x4b) return true;
  }
  return false;
}
