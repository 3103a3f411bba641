/**
 * Artifacts of OCI registries: files that ORAS and ModelPack store as layers, models of Ollama, layers of images.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md,
 * https://github.com/modelpack/model-spec/blob/main/docs/spec.md
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import type { HttpClient } from "../../sources/http_client.ts";
import { type Answer, answerOf, isRecord, jsonOf, sizeOf, storeError } from "./answers.ts";
import { ociAuthorizer } from "./oci_login.ts";
import type { OciSettings } from "./settings.ts";
import { isDigest, type OciTarget, storeName } from "./target.ts";

/** A layer, as a file. */
interface Blob {
  /** As its annotations name it, else `sha256-…`, as Ollama and `oras` keep what has no name. */
  readonly path: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number | undefined;
  readonly url: URL;
}

/** What an artifact has. */
interface Artifact {
  readonly files: readonly Blob[];
  /** What cannot be fetched, or has a name that leads elsewhere, and why. */
  readonly odd: readonly { readonly path: string; readonly reason: string }[];
  /** SHA-256 or SHA-512 of the manifest that was asked for, computed here. */
  readonly digest: string;
}

/** https://github.com/opencontainers/image-spec/blob/main/media-types.md, and what Docker had before. */
const MANIFESTS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
/** Annotations that name a layer's file: of ORAS, and of ModelPack before and since its first release. */
const NAMES = [
  "org.opencontainers.image.title",
  "org.cncf.model.filepath",
  "org.cnai.model.filepath",
];
/** Bytes of a manifest. Registries take 4 MiB. https://github.com/opencontainers/distribution-spec CWE-770. */
const MANIFEST_BYTES = 4 * 1024 * 1024;
/** Manifests of one artifact. An image for all platforms has some twenty. CWE-834. */
const MANIFEST_COUNT = 100;
/** Layers of one artifact. A model of 700 GB in files of its own has some 300. CWE-770. */
const LAYERS = 10_000;

/** Fields that say what is fetched. */
const MANIFEST_FIELDS: ReadonlySet<string> = new Set(["manifests", "layers", "config"]);
const LAYER_FIELDS: ReadonlySet<string> = new Set(["digest", "size", "annotations", "urls"]);

/**
 * Reads the manifests of an artifact, of all platforms where it has several.
 *
 * @throws SourceError when they cannot be had, are none, or are not those that their digests name
 */
export async function readArtifact(
  target: OciTarget,
  settings: OciSettings,
  client: HttpClient,
): Promise<Artifact> {
  const { registry, repository } = target;
  const name = storeName(target, "");
  // As Docker does: a registry on this machine has no certificate.
  const protocol = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|$)/i.test(registry)
    ? "http"
    : "https";
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const base = new URL(`${protocol}://${host}/v2/${repository}`);
  const authorizer = ociAuthorizer({
    name,
    base,
    repository,
    login: settings.loginFor?.(registry),
    loginFor: settings.loginFor,
    client,
  });
  client.authorize(authorizer);
  const files = new Map<string, Blob>();
  const odd: { path: string; reason: string }[] = [];
  const waiting: { reference: string; size?: number | undefined }[] = [
    { reference: target.reference },
  ];
  const read = new Set<string>();
  let digest = "";
  for (let it = waiting.shift(); it !== undefined; it = waiting.shift()) {
    if (read.has(it.reference)) continue;
    if (read.size >= MANIFEST_COUNT) throw invalidManifest(name, "names manifests without an end");
    read.add(it.reference);
    const { manifest, digest: own } = await manifestOf(it, { name, base, client, authorizer });
    digest ||= own;
    const { manifests, layers, config, mediaType } = manifest;
    if (hasVariant(manifest, MANIFEST_FIELDS)) {
      odd.push({
        path: "",
        reason: "its manifest has a field that clients read in different ways",
      });
    }
    if (Array.isArray(manifests)) {
      for (const entry of manifests as readonly unknown[]) {
        const { digest, size } = isRecord(entry) ? entry : {};
        if (typeof digest === "string" && isDigest(digest)) {
          waiting.push({ reference: digest, size: sizeOf(size) });
        } else odd.push({ path: "", reason: "its index has an entry that names no manifest" });
      }
    }
    // What has both is an index to one client and a manifest to another: CVE-2021-41190.
    if (Array.isArray(manifests) && !Array.isArray(layers)) continue;
    if (!Array.isArray(layers)) {
      throw invalidManifest(
        name,
        typeof mediaType === "string" && /v1\+(?:json|prettyjws)/.test(mediaType) &&
          /docker/.test(mediaType)
          ? "answers with a manifest of Docker's first version"
          : "answers with a manifest that has no layers",
      );
    }
    for (
      const entry of [...(layers as readonly unknown[]), ...(isRecord(config) ? [config] : [])]
    ) {
      if (files.size + odd.length >= LAYERS) {
        throw invalidManifest(name, `names more than ${LAYERS} layers`);
      }
      addLayer(entry, base, files, odd);
    }
  }
  return { files: [...files.values()], odd, digest };
}

interface ManifestContext {
  readonly name: string;
  readonly base: URL;
  readonly client: HttpClient;
  readonly authorizer: { challenged(header: string | undefined): Promise<boolean> };
}

/** @throws SourceError when it cannot be had, or is not what its digest names */
async function manifestOf(
  { reference, size }: { readonly reference: string; readonly size?: number | undefined },
  { name, base, client, authorizer }: ManifestContext,
): Promise<{ readonly manifest: Readonly<Record<string, unknown>>; readonly digest: string }> {
  const url = new URL(`${base.href}/manifests/${reference}`);
  const ask = (): Promise<Answer> =>
    answerOf(name, { url, headers: { accept: MANIFESTS.join(", ") } }, client);
  let answer = await ask();
  if (answer.status === 401 && await authorizer.challenged(answer.header("www-authenticate"))) {
    answer = await ask();
  }
  if (answer.status !== 200) throw storeError(name, answer, client);
  const { bytes } = answer;
  if (bytes.length > MANIFEST_BYTES) {
    throw invalidManifest(name, `answers with a manifest of more than ${MANIFEST_BYTES} bytes`);
  }
  if (size !== undefined && bytes.length !== size) {
    throw invalidManifest(name, `answers with ${bytes.length} bytes where its index says ${size}`);
  }
  // What the registry says, and what was asked for.
  const said = answer.header("docker-content-digest")?.trim();
  for (const it of [said, isDigest(reference) ? reference : undefined]) {
    if (it === undefined || !isDigest(it)) continue;
    const is = await digestOf(bytes, it);
    if (is !== it) {
      throw new SourceError(name, `Cannot list "${name}": its manifest is ${is}, not ${it}`, {
        reason: "changed",
        remedy: "Do not trust this registry.",
      });
    }
  }
  const manifest = jsonOf(name, answer);
  if (!isRecord(manifest)) throw invalidManifest(name, "answers with what is no manifest");
  return { manifest, digest: await digestOf(bytes, reference) };
}

/** The digest of bytes, by the algorithm of another digest, SHA-256 where that is none. */
async function digestOf(bytes: Uint8Array, like: string): Promise<string> {
  const long = like.startsWith("sha512:");
  const hash = await crypto.subtle.digest(long ? "SHA-512" : "SHA-256", bytes.slice());
  const hex = Array.from(new Uint8Array(hash), (it) => it.toString(16).padStart(2, "0")).join("");
  return `${long ? "sha512" : "sha256"}:${hex}`;
}

function addLayer(
  entry: unknown,
  base: URL,
  files: Map<string, Blob>,
  odd: { path: string; reason: string }[],
): void {
  const { digest, size, annotations, urls } = isRecord(entry) ? entry : {};
  if (typeof digest !== "string" || !isDigest(digest)) {
    odd.push({ path: "", reason: "its manifest has a layer without a digest" });
    return;
  }
  if (isRecord(entry) && hasVariant(entry, LAYER_FIELDS)) {
    odd.push({ path: "", reason: "its manifest has a layer that clients read in different ways" });
  }
  const plain = digest.replace(":", "-");
  const named = isRecord(annotations)
    ? NAMES.map((it) => annotations[it]).find((it) => typeof it === "string" && it !== "")
    : undefined;
  let path = typeof named === "string" ? named : plain;
  if (
    !path.isWellFormed() || path.split(/[/\\]/).includes("..") || /^(?:[/\\]|[a-z]:)/i.test(path)
  ) {
    // Clients have written such layers outside of their folder. CWE-22.
    odd.push({ path: path.toWellFormed(), reason: "its name leads out of the artifact" });
    path = plain;
  }
  if (!digest.startsWith("sha256:")) {
    odd.push({ path, reason: "its digest is not SHA-256, and is not checked here" });
    return;
  }
  if (Array.isArray(urls) && urls.length > 0) {
    odd.push({ path, reason: "its layer lies on other servers, where it is not fetched from" });
  }
  const file: Blob = {
    path,
    sha256: digest.slice("sha256:".length),
    size: sizeOf(size),
    url: new URL(`${base.href}/blobs/${digest}`),
  };
  const same = files.get(path);
  if (same === undefined) files.set(path, file);
  // The same name for other bytes: clients keep the last, or refuse.
  else if (same.sha256 !== file.sha256) {
    if (path !== plain) odd.push({ path, reason: "its manifest names two layers so" });
    files.set(plain, { ...file, path: plain });
  } else if (same.size !== file.size) files.set(path, { ...file, size: undefined });
}

/** Whether a field has another spelling of a name, which clients in Go take for it. https://pkg.go.dev/encoding/json */
function hasVariant(
  record: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): boolean {
  return Object.keys(record).some((it) => !names.has(it) && names.has(it.toLowerCase()));
}

function invalidManifest(name: string, problem: string): SourceError {
  return new SourceError(name, `Cannot list "${name}": the registry ${problem}`, {
    remedy: "Check the address, or pull the artifact and scan its folder.",
  });
}
