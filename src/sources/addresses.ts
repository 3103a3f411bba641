/**
 * What a person meant who wrote an address where a path belongs: what to write instead.
 *
 * @module
 */

interface Meant {
  readonly form: RegExp;
  readonly remedy: (path: string) => string;
}

/** Position of a hub's address in the text. */
const HUB =
  /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/(?:models\/)?([^/?#]+\/[^/?#]+).*$/iu;

/** What is written for other schemes of the same stores. */
const SCHEMES: Readonly<Record<string, string>> = {
  s3a: "s3",
  s3n: "s3",
  gcs: "gs",
  azure: "az",
  ollama: "oci",
  docker: "oci",
};

const FORMS: readonly Meant[] = [
  {
    form: HUB,
    remedy: (path) => `For a repository of the hub write hf://${path.replace(HUB, "$1")}.`,
  },
  {
    form: /^(?:s3[an]|gcs|azure|ollama|docker):\/\//iu,
    remedy: (path) => `Write ${path.replace(/^[^:]*/u, (it) => SCHEMES[it.toLowerCase()] ?? it)}`,
  },
  {
    form: /^(?:abfss?|wasbs?):\/\//iu,
    remedy: () => "Write az://container/path, and the account in AZURE_STORAGE_ACCOUNT.",
  },
  {
    form: /^(?:dbfs|hdfs):\/\/|^dbfs:\//iu,
    remedy: () => "This store is not read: download the file and scan it.",
  },
  {
    form: /^(?:s3|gs|az|oci):\/?[^/]/iu,
    remedy: (path) => `An address has two slashes: ${path.replace(/^([a-z\d]+:)\/*/iu, "$1//")}`,
  },
  {
    form: /^hf:\/?[^/]/iu,
    remedy: (path) => `For a repository of the hub write ${path.replace(/^hf:\/*/iu, "hf://")}.`,
  },
  {
    form: /^https?:\/?[^/]/iu,
    remedy: (path) => `An address has two slashes: ${path.replace(/^(https?:)\/*/iu, "$1//")}`,
  },
  {
    form: /^(?:models|runs|mlflow-artifacts):\//iu,
    remedy: () =>
      "A registry of MLflow is not read: run mlflow artifacts download and scan the folder.",
  },
  {
    form: /^file:/iu,
    remedy: (path) =>
      `Write the path: ${decoded(path.replace(/^file:(?:\/\/(?:localhost(?=\/))?)?/iu, ""))}`,
  },
  {
    form: /^[a-z][a-z\d+.-]*:\/\//iu,
    remedy: () =>
      "Only https://, hf://, s3://, gs://, az:// and oci:// addresses are fetched: download the file and scan it.",
  },
  {
    form: /^~(?=[/\\]|$)/u,
    remedy: () => "No shell expanded the ~: write the path of the home folder.",
  },
  {
    form: /[*?[\]{}]/u,
    remedy: () =>
      "No shell expanded this pattern: name a folder and give the pattern to --include.",
  },
  {
    form: /^[\w-][\w.-]{0,95}\/[\w-][\w.-]{0,95}(?:@[\w./-]+)?$/u,
    remedy: (path) => `Check the path. For a repository of the hub write hf://${path}.`,
  },
];

/** A URL writes some characters of a path as hexadecimal numbers. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * The scheme of an address that nothing here reads, such as "s3"; undefined for paths, and for the schemes that
 * are read as arguments.
 */
export function unreadScheme(path: string): string | undefined {
  const scheme = /^([a-z][a-z\d+.-]+):\/\//iu.exec(path)?.[1]?.toLowerCase();
  const read = ["hf", "http", "https", "s3", "gs", "az", "oci"];
  return scheme === undefined || read.includes(scheme) ? undefined : scheme;
}

/** What to write instead of a path that does not exist; undefined where nothing else was meant. */
export function meantInstead(path: string): string | undefined {
  return FORMS.find(({ form }) => form.test(path))?.remedy(path);
}
