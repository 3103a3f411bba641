/**
 * The settings of a scan as they are at run time.
 *
 * @module
 */

import {
  COUNT,
  expectSettings,
  FLAG,
  FUNCTION,
  type Kind,
  LIST,
  OBJECT,
  TEXT,
  withMembers,
} from "../core/known.ts";
import { withDefaults } from "../core/limits.ts";
import type { WalkOptions } from "../sources/file.ts";
import type { StoreSettings } from "../remote/stores/settings.ts";
import type { RemoteOptions, ScanManyOptions } from "./options.ts";
import type { ScanOptions } from "./asset/asset_scan.ts";

/** A table that holds every name of a type. */
type Kinds<T> = Readonly<Record<keyof Required<T>, Kind>>;

const RULES = withMembers("rules, as loadRules() gives them", "judge", "interest");
const SIGNAL = withMembers("an AbortSignal", "aborted", "addEventListener");
const SET: Kind = { label: "a Set", accepts: (value) => value instanceof Set };
const PLACE: Kind = {
  label: "a text or a URL",
  accepts: (value) => typeof value === "string" || value instanceof URL,
};

const SHARED = {
  rules: RULES,
  limits: OBJECT,
  formats: LIST,
  bundles: LIST,
  suppress: FUNCTION,
  explain: FLAG,
  onProgress: FUNCTION,
} as const;

const OF_SOURCE: Kinds<ScanOptions> = {
  ...SHARED,
  signal: withMembers("an AbortSignal", "aborted"),
  path: TEXT,
  folder: OBJECT,
};

const OF_SCAN: Kinds<ScanManyOptions> = {
  ...SHARED,
  signal: SIGNAL,
  remote: OBJECT,
  hash: FLAG,
  walk: OBJECT,
  policyOf: FUNCTION,
  configuration: TEXT,
  configurationNotes: LIST,
};

const OF_REMOTE: Kinds<RemoteOptions> = {
  allowPrivateNetwork: FLAG,
  token: TEXT,
  endpoint: PLACE,
  networkTimeout: COUNT,
  full: FLAG,
  proxyFor: FUNCTION,
  certificates: TEXT,
  stores: OBJECT,
};

const OF_STORES: Kinds<StoreSettings> = { s3: OBJECT, gcs: OBJECT, azure: OBJECT, oci: OBJECT };

const OF_WALK: Kinds<WalkOptions> = {
  followSymlinks: FLAG,
  include: LIST,
  exclude: LIST,
  without: SET,
};

/**
 * Demands that the settings of a scan of several inputs are known.
 *
 * @throws TypeError for settings that there are not, or are of a wrong type
 * @throws RangeError when there is no limit of a name, or one is no number
 */
export function expectScanSettings(settings: ScanManyOptions): void {
  expectSettings("scan", settings, OF_SCAN);
  const { remote, walk, limits } = settings;
  if (remote !== undefined) expectSettings("remote", remote, OF_REMOTE);
  if (remote?.stores !== undefined) expectSettings("remote.stores", remote.stores, OF_STORES);
  if (walk !== undefined) expectSettings("walk", walk, OF_WALK);
  withDefaults(limits);
}

/** The same for a scan of one source. */
export function expectSourceSettings(settings: ScanOptions): void {
  expectSettings("scanSource", settings, OF_SOURCE);
  withDefaults(settings.limits);
}
