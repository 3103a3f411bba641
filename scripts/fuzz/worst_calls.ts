/**
 * Pickles of many different imports and calls, and what hides one harmful call among them.
 *
 * @module
 */

import { deflateSync, gzipSync } from "node:zlib";
import { COMMAND, join, little } from "./bytes.ts";
import { file, fill, type Make, MIB, numbered } from "./worst_pieces.ts";

const HARM = `cos\nsystem\n(V${COMMAND}\ntR0`;
const short = (text: string): Uint8Array => join([0x8c, text.length], text);
const counted = (text: string | Uint8Array): Uint8Array =>
  join("X", little(4, join(text).length), text);
const bytes = (inner: Uint8Array): Uint8Array => join("B", little(4, inner.length), inner);

/** By name. */
export const WORST_CALLS: Readonly<Record<string, Make>> = {
  "pickle: harm behind other globals": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n0`), HARM, "N."),
  "pickle: harm behind calls of other globals": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n)R0`), HARM, "N."),
  "pickle: harm behind attributes of one module": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cnumpy\na${n}\n)R0`), HARM, "N."),
  "pickle: harm behind harmless calls": (size) =>
    file("m.pkl", "ccollections\nOrderedDict\nq\0", fill("h\0)R0", size), HARM, "N."),
  "pickle: harm behind computed globals": (size) =>
    file(
      "m.pkl",
      [0x80, 4],
      ...numbered(size, (n) => join(short(`a${n}`), short("b"), [0x93], "0")),
      HARM,
      "N.",
    ),
  "pickle: harm behind names put together": (size) =>
    file(
      "m.pkl",
      [0x80, 4],
      ...numbered(size, (n) =>
        join(
          "cbuiltins\nstr.join\n",
          short(""),
          "(",
          short("a"),
          short(`${n}`),
          "l",
          [0x86],
          "R",
          short("b"),
          [0x93],
          "0",
        )),
      HARM,
      "N.",
    ),
  "pickle: harm behind names reached by getattr": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cbuiltins\ngetattr\n(ca\nb\nVc${n}\ntR0`), HARM, "N."),
  "pickle: harm behind partials": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cfunctools\npartial\n(ca${n}\nb\ntR0`), HARM, "N."),
  "pickle: harm behind methods": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) => `coperator\nmethodcaller\n(Va${n}\ntR(ca\nb\ntR0`),
      HARM,
      "N.",
    ),
  "pickle: harm behind instances": (size) =>
    file("m.pkl", ...numbered(size, (n) => `(ia${n}\nb\n0`), HARM, "N."),
  "pickle: harm behind builds": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca\nb${n}\n)R}Va\nNsb0`), HARM, "N."),
  "pickle: harm behind changed modules": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n}Va\nNsb0`), HARM, "N."),
  "pickle: harm behind streams that call": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n)R.`), HARM, "N."),
  "pickle: harm behind arguments": (size) =>
    file("m.pkl", "ca\nb\nq\0", ...numbered(size, (n) => `h\0(Vx${n}\ntR0`), HARM, "N."),
  "pickle: harm behind long arguments": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n(V${"x".repeat(2000)}\ntR0`), HARM, "N."),
  "pickle: harm behind arguments that are long when shown": (size) =>
    file(
      "m.pkl",
      `V${"\x01".repeat(600)}\nq\x01(${"h\x01".repeat(30)}tq\x020`,
      ...numbered(size, (n) => `ca${n}\nb\nh\x02R0`),
      HARM,
      "N.",
    ),
  "pickle: harm behind addresses": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) => `ca${n}\nb\n(Vhttp://a${n}/${"x".repeat(30)}\ntR0`),
      HARM,
      "N.",
    ),
  "pickle: shell commands": (size) =>
    file("m.pkl", "cos\nsystem\nq\0", ...numbered(size, (n) => `h\0(Vecho ${n}\ntR0`), "N."),
  "pickle: harmful globals": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cos\nsystem.a${n}\n)R0`), "N."),
  "pickle: unresolved calls": (size) =>
    file("m.pkl", ...numbered(size, (n) => `Pa\n(Vx${n}\ntR0`), "N."),
  "pickle: persistent ids that are called": (size) =>
    file("m.pkl", ...numbered(size, (n) => `P${n}\n)R0`), "N."),
  "pickle: extensions that are registered": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) =>
        join(
          `ccopyreg\nadd_extension\n(Va${n}\nVb\nI${n + 1}\ntR0`,
          [0x84],
          little(4, n + 1),
          "0",
        )),
      "N.",
    ),
  "pickle: dots in names": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) => `ca${n}${".b".repeat(500)}\nc${".d".repeat(500)}\n0`),
      "N.",
    ),
  "pickle: underscores in names": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) => `c${"_".repeat(900)}a${n}\n_${"._".repeat(200)}\n0`),
      "N.",
    ),
  "pickle: names that are no identifiers": (size) =>
    file("m.pkl", ...numbered(size, (n) => `c\u0000\u001b[31m${n}\n\u202e\n0`), "N."),
  "pickle: empty lists": (size) => file("m.pkl", fill("]", size), "."),
  "pickle: empty tuples": (size) => file("m.pkl", fill(")", size), "."),
  "pickle: a list of lists": (size) => file("m.pkl", "(", fill("]", size), "l."),
  "pickle: copies by DUP": (size) => file("m.pkl", "]", fill("2", size), "."),
  "pickle: one dictionary": (size) =>
    file("m.pkl", "}", ...numbered(size, (n) => `I${n}\nNs`), "."),
  "pickle: memo of all": (size) =>
    file("m.pkl", [0x80, 4], fill(Uint8Array.of(0x5d, 0x94), size), "."),
  "pickle: a list that holds itself": (size) =>
    file("m.pkl", "]q\0", fill("h\0a", size), "cos\nsystem\nh\0R."),
  "pickle: built again and again": (size) =>
    file("m.pkl", "ca\nb\n)R", fill("}Va\nNsb", size), "."),
  "pickle: states that hold functions": (size) =>
    file(
      "m.pkl",
      "cfunctools\npartial\n(cos\nsystem\ntRq\0",
      "ccollections\nOrderedDict\n)R",
      ...numbered(size, (n) => `}V__a${n}__\nh\0sb`),
      ".",
    ),
  "pickle: one state of many functions": (size) =>
    file(
      "m.pkl",
      "cfunctools\npartial\n(cos\nsystem\ntRq\0",
      "ccollections\nOrderedDict\n)R}",
      ...numbered(size, (n) => `V__a${n}__\nh\0s`),
      "b.",
    ),
  "pickle: texts sliced": (size) =>
    file("m.pkl", `V${"a".repeat(60_000)}\nq\0`, fill("cbuiltins\nstr.upper\n(h\0tR0", size), "N."),
  "pickle: texts multiplied": (size) =>
    file("m.pkl", fill("coperator\nmul\n(Vaaaaaaaaaa\nI90000\ntR0", size), "N."),
  "pickle: texts replaced": (size) =>
    file(
      "m.pkl",
      `V${"a".repeat(60_000)}\nq\0`,
      fill("cbuiltins\nstr.replace\n(h\0Va\nVbbbbbbbbbb\ntR0", size),
      "N.",
    ),
  "pickle: powers": (size) => file("m.pkl", fill("coperator\npow\n(I9999\nI9999\ntR0", size), "N."),
  "pickle: zlib in zlib in constants": (size) => {
    let inner = join("N.");
    for (let at = 0; at < 40; at++) {
      inner = join("czlib\ndecompress\n(", bytes(deflateSync(inner)), "tR0N.");
    }
    return file("m.pkl", fill(inner.subarray(0, -1), size), ".");
  },
  "pickle: gzip bombs that nothing loads": (size) => {
    const bomb = gzipSync(join("(", fill("N0", MIB), "N."));
    return file("m.pkl", fill(join(bytes(bomb), "0"), size), "N.");
  },
  "pickle: zlib bombs that are loaded": (size) => {
    const bomb = deflateSync(join("(", fill("N0", MIB), "N."));
    return file(
      "m.pkl",
      fill(join("cpickle\nloads\n(czlib\ndecompress\n(", bytes(bomb), "tRtR0"), size),
      "N.",
    );
  },
  "pickle: one pickle loaded often": (size) =>
    file(
      "m.pkl",
      bytes(join("(", fill("cos\nsystem\n)R0", 100_000), "N.")),
      "q\0",
      fill("cpickle\nloads\n(h\0tR0", size),
      "N.",
    ),
  "pickle: base64 towers": (size) => {
    let inner = "N.";
    while (inner.length < 60_000) inner = btoa(`X${"\u00ff\u00ff\0\0"}${inner}0N.`);
    return file("m.pkl", fill(join(counted(inner), "0"), size), "N.");
  },
  "pickle: base64 that is decoded": (size) =>
    file(
      "m.pkl",
      `V${btoa("N.".repeat(20_000))}\nq\0`,
      fill("cbase64\nb64decode\n(h\0tR0", size),
      "N.",
    ),
  "pickle: frames that streams straddle": (size) =>
    file("m.pkl", fill(join([0x80, 4, 0x95], little(8, 20), [0x8c, 4], "aaaa", "."), size)),
  "pickle: joblib arrays": (size) =>
    file(
      "m.joblib",
      fill(
        "(ijoblib.numpy_pickle\nNumpyArrayWrapper\n}(Vshape\n(I1\ntVdtype\ncnumpy\ndtype\n(Vi1\nI00\nI01\ntRVorder\nVC\nVallow_mmap\nI00\nubN0",
        size,
      ),
      "N.",
    ),
  "pickle: joblib arrays of objects": (size) =>
    file(
      "m.joblib",
      "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)",
      [0x81],
      "q\x01}(Vshape\n(I1\ntVdtype\ncnumpy\ndtype\n(VO8\nI00\nI01\ntRVorder\nVC\nVallow_mmap\nI00\nuq\x02",
      "bN.0",
      fill("h\x01h\x02bN.0", size),
      "N.",
    ),
  "pickle: torch storages": (size) =>
    file(
      "m.pkl",
      ...numbered(size, (n) =>
        `ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV${n}\nVcpu\nI4\ntQI0\n(I4\nt(I1\ntI00\n)tR0`),
      "N.",
    ),
};
