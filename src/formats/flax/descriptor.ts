/**
 * MessagePack: checkpoints of Flax and T5X, and maps of configurations.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** Flax and MessagePack. */
export const flaxDescriptor: FormatDescriptor = {
  id: "flax",
  title: "Flax and MessagePack",
  role: "code",
  claims: [
    { label: "a Flax checkpoint", extensions: "msgpack" },
  ],
  readers: [
    {
      id: "msgpack",
      malformedRule: "msgpack-malformed",
      label: "a MessagePack file",
      under: "msgpack mpk msgp flax",
      mayMatch: mayBeMessagePack,
      load: once(async () => (await import("./mod.ts")).messagePackFormat),
      samples: {
        harmful: "flax/harmful/hydra.msgpack",
        harmless: "flax/safe/flax_model.msgpack",
      },
    },
  ],
  coverage: [
    [
      "Flax, T5X and other MessagePack",
      "every value to the end of the file; arrays by their types, pickled ones of msgpack-numpy scanned, maps read as configurations",
    ],
  ],
};

/** Names under which MessagePack travels: nothing in its bytes is a signature. */
const NAMES = /(?:\.(?:msgpack|mpk|msgp|flax)|(?:^|\/)checkpoint(?:_\d+)?)$/iu;

/** A map, or a list, that is not empty, under a name of MessagePack's. */
function mayBeMessagePack({ name, head }: Sample): boolean {
  const [first = 0] = head;
  const long = first >= 0xdc && first <= 0xdf;
  return NAMES.test(name) && (long || first > 0x80 && first < 0xa0 && first !== 0x90);
}
