/** What the words of a task say about it: its title, the files that it names, and the tasks that it comes after. */
import type { TaskLink } from './family.ts';
import { readLabel } from '../labels.ts';
import type { SourceLine } from './markdown-outline.ts';

/** Longer ones stand whole in the text below; a title goes into lists, branches and commits. */
const titleLimit = 100;

export interface TitledText {
  readonly title: string;
  /** The title leaves something out, so the whole text belongs below it. */
  readonly isShortened: boolean;
}

/** A title for a text: without emphasis, and short. `taken`: what the title shall not repeat, such as marks. */
export function titleOf(text: string, fallback: string, taken: RegExp | null = null): TitledText {
  const plain = (taken === null ? text : text.replaceAll(taken, ' '))
    .replaceAll(/\*\*|__|~~/g, '')
    .replaceAll(/\[([^\][]{1,200})\]\([^()\s]{1,500}\)/g, '$1')
    .replaceAll(/\p{Cc}|\s+/gu, ' ')
    .replace(/^[\s:—–-]+/, '')
    .replace(/[\s:#]+$/, '')
    .trim();
  if (!/[\p{L}\p{N}]/u.test(plain)) return { title: fallback, isShortened: text.trim() !== '' };
  const title = shortened(plain);
  return { title, isShortened: title !== text.trim() };
}

function shortened(text: string): string {
  if (text.length <= titleLimit) return text;
  const cut = text.slice(0, titleLimit);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > titleLimit / 2 ? space : titleLimit).replace(/[\p{Surrogate}\s,;:–—-]+$/u, '')}…`;
}

const fileLimit = 20;

/** The paths that a text names: in backticks, and as words with a folder and an ending. A route, an address or `and/or` is none. */
export function filesNamed(text: string): string[] {
  const files = new Set<string>();
  for (const [all, code] of text.matchAll(/`([^`\n]{1,200})`|\S+/g)) {
    const written = (code ?? all).replace(/^[([{<"']+/, '').replace(/[)\]}>"',;:.]+$/, '');
    if (isPath(written, code !== undefined) && files.size < fileLimit) files.add(written.replace(/^\.\//, ''));
  }
  return [...files];
}

function isPath(word: string, isCode: boolean): boolean {
  if (!/^[\w@.][\w@.+~/[\]-]*$/.test(word) || word.includes('//') || word.includes('..')) return false;
  const last = word.split('/').at(-1) ?? '';
  const hasEnding = /^[\w@.+~[\]-]*\.[A-Za-z][A-Za-z0-9]{0,9}$/.test(last);
  if (word.includes('/')) return hasEnding || (last === '' && isCode);
  return isCode && hasEnding && !/^[A-Z]\w*\.[a-z]+$|^\w+\.\w+\.\w+$|\.(?:com|org|io|dev|net)$/.test(word);
}


const saying = String.raw`(?:depends?\s+(?:up)?on|depending\s+on|dependenc(?:y|ies)|blocked\s+by|requires|prerequisites?|after)`;

/** The links that the lines of a task say, in a field or in words. `order`: the ids of the document in order, for ranges. */
export function linksIn(lines: readonly SourceLine[], id: RegExp, order: readonly string[]): TaskLink[] {
  const words = new RegExp(String.raw`\b(${saying})\b([\s:*_]{0,8})((?:(?:tasks?|and|or|&|,|\/|to|through|[-–—…]|\.\.|\s|\*|\`|#|${id.source})+))`, 'giu');
  const links: TaskLink[] = [];
  for (const { text, number } of lines) {
    const label = readLabel(text);
    const isField = label !== null && new RegExp(`^${saying}$`, 'iu').test(label.name.trim());
    if (isField) {
      for (const ref of idsIn(label.value, id, order)) links.push({ ref, line: number, isField: true });
      continue;
    }
    if (text.length > 4000) continue;
    for (const [, word = '', gap = '', names = '', at] of matched(text, words)) {
      const isAside = text.slice(Math.max(0, at - 1), at) === '(';
      // «after T003» in a sentence is about time; in brackets, or with a colon, it is about order.
      if (/^(?:after|requires|prerequisites?|dependenc)/i.test(word) && !isAside && !gap.includes(':')) continue;
      for (const ref of idsIn(names, id, order)) links.push({ ref, line: number, isField: false });
    }
  }
  return links;
}

function* matched(text: string, pattern: RegExp): Generator<[string, string, string, string, number]> {
  for (const found of text.matchAll(pattern)) yield [found[0], found[1] ?? '', found[2] ?? '', found[3] ?? '', found.index];
}

/** The field of a task that says what comes first has a value that names nothing: `None`. */
export function statesNoLink(lines: readonly SourceLine[]): boolean {
  return lines.some(({ text }) => {
    const label = readLabel(text);
    if (label === null || !new RegExp(`^${saying}$`, 'iu').test(label.name.trim())) return false;
    return /^\W*(?:none|nothing|n\/a|no dependencies|no|[-–—])\b[^,]{0,80}$|^\s*[-–—]\s*$/iu.test(label.value);
  });
}

/** Whether a line is a field that says what comes first. */
export function isLinkField(text: string): boolean {
  const label = readLabel(text);
  return label !== null && new RegExp(`^${saying}$`, 'iu').test(label.name.trim());
}

/** Ids in a text, with those between two that a dash joins. */
export function idsIn(text: string, id: RegExp, order: readonly string[]): string[] {
  const found = [...text.matchAll(new RegExp(id.source, 'giu'))].map(({ 0: written, index }) => ({
    ref: written.toUpperCase(),
    start: index,
    end: index + written.length,
  }));
  const refs = new Set<string>();
  for (const [at, { ref, start }] of found.entries()) {
    const before = found[at - 1];
    const joint = before === undefined ? '' : text.slice(before.end, start);
    if (before !== undefined && /^\s*(?:[-–—…]|\.\.\.?|to|through)\s*$/iu.test(joint)) {
      const [from, to] = [order.indexOf(before.ref), order.indexOf(ref)];
      if (from >= 0 && to > from) for (const between of order.slice(from + 1, to)) refs.add(between);
    }
    refs.add(ref);
  }
  return [...refs];
}
