/**
 * What this project is called and where it lies, as `release.json` says: the one place for names, versions, the
 * repository's address and the versions of actions.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The version of an action, and the commit that it is pinned to; without one its major version is used. */
interface ActionPin {
  readonly version: string;
  readonly commit?: string;
}

/** What `release.json` holds. */
export interface Project {
  /** The program's name. It is also the repository's, below its owner. */
  readonly name: string;
  readonly version: string;
  /** Day of the release, ISO 8601. */
  readonly released: string;
  readonly license: string;
  readonly description: string;
  /** `https://github.com/OWNER/NAME`. */
  readonly repository: string;
  /** Name on npm and JSR, `@SCOPE/NAME`. */
  readonly package: string;
  readonly pypi: string;
  /** The container image, without a tag. */
  readonly image: string;
  readonly actions: Readonly<Record<string, ActionPin>>;
}

/** What each text must look like, since it is filled into shell scripts, YAML and addresses. */
const FORMS: Readonly<Record<Exclude<keyof Project, "actions">, RegExp>> = {
  name: /^modelaudit$/,
  version: /^\d+\.\d+\.\d+(?:-[0-9a-z]+(?:\.[0-9a-z]+)*)?$/,
  released: /^\d{4}-\d\d-\d\d$/,
  license: /^[\w.-]+$/,
  description: /^[\w ,.-]+$/,
  repository: /^https:\/\/github\.com\/[\w.-]+\/modelaudit$/,
  package: /^@[a-z0-9-]+\/modelaudit$/,
  pypi: /^modelaudit(?:-[a-z0-9]+)*$/,
  image: /^ghcr\.io\/[a-z0-9.-]+\/modelaudit$/,
};

/**
 * Reads the text of `release.json`.
 *
 * @throws SyntaxError when a value is missing or has not the form that its places need
 */
export function readProject(text: string): Project {
  const values = JSON.parse(text) as Readonly<Record<string, unknown>>;
  for (const [key, form] of Object.entries(FORMS)) {
    const value = values[key];
    if (typeof value !== "string" || !form.test(value)) {
      throw new SyntaxError(`release.json: "${key}" is ${JSON.stringify(value)}, not ${form}`);
    }
  }
  const actions = Object.entries((values["actions"] ?? {}) as Readonly<Record<string, ActionPin>>);
  for (const [name, { version, commit }] of actions) {
    if (
      !/^v\d+\.\d+\.\d+$/.test(version) || commit !== undefined && !/^[0-9a-f]{40}$/.test(commit)
    ) {
      throw new SyntaxError(`release.json: the pin of ${name} is no version with a commit`);
    }
  }
  return values as unknown as Project;
}

/** `release.json` of this checkout. */
export function ownProject(): Project {
  return readProject(readFileSync(join(ROOT, "release.json"), "utf8"));
}

/** `OWNER/NAME` of the repository. */
export function slugOf({ repository }: Project): string {
  return repository.slice("https://github.com/".length);
}

/** The file that `npm pack` makes of a version. */
export function tarballOf({ package: name, version }: Project): string {
  return `${name.slice(1).replace("/", "-")}-${version}.tgz`;
}
