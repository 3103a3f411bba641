/**
 * The map of a report: its folders and files by size, coloured by verdict.
 *
 * @module
 */

/// <reference lib="dom" />

import type { FileView } from "../view.ts";
import { html, svg } from "./dom.ts";
import { sizeText } from "./size.ts";
import { type Folder, nameOf, weightOf } from "./tree.ts";
import { type Box, squarify } from "./treemap.ts";

/** Units of the drawing; it is scaled to the page. */
const WIDTH = 1000;
const HEIGHT = 320;

/** A folder whose rectangle is smaller is one rectangle; a small part of a screen's pixel. */
const LEAST_AREA = 60;

/** What a folder keeps free for its name. */
const HEADING = 14;
const GAP = 1.5;

/**
 * Draws the map.
 *
 * @param open is called with a file that was chosen
 */
export function mapOf(root: Folder, open: (file: FileView) => void): HTMLElement {
  const files = new Map<Element, FileView>();
  const drawing = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": "Files by size and verdict",
    preserveAspectRatio: "none",
  });
  const draw = (folder: Folder, box: Box, depth: number): void => {
    if (box.width * box.height < LEAST_AREA) {
      const text = `${folder.name}: ${folder.count} files, ${sizeText(folder.bytes)}`;
      drawing.append(rectangle(box, folder.verdict, text));
      return;
    }
    const items = [
      ...folder.folders.map((it) => ({ weight: it.weight, value: it as Folder | FileView })),
      ...folder.files.map((it) => ({ weight: weightOf(it), value: it as Folder | FileView })),
    ];
    for (const { value, ...place } of squarify(items, box)) {
      if ("path" in value) {
        const text = `${value.path}\n${value.verdict}${
          value.size === null ? "" : `, ${sizeText(value.size)}`
        }`;
        const cell = rectangle(place, value.verdict, text);
        files.set(cell, value);
        drawing.append(cell, ...labelOf(nameOf(value.path), place));
        continue;
      }
      const inner = framed(place, depth);
      if (inner.heading) drawing.append(...folderLabel(value, place));
      draw(value, inner.box, depth + 1);
    }
  };
  draw(root, { x: 0, y: 0, width: WIDTH, height: HEIGHT }, 0);
  drawing.addEventListener("click", ({ target }) => {
    const file = target instanceof Element ? files.get(target) : undefined;
    if (file !== undefined) open(file);
  });
  return html("div", { class: "map" }, drawing);
}

/** Room inside a folder's rectangle, with a heading where it is large enough. */
function framed(box: Box, depth: number): { readonly box: Box; readonly heading: boolean } {
  const heading = depth < 3 && box.width > 90 && box.height > 50;
  const top = heading ? HEADING : GAP;
  const inner = {
    x: box.x + GAP,
    y: box.y + top,
    width: Math.max(0, box.width - 2 * GAP),
    height: Math.max(0, box.height - top - GAP),
  };
  return { box: inner, heading };
}

function rectangle({ x, y, width, height }: Box, verdict: string, text: string): SVGRectElement {
  const gap = Math.min(width, height) > 6 ? 1 : 0;
  const place = {
    x: x.toFixed(2),
    y: y.toFixed(2),
    width: Math.max(0.5, width - gap).toFixed(2),
    height: Math.max(0.5, height - gap).toFixed(2),
  };
  return svg("rect", { ...place, class: `cell ${verdict}` }, svg("title", {}, text));
}

/** The name of a file, where there is room for it. */
function labelOf(name: string, { x, y, width, height }: Box): SVGElement[] {
  const shown = fitting(name, width - 6);
  if (height < 16 || shown === "") return [];
  return [svg("text", { x: x + 4, y: y + 12, class: "label" }, shown)];
}

function folderLabel({ name }: Folder, { x, y, width }: Box): SVGElement[] {
  const shown = fitting(`${name}/`, width - 6);
  return shown === "" ? [] : [svg("text", { x: x + 3, y: y + 10, class: "folder-label" }, shown)];
}

/** So much of a text as fits into a width; nothing where that would be a letter or two. */
function fitting(text: string, width: number): string {
  const room = Math.floor(width / 6);
  if (text.length <= room) return text;
  return room < 6 ? "" : `${text.slice(0, room - 1)}…`;
}
