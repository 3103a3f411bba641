/**
 * Archives that are made to exhaust a scanner: what each costs in time and memory, and that it is
 * called incomplete. `make bench BENCH="--only bombs"` writes them to `.cache/bench/bombs`, some 700 MB
 * in all, and scans each in a process of its own.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BOMBS } from "./bombs_made.ts";
import type { Row } from "./table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, ".cache", "bench", "bombs");
/** What must hold for each of them. */
const MOST_SECONDS = 10;
const MOST_MEGABYTES = 500;
const POLL_MS = 5;
/** USER_HZ, which is the same on every Linux. */
const TICKS_A_SECOND = 100;

/** One scan of one file in a process of its own. */
interface Scan {
  /** Seconds of processor time; undefined where the system does not report it. */
  readonly seconds: number | undefined;
  /** The process's peak memory in bytes; undefined where the system does not report it. */
  readonly peak: number | undefined;
  readonly verdict: string;
  readonly bytesRead: number;
}

/** Rows for the bench's table: seconds of the processor, which a busy machine does not change, and peak memory of each bomb, and what was wrong otherwise. */
export async function benchBombs(): Promise<Row[]> {
  mkdirSync(FOLDER, { recursive: true });
  const rows: Row[] = [];
  for (const { file, what, verdict, mostRead, make } of BOMBS) {
    const path = join(FOLDER, file);
    if (!existsSync(path)) {
      make(`${path}.part`);
      renameSync(`${path}.part`, path);
    }
    const scan = await scanOnce(path);
    const right = scan.verdict === verdict;
    if (!right) {
      console.error(`bench: ${what} has the verdict ${scan.verdict}, expected ${verdict}`);
    }
    const seconds = right ? scan.seconds : undefined;
    rows.push({ what: `${what} (${verdict})`, value: seconds, unit: "s", limit: MOST_SECONDS });
    rows.push({
      what: "scan's peak memory",
      value: scan.peak === undefined ? undefined : scan.peak / 1e6,
      unit: "MB",
      limit: MOST_MEGABYTES,
    });
    if (mostRead === undefined) continue;
    rows.push({ what: "bytes read of it", value: scan.bytesRead, unit: "bytes", limit: mostRead });
  }
  return rows;
}

function scanOnce(path: string): Promise<Scan> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, "scripts", "modelaudit"), ["scan", "--format", "json", path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const out: Uint8Array[] = [];
    let peak: number | undefined;
    let seconds: number | undefined;
    const timer = setInterval(() => {
      peak = peakOf(child.pid) ?? peak;
      seconds = secondsOf(child.pid) ?? seconds;
    }, POLL_MS);
    child.stdout.on("data", (chunk: Uint8Array) => out.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      try {
        const text = out.map((chunk) => new TextDecoder().decode(chunk)).join("");
        const { assets: [asset] } = JSON.parse(text);
        resolve({ seconds, peak, verdict: asset.verdict, bytesRead: asset.bytes_read });
      } catch (cause) {
        reject(
          new Error(
            `Cannot measure the scan of ${path}: it ended with ${code} and without a report`,
            {
              cause,
            },
          ),
        );
      }
    });
  });
}

/** Seconds of the processor that a running process has used, in the program and in the kernel. */
function secondsOf(pid: number | undefined): number | undefined {
  if (pid === undefined || platform() !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name in brackets; proc(5) counts from 1: utime is 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** The kernel's own high-water mark of a running process. */
function peakOf(pid: number | undefined): number | undefined {
  if (pid === undefined || platform() !== "linux") return undefined;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
