/**
 * Where packages are installed from: indexes, repositories of source and single files.
 * https://pip.pypa.io/en/stable/reference/requirements-file-format/
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** Indexes of projects and their mirrors that many install from, by host and beginning of the path. */
const INDEXES: readonly string[] = [
  ...[
    "pypi.org",
    "pypi.python.org",
    "files.pythonhosted.org",
    "download.pytorch.org",
    "data.pyg.org",
  ],
  ...["pypi.nvidia.com", "developer.download.nvidia.com", "pypi.ngc.nvidia.com", "wheels.vllm.ai"],
  ...[
    "storage.googleapis.com/jax-releases",
    "storage.googleapis.com/libtpu-releases",
    "us-python.pkg.dev/ml-oss-artifacts-published",
  ],
  ...[
    "storage.googleapis.com/tensorflow",
    "download.openmmlab.com",
    "flashinfer.ai",
    "abetlen.github.io/llama-cpp-python",
  ],
  ...[
    "dl.fbaipublicfiles.com",
    "huggingface.github.io",
    "repo.radeon.com",
    "download.dgl.ai",
    "data.dgl.ai",
  ],
  ...[
    "github.com/mypyc/",
    "github.com/explosion/",
    "pytorch-extension.intel.com",
    "aiinfra.pkgs.visualstudio.com",
  ],
  ...[
    "pypi.tuna.tsinghua.edu.cn",
    "mirrors.aliyun.com",
    "mirrors.tuna.tsinghua.edu.cn",
    "mirror.baidu.com",
  ],
  ...[
    "pypi.mirrors.ustc.edu.cn",
    "mirrors.ustc.edu.cn",
    "pypi.doubanio.com",
    "pypi.douban.com",
    "mirrors.cloud.tencent.com",
  ],
  ...[
    "mirrors.huaweicloud.com",
    "repo.huaweicloud.com",
    "mirrors.bfsu.edu.cn",
    "mirror.sjtu.edu.cn",
    "www.paddlepaddle.org.cn",
  ],
  ...["registry.npmjs.org", "registry.yarnpkg.com", "registry.npmmirror.com", "npm.pkg.github.com"],
  ...[
    "conda.anaconda.org",
    "repo.anaconda.com",
    "pypi.anaconda.org",
    "modelscope.oss-cn-beijing.aliyuncs.com",
  ],
  ...[
    "paddle-wheel.bj.bcebos.com",
    "paddle-whl.bj.bcebos.com",
    "download.lfd.uci.edu",
    "wheels.galaxyproject.org",
  ],
];

/** Public hosts of source, for the addresses of single packages. */
const SOURCES: readonly string[] = [
  ...[
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "huggingface.co",
    "gitee.com",
    "opendev.org",
  ],
  ...[
    "codeload.github.com",
    "raw.githubusercontent.com",
    "objects.githubusercontent.com",
    "modelscope.cn",
  ],
  ...[
    "www.modelscope.cn",
    "www.github.com",
    "git.sr.ht",
    "gitlab.freedesktop.org",
    "sr.ht",
    "salsa.debian.org",
  ],
  ...[
    "s3-us-west-2.amazonaws.com/pytorch/",
    "ghcr.io",
    "dl.fbaipublicfiles.com",
    "s3.amazonaws.com/pytorch/",
  ],
];

/** Characters of an address that are shown. CWE-779. */
const SHOWN = 200;

/** True for an address at a host, or below a path of it, that a table lists. */
export function isKnownHost(address: string, table: readonly string[]): boolean {
  const place = /^[a-z][\w+.-]*:\/\/(?:[^/@]*@)?(?<place>[^?#]*)/iu.exec(address)?.groups
    ?.["place"];
  if (place === undefined) return false;
  const [host = ""] = place.split("/");
  const path = place.slice(host.length);
  // What fetches resolves it: `/known/../other`.
  if (/(?:^|[\\/])(?:\.|%2e){2}(?:[\\/]|$)/iu.test(path)) return false;
  const name = host.toLowerCase().replace(/:443$/u, "");
  return table.some((known) => {
    const at = known.indexOf("/");
    if (at < 0) return name === known;
    return name === known.slice(0, at) && path.startsWith(known.slice(at));
  });
}

/**
 * What is to be said of an index of packages; undefined for a known one over TLS, a folder and a variable.
 *
 * @param place as the option has it
 */
export function indexAnomaly(place: string): Anomaly | undefined {
  if (!/^[a-z][\w+.-]*:\/\//iu.test(place) || /^file:/iu.test(place)) return undefined;
  // The value is given when it is built.
  if (isGivenHost(place)) return undefined;
  const shown = withoutSecret(place).slice(0, SHOWN);
  if (!/^https:/iu.test(place) && !isLocal(place)) {
    return anomaly("setup-insecure-index", `Packages are installed from ${shown}`);
  }
  return isKnownHost(place, INDEXES) || isLocal(place)
    ? undefined
    : anomaly("setup-foreign-index", `Packages are installed from ${shown}`);
}

/**
 * What is to be said of a requirement; undefined for a name, a path, and what is fetched from a host of source over
 * TLS.
 *
 * @param text without options and comment
 */
export function requirementAnomaly(text: string): Anomaly | undefined {
  const address =
    /^(?:[\w.-]+\s*(?:\[[^\]]*\]\s*)?@\s*)?(?<address>(?:(?:git|hg|svn|bzr)\+)?[a-z][\w+.-]*:\/\/\S+)/iu
      .exec(text)?.groups?.["address"];
  if (address === undefined) return undefined;
  const place = address.replace(/^(?:git|hg|svn|bzr)\+/iu, "");
  if (/^file:/iu.test(place) || isGivenHost(place)) return undefined;
  const shown = withoutSecret(address).slice(0, SHOWN);
  const safe = /^(?:https|ssh):/iu.test(place);
  if (!safe && !isLocal(place)) {
    return anomaly("setup-insecure-index", `A package is installed from ${shown}`);
  }
  const known = isKnownHost(place, SOURCES) || isKnownHost(place, INDEXES) || isLocal(place);
  return known
    ? undefined
    : anomaly("setup-foreign-package", `A package is installed from ${shown}`);
}

function anomaly(rule: string, detail: string): Anomaly {
  return { type: "anomaly", rule, detail };
}

/** True where the whole host is a variable, or a place for it. In front of a host it is a label of that host. */
function isGivenHost(address: string): boolean {
  return /^[a-z][\w+.-]*:\/\/(?:[^/@]*@)?(?:\$\{[^}/]*\}|\$\w+|\{{1,2}[^}/]*\}{1,2}|<[^>/]*>|%\w+%|%\(\w+\)s)(?::[^/]*)?(?:[/?#]|$)/iu
    .test(address);
}

function isLocal(address: string): boolean {
  return /^[a-z][\w+.-]*:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|host\.docker\.internal)(?:[:/]|$)/iu
    .test(address);
}

/** Without a user's name and password. */
function withoutSecret(address: string): string {
  return address.replace(/:\/\/[^/@]*@/u, "://");
}
