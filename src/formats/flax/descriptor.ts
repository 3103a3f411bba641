/**
 * MessagePack: checkpoints of Flax and T5X, and maps of configurations.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { mayBeMessagePack } from "./head.ts";

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
      under: "msgpack mpk msgp flax bin",
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
