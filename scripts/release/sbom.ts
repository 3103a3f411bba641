/**
 * A software bill of materials in CycloneDX 1.6, from the lock file: no times, no random numbers, so
 * that the same checkout gives the same bytes. https://cyclonedx.org/docs/1.6/json/
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { licenseOf, licenseOfRuntime } from "./licenses.ts";
import type { LockFile } from "./lock.ts";

/** What is built. */
interface Product {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The runtime inside an executable. */
  readonly runtime?: { readonly name: string; readonly version: string };
}

/** The bill of materials as JSON text. */
export function sbomOf(product: Product, lock: LockFile): string {
  const root = `pkg:npm/${product.name}@${product.version}`;
  const used = Object.entries(lock.packages)
    .filter(([path, it]) => path !== "" && it.dev !== true)
    .map(([path, it]) => ({ name: path.replace(/^.*node_modules\//, ""), ...it }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  const refs = new Map(used.map((it) => [it.name, npmUrl(it.name, it.version)]));
  const { runtime } = product;
  const runtimeRef = runtime && `pkg:generic/${runtime.name}@${runtime.version}`;
  const direct = Object.keys(lock.packages[""]?.dependencies ?? {});
  const refsOf = (names: readonly string[]): string[] =>
    names.flatMap((name) => refs.get(name) ?? []).sort();
  return JSON.stringify(
    {
      $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: {
        component: {
          "type": "application",
          "bom-ref": root,
          name: product.name,
          version: product.version,
          purl: root,
          licenses: licenses(product.license),
        },
      },
      components: [
        ...used.map((it) => ({
          "type": "library",
          "bom-ref": npmUrl(it.name, it.version),
          name: it.name,
          version: it.version ?? "",
          purl: npmUrl(it.name, it.version),
          licenses: licenses(licenseOf(it.name, it.license)),
          ...(it.integrity !== undefined && { hashes: hashes(it.integrity) }),
        })),
        ...(runtime
          ? [{
            "type": "platform",
            "bom-ref": runtimeRef,
            name: runtime.name,
            version: runtime.version,
            purl: runtimeRef,
            licenses: licenses(licenseOfRuntime(runtime)),
          }]
          : []),
      ],
      dependencies: [
        {
          ref: root,
          dependsOn: [...refsOf(direct), ...(runtimeRef === undefined ? [] : [runtimeRef])],
        },
        ...used.map((it) => ({
          ref: npmUrl(it.name, it.version),
          dependsOn: refsOf(Object.keys(it.dependencies ?? {})),
        })),
      ],
    },
    null,
    2,
  ) + "\n";
}

function npmUrl(name: string, version: string | undefined): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version ?? ""}`;
}

/** An SPDX identifier or expression. */
function licenses(license: string): readonly unknown[] {
  return / (?:OR|AND) /.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** `sha512-…` in base64, as npm writes it, in hexadecimal. */
function hashes(integrity: string): readonly unknown[] {
  return integrity.split(" ").flatMap((it) => {
    const [, bits, digest] = /^sha(256|384|512)-([A-Za-z0-9+/=]+)$/.exec(it) ?? [];
    if (bits === undefined || digest === undefined) return [];
    return [{ alg: `SHA-${bits}`, content: Buffer.from(digest, "base64").toString("hex") }];
  });
}
