/**
 * Stands in for `src/remote/node_transport.ts` in the package for browsers, which have no sockets.
 *
 * @module
 */

import type * as real from "../../../src/remote/node_transport.ts";

/** Fails while the module is loaded, as the real one does where there are no sockets. */
export const nodeTransport: typeof real.nodeTransport = missing();

function missing(): never {
  throw new TypeError("A browser has no sockets");
}
