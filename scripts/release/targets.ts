/**
 * The systems that there are executables for, and what the compilers call them.
 *
 * @module
 */

/** A system, and by which compilers an executable for it is made. */
export interface Target {
  readonly name: string;
  /** Deno's name; undefined where Deno has no runtime for the system. Then the executable is made by Bun. */
  readonly deno: string | undefined;
  readonly bun: string;
  /** The C library that the executable is linked against, on Linux. */
  readonly libc: "glibc" | "musl" | undefined;
}

/** Deno publishes no runtime for musl. Bun's x64 ones are those for processors without AVX2. */
export const TARGETS: readonly Target[] = [
  target("linux-x64", "x86_64-unknown-linux-gnu", "linux-x64-baseline", "glibc"),
  target("linux-arm64", "aarch64-unknown-linux-gnu", "linux-arm64", "glibc"),
  target("linux-x64-musl", undefined, "linux-x64-musl-baseline", "musl"),
  target("linux-arm64-musl", undefined, "linux-arm64-musl", "musl"),
  target("macos-x64", "x86_64-apple-darwin", "darwin-x64"),
  target("macos-arm64", "aarch64-apple-darwin", "darwin-arm64"),
  target("windows-x64", "x86_64-pc-windows-msvc", "windows-x64-baseline"),
  target("windows-arm64", "aarch64-pc-windows-msvc", "windows-arm64"),
];

function target(
  name: string,
  deno: string | undefined,
  bun: string,
  libc?: "glibc" | "musl",
): Target {
  return { name, deno, bun: `bun-${bun}`, libc };
}

/** The file of an executable for a target. */
export function executableOf(name: string, target: Target): string {
  return `${name}-${target.name}${target.name.startsWith("windows") ? ".exe" : ""}`;
}
