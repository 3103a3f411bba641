/**
 * PMML: a model in XML, numbers and formulas of functions by name. https://dmg.org/pmml/v4-4-1/GeneralStructure.html
 *
 * XML itself lets a text read files and grow (entities). Functions that the standard lacks are classes of
 * Java that JPMML-Evaluator loads by their names (`FunctionRegistry.java`). nyoka 5.5.0 runs the first line of
 * text in each child of an `Extension` or a `row` as Python while it parses (`PMML44Super.py`, `buildChildren`).
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { judgePython } from "../../parsers/python/source_facts.ts";
import { expandedLength, type XmlDoctype } from "../../parsers/xml_doctype.ts";
import { decodeXml, xmlRoot } from "../../parsers/xml_head.ts";
import { type XmlTag, xmlTags, xmlText } from "../../parsers/xml_tags.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a model. Forests of a thousand trees have some hundred MiB. CWE-770. */
const PMML_BYTES = 256 * 1024 * 1024;
/** Elements in one another: each level of a tree is one. CWE-674. */
const DEPTH = 20_000;
/** Names of functions in one model. The largest seen has 40. CWE-770. */
const FUNCTIONS = 10_000;
/** Characters that entities may add: libxml2 and expat refuse more than some millions. CWE-776. */
const EXPANDED = 10_000_000;
/** Texts that are judged as Python, of tables with other signs than words have. CWE-770. */
const PYTHON_TEXTS = 20_000;
const PLAIN = /^(?:[\s\w.,+-]*|\s*"[^"\\]*"\s*|\s*'[^'\\]*'\s*)$/u;
/** Observations of one kind that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Characters of a text that are reported: evidence, and no listing. CWE-779. */
const TEXT_LENGTH = 2048;

const NAMED = /\.(?:pmml|xml)$/iu;
/** Elements whose children nyoka takes for Python. */
const RUN_BY_NYOKA = new Set(["Extension", "row"]);
const XINCLUDE = "http://www.w3.org/2001/XInclude";

/** PMML models. */
export const pmmlFormat: Format = {
  id: "pmml",
  random: false,
  detect: (sample) => /\.pmml$/iu.test(sample.name) || isPmml(headText(sample)) === true,
  isUndecided: (sample) =>
    NAMED.test(sample.name) && sample.head.length === SAMPLE_BYTES &&
    isPmml(headText(sample)) === "cut",
  detectFurther: async (source, _sample, check) => {
    if ((source.size ?? 0) > PMML_BYTES) return undefined;
    return isPmml(decodeXml(await readAll(source, PMML_BYTES, "XML", check)).text) === true;
  },
  scan,
};

/** In files that are not called XML the first character belongs to XML. */
function headText({ name, head }: Sample): string {
  const { text } = decodeXml(head);
  return NAMED.test(name) || /^\s*</u.test(text) ? text : "";
}

function isPmml(text: string): boolean | "cut" {
  const root = xmlRoot(text);
  if (root === "cut" || root === undefined) return root === "cut" ? "cut" : false;
  return localName(root.name) === "PMML";
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, PMML_BYTES, "a model", check);
  yield [];
  const { text } = decodeXml(bytes, true);
  const walk = new PmmlWalk(text, check);
  try {
    walk.all();
  } finally {
    yield walk.found();
  }
}

interface Use {
  readonly at: number;
  count: number;
}

class PmmlWalk {
  readonly #text: string;
  readonly #check: () => void;
  readonly #anomalies: Observation[] = [];
  readonly #facts: Observation[] = [];
  readonly #functions = new Map<string, Use>();
  /** Functions that the model defines by those of others. */
  readonly #defined = new Set<string>();
  readonly #entities = new Map<string, string>();
  #python = 0;

  constructor(text: string, check: () => void) {
    this.#text = text;
    this.#check = check;
  }

  /** @throws FormatError when the text is not well-formed, or no PMML */
  all(): void {
    const open: string[] = [];
    let steps = 0;
    let root: string | undefined;
    let owner: XmlTag | undefined;
    for (const tag of xmlTags(this.#text, DEPTH)) {
      if (++steps % 4096 === 0) this.#check();
      if (tag.doctype !== undefined) {
        this.#doctype(tag.doctype, tag.at);
        continue;
      }
      // What stands between the start of an element and what comes next.
      if (owner !== undefined) this.#content(owner, this.#text.slice(owner.end, tag.at), open);
      owner = undefined;
      if (tag.kind === "end") {
        open.pop();
        continue;
      }
      const name = localName(tag.name);
      root ??= name;
      this.#element(tag, name);
      if (tag.kind !== "start") continue;
      open.push(name);
      owner = tag;
    }
    if (root !== "PMML") throw new FormatError(`Cannot read PMML: its root is "${root}"`, 0);
  }

  found(): Observation[] {
    const functions = [...this.#functions]
      .filter(([name]) => !this.#defined.has(name))
      .map(([name, { at, count }]): Observation => ({
        type: "fact",
        fact: {
          kind: "operator",
          language: "pmml",
          name,
          expression: name.startsWith("<")
            ? `the element ${name.slice(0, 80)}`
            : `the function ${JSON.stringify(name.slice(0, TEXT_LENGTH - 20))}`,
        },
        count,
        offset: at,
      }));
    return [...functions, ...this.#facts, ...this.#anomalies];
  }

  #element({ name: full, attributes, at }: XmlTag, name: string): void {
    switch (name) {
      case "Apply":
      case "Aggregate": {
        const called = attributes.get("function");
        if (called !== undefined) this.#called(called === "*" ? "(*)" : called, at);
        return;
      }
      case "DefineFunction":
        this.#defined.add(attributes.get("name") ?? "");
        return;
      case "TableLocator":
        this.#called("<TableLocator>", at);
        return;
      case "script":
        this.#called("<script>", at);
        return;
      case "include":
        if ([...attributes.values()].includes(XINCLUDE) || full !== name) {
          const detail = `it includes "${attributes.get("href") ?? ""}"`;
          this.#anomaly({ type: "anomaly", rule: "pmml-include", detail, offset: at });
        }
    }
  }

  #called(name: string, at: number): void {
    const use = this.#functions.get(name);
    if (use !== undefined) use.count++;
    else if (this.#functions.size < FUNCTIONS) this.#functions.set(name, { at, count: 1 });
    else throw new FormatError(`Cannot read PMML: it has over ${FUNCTIONS} functions`, at);
  }

  #doctype(doctype: XmlDoctype, offset: number): void {
    const anomaly = (rule: string, detail: string): void =>
      this.#anomaly({ type: "anomaly", rule, detail, offset });
    const { entities, address, references } = doctype;
    for (const { name, text, address: file, parameter } of entities) {
      if (file !== undefined) anomaly("pmml-external-entity", `"${name}" is the file "${file}"`);
      else if (!parameter && !this.#entities.has(name)) this.#entities.set(name, text);
    }
    if (entities.length > 0 || references > 0) {
      anomaly("pmml-entities", `its document type declares ${entities.length} entities`);
    } else {
      const what = address === undefined ? "declares nothing" : `is in the file "${address}"`;
      anomaly("pmml-doctype", `its document type ${what}`);
    }
    const length = expandedLength(this.#text, doctype);
    if (length > this.#text.length + EXPANDED) {
      anomaly("pmml-expansion", `its ${this.#text.length} characters become ${length}`);
    }
  }

  /** Text of an element that nyoka runs, or of a script. */
  #content({ name, at }: XmlTag, content: string, open: readonly string[]): void {
    const parent = open.at(-2) ?? "";
    const isScript = localName(name) === "script";
    if (!isScript && !RUN_BY_NYOKA.has(parent)) return;
    const text = this.#expanded(plainText(content));
    const line = text.split("\n").map((it) => it.replace(/^ +/u, "")).find((it) => it !== "");
    // Words, numbers and texts in quotes run nothing.
    if (line === undefined || (!isScript && PLAIN.test(line))) return;
    if (++this.#python > PYTHON_TEXTS) {
      throw new FormatError(`Cannot read PMML: over ${PYTHON_TEXTS} texts of it may be Python`, at);
    }
    const sources = isScript ? [text] : [`value = ${line}\n`, `values.append(${line})\n`];
    for (const source of sources) {
      // What is no Python is not run.
      const facts = judgePython(source, "python", { checkDeadline: this.#check });
      for (const fact of facts) {
        if (fact.type === "fact") this.#facts.push({ ...fact, offset: at });
      }
    }
  }

  /** A text with the document's own entities replaced, up to a length. */
  #expanded(text: string): string {
    for (let level = 0; level < 8 && this.#entities.size > 0; level++) {
      const longer = text.replace(
        /&([^\s<>&;#]+);/gu,
        (reference, name: string) => this.#entities.get(name) ?? reference,
      );
      if (longer === text || longer.length > 65_536) break;
      text = xmlText(longer);
    }
    return text;
  }

  #anomaly(anomaly: Observation): void {
    if (this.#anomalies.length < REPORTED) this.#anomalies.push(anomaly);
  }
}

/** Text as a parser gives it: without comments and instructions, sections of CDATA as they stand. */
function plainText(content: string): string {
  return content.replace(
    /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|([^<]+)/gu,
    (_, data: string | undefined, text: string | undefined) => data ?? xmlText(text ?? ""),
  );
}
