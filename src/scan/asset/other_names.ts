/**
 * Extensions of files other than models. Content of a format that lists one of them in `under` is no
 * anomaly there; any other model under such a name is disguised.
 *
 * @module
 */

/** Label, and extensions separated by spaces. */
export const OTHER_NAMES: readonly (readonly [label: string, extensions: string])[] = [
  ["text", "txt text md markdown rst adoc tex log srt vtt diff patch"],
  ["a table", "csv tsv tab"],
  ["settings", "json yaml yml jsonl ndjson toml ini cfg conf env properties lock xml plist"],
  ["a web page", "html htm css svg"],
  ["an image", "jpg jpeg jfif png gif webp bmp tif tiff ico heic avif psd"],
  ["sound or video", "mp3 wav flac ogg m4a aac mp4 mkv mov avi webm"],
  ["a document", "pdf rtf ps eps"],
  ["an office document", "docx xlsx pptx odt ods odp epub"],
  ["a program package", "whl egg jar apk war vsix xpi"],
  ["program text", "py pyi pyw"],
  ["a chat template", "jinja jinja2 j2"],
  [
    "program text",
    "pyx pxd pxi js mjs cjs ts tsx jsx c h cc cpp hpp cu cuh java kt go rs rb php pl lua r jl swift sh bash " +
    "zsh fish ps1 bat cmd sql ipynb proto mk cmake gradle",
  ],
  ["a template", "template tmpl tpl"],
  ["a marker", "typed gitignore gitattributes gitkeep gitmodules dockerignore keep"],
];
