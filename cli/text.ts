/** Text on a terminal: its width, cutting and padding it, which characters may be printed at all, and the repo in a printed command. */
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { joinedLines } from '../machines/vocabulary/trimmed-lines.ts';
import { oneLine, safeText } from '../runtime/base/platform/terminal-text.ts';

/** Blocks of characters that are two columns wide (Unicode's East Asian Width, W and F); emoji are found by their own property. */
export const wideBlocks =
  '\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6\\u{16fe0}-\\u{18cff}\\u{1aff0}-\\u{1b2fb}\\u{1f200}-\\u{1f265}\\u{20000}-\\u{3fffd}';
const wide = new RegExp(`^[${wideBlocks}]`, 'u');
const emoji = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2})/u;
const invisible = /^(?:\p{M}|\p{Cf}|\p{Cc}|\p{Zl}|\p{Zp})+$/u;
/** Characters of one column and one code unit: nearly all text. Other text needs a segmenter, and the first one of a process costs 20 ms and more. */
const simple = /^[\x20-\x7e\u00a1-\u024f\u2013\u2014\u2026\u25cb\u25cf\u2713\u2717]*$/;

/** The width in columns of a text without escape sequences. */
export function widthOf(text: string): number {
  if (simple.test(text)) return text.length;
  let width = 0;
  for (const line of text.split('\n')) for (const { segment } of clustersOf(line)) width += clusterWidth(segment);
  return width;
}

/** The most code units of one character on the screen: no cluster that people write has more. */
const clusterLength = 32;

function clustersOf(text: string): Intl.Segments {
  return new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text);
}

function clusterWidth(cluster: string): number {
  if (invisible.test(cluster)) return 0;
  return wide.test(cluster) || emoji.test(cluster) ? 2 : 1;
}

/** Whether a text is wider; of a long text, only its beginning is read. */
export function isWider(text: string, width: number): boolean {
  return text.length > clusterLength * (width + 1) || widthOf(text) > width;
}

/** At most `width` columns of a text; a cut text ends with `…`. */
export function cut(whole: string, width: number): string {
  if (!isWider(whole, width)) return whole;
  if (width <= 0) return '';
  const text = whole.slice(0, clusterLength * (width + 1));
  if (simple.test(text)) return `${text.slice(0, width - 1)}…`;
  let kept = '';
  let used = 0;
  for (const { segment } of clustersOf(text)) {
    const next = clusterWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** At most `width` columns of a name, cut in its middle, because its end distinguishes it as much as its beginning. */
export function cutMiddle(name: string, width: number): string {
  if (widthOf(name) <= width) return name;
  const end = lastColumns(name, Math.floor((width - 1) / 2));
  return `${cut(name, width - widthOf(end))}${end}`;
}

/** At most the last `width` columns of a text. */
export function lastColumns(text: string, width: number): string {
  if (width <= 0) return '';
  if (simple.test(text)) return text.slice(-width);
  let kept = '';
  for (const { segment } of [...clustersOf(text.slice(-clusterLength * width))].reverse()) {
    if (widthOf(segment) + widthOf(kept) > width) break;
    kept = `${segment}${kept}`;
  }
  return kept;
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Foreign text on one line. */
export const plain = oneLine;

/** The most columns of a reason in a list or a line of news. A reason may be a whole review of up to 8 KiB; `plan explain` shows all of it. */
const reasonColumns = 500;

/** Foreign text on one line, at most `reasonColumns` wide. A sentence without a final mark is separated from the next line. */
export function brief(text: string): string {
  return cut(plain(joinedLines(text, '.:;,?!…')), reasonColumns);
}

/** The lines of a foreign text, without the empty ones: each stays a line of its own, since it may be a command or a ref that is copied. */
export function filledLines(text: string): string[] {
  return text
    .split('\n')
    .map(plain)
    .filter((line) => line !== '');
}

/** The same as `plain` for several lines: line ends and tabs stay. */
export const plainLines = safeText;

/** The size of a file: `0 B`, `812 B`, `3.4 MiB`. */
export function byteText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** step;
  return `${step === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[step]}`;
}

/** The end of a printed command about that project: ` --project shop`, or nothing if it is implied. */
export function projectFlag(project: string, implied: string | null): string {
  return project === implied ? '' : ` --project ${shellWord(project)}`;
}

/** Commands that mean the repo of the folder if they name none; those of documents mean files of the folder. */
const commandsOfProject =
  /\bstator (?:(?:plan(?! (?:check|simulate|register|import)\b)|agent|landing|hook) [a-z]+(?:-[a-z]+)*|signal (?:emit|send))/g;

/** A text whose printed commands name that project, unless it is implied. */
export function withProject(text: string, project: string, implied: string | null): string {
  if (text.includes('--project')) return text;
  const flag = projectFlag(project, implied);
  return text.replace(commandsOfProject, (command) => `${command}${flag}`);
}
