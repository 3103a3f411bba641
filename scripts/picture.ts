/**
 * Draws a report as a terminal shows it, for the README, from a real scan of shipped samples:
 *
 *     scripts/picture.ts     writes docs/report.svg
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = `${ROOT}docs/report.svg`;

/** What is scanned, as a user would write it. */
const ARGUMENTS = [
  ...["scan", "--no-config", "testdata/torch/harmful/checkpoint.pt"],
  "testdata/torch/safe/state_dict.pt",
];

const COLUMNS = 100;
/** Width and height of a character, in pixels. */
const CELL = { width: 8.4, height: 19 };
const MARGIN = 18;

/** Colours of the terminal in the picture, by the number that SGR gives them (ECMA-48, 8.3.117). */
const COLOURS: Readonly<Record<string, string>> = {
  31: "#ff7b72",
  32: "#7ee787",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#56d4dd",
  37: "#f0f6fc",
  91: "#ffa198",
};

interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly colour: string | undefined;
}

const PLAIN: Style = { bold: false, dim: false, colour: undefined };

/** The style behind an SGR number. */
function styled(style: Style, code: string): Style {
  if (code === "0" || code === "") return PLAIN;
  if (code === "1") return { ...style, bold: true };
  if (code === "2") return { ...style, dim: true };
  if (code === "22") return { ...style, bold: false, dim: false };
  if (code === "39") return { ...style, colour: undefined };
  return { ...style, colour: COLOURS[code] ?? style.colour };
}

/** Cells of a character: emoji take two. */
function cellsOf(character: string): number {
  return /\p{Extended_Pictographic}/u.test(character) ? 2 : 1;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** One line of terminal output as elements of SVG, and the style that goes on behind it. */
function line(text: string, row: number, start: Style): { svg: string; style: Style } {
  let style = start;
  let column = 0;
  let svg = "";
  const y = MARGIN + 34 + row * CELL.height;
  // deno-lint-ignore no-control-regex -- ESC begins a control sequence
  for (const piece of text.split(/(\x1b\[[\d;]*m)/u)) {
    // deno-lint-ignore no-control-regex -- as above
    const codes = /^\x1b\[([\d;]*)m$/u.exec(piece)?.[1];
    if (codes !== undefined) {
      for (const code of codes.split(";")) style = styled(style, code);
      continue;
    }
    for (const run of piece.split(/( {2,}|\p{Extended_Pictographic})/u)) {
      if (run.trim() !== "") {
        const x = (MARGIN + column * CELL.width).toFixed(1);
        const fill = style.colour ?? "#c9d1d9";
        svg += `<text x="${x}" y="${y}" fill="${fill}"${style.bold ? ' font-weight="700"' : ""}${
          style.dim ? ' opacity="0.65"' : ""
        }>${escapeXml(run)}</text>`;
      }
      column += [...run].reduce((sum, character) => sum + cellsOf(character), 0);
    }
  }
  return { svg, style };
}

/** The picture of terminal output. */
function picture(command: string, output: string): string {
  const lines = [`$ ${command}`, "", ...output.trimEnd().split("\n")];
  let style = PLAIN;
  const rows = lines.map((text, row) => {
    const drawn = line(text, row, style);
    style = drawn.style;
    return drawn.svg;
  });
  const width = Math.ceil(COLUMNS * CELL.width + 2 * MARGIN);
  const height = Math.ceil(lines.length * CELL.height + 2 * MARGIN + 34);
  const dots = ["#ff5f56", "#ffbd2e", "#27c93f"].map((fill, at) =>
    `<circle cx="${MARGIN + 6 + at * 20}" cy="22" r="6" fill="${fill}"/>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A report of modelaudit in a terminal">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>${dots.join("")}
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" xml:space="preserve">
${rows.filter((row) => row !== "").join("\n")}
</g>
</svg>
`;
}

if (import.meta.main) {
  const ran = spawnSync(`${ROOT}scripts/modelaudit`, ARGUMENTS, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "1", NO_COLOR: "", COLUMNS: String(COLUMNS) },
  });
  if (ran.status !== 1) throw new Error(`the scan ended with ${ran.status}: ${ran.stderr}`);
  const command = ["modelaudit", ...ARGUMENTS.filter((it) => !/^(?:scan|--.*)$/u.test(it))];
  writeFileSync(TARGET, picture(command.join(" "), ran.stdout));
}
