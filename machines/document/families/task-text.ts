/** What the words of a task say about it: its title, the files that it names, and the tasks that it comes after. */

import { withoutLeadingMarks, withoutTrailingMark } from '../done-marks.ts';
import { readLabel } from '../labels.ts';
import type { TaskLink } from './family.ts';
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
  const unmarked = withoutTrailingMark(withoutLeadingMarks(plain).text).text;
  if (!/[\p{L}\p{N}]/u.test(unmarked)) return { title: fallback, isShortened: text.trim() !== '' };
  const title = shortened(unmarked);
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

const saying = String.raw`(?:depends?\s+(?:up)?on|depending\s+on|dependenc(?:y|ies)|blocked\s+by|requires|prerequisites?|runs\s+after|after)`;
const sayingPattern = new RegExp(`^${saying}$`, 'iu');

/** How the tasks of a family are named where one says that it comes after others. */
export interface IdForm {
  /** An id, without groups and marks. */
  readonly id: RegExp;
  /** A bare id could be any number, so in a sentence the word `task` stands before it. */
  readonly needsWord: boolean;
}

/** The value of a field that says what comes first; null where a line is none. */
function linkField(text: string): { name: string; value: string } | null {
  const label = readLabel(text);
  if (label === null || label.isUnderscored) return null;
  const name = label.name.trim();
  return sayingPattern.test(name) ? { name, value: label.value } : null;
}

/** Whether a line is a field that says what comes first. */
export function isLinkField(text: string): boolean {
  return linkField(text) !== null;
}

/** Of a field that says what comes first: it says that nothing does. */
export function saysNothingFirst(text: string): boolean {
  const value = linkField(text)?.value ?? 'x';
  return (
    /^\W*(?:none|nothing|n\/a|no\s+dependenc(?:y|ies)|no|can\s+start\s+(?:immediately|at\s+once))\b.{0,120}$/iu.test(
      value,
    ) || /^[-–—]?$/.test(value)
  );
}

/** The links that the lines of a task say, in a field or in words. `order`: the ids of the document in order, for ranges. */
export function linksIn(lines: readonly SourceLine[], { id, needsWord }: IdForm, order: readonly string[]): TaskLink[] {
  const word = String.raw`tasks?\s+#?`;
  const chain = String.raw`(?:tasks?|and|or|to|through|[&,/\-–—….\s*\x60#]|${id.source})`;
  const spoken = new RegExp(
    String.raw`(\(?)\b(${saying})\b[*_]*(:?)[\s:*_\x60]{0,8}((?:${needsWord ? word : `(?:${word})?`}${id.source})${chain}*)`,
    'giu',
  );
  const links: TaskLink[] = [];
  for (const { text, number } of lines) {
    const field = linkField(text);
    if (field !== null && !saysNothingFirst(text)) {
      for (const ref of fieldIds(field, { id, needsWord }, order)) links.push({ ref, line: number, isField: true });
    } else if (field === null && text.length <= spokenLimit) {
      for (const [, bracket, said = '', colon, names = ''] of text.matchAll(spoken)) {
        // «after T003» in a sentence is about time; in brackets, or with a colon, it is about order.
        if (!/^(?:depend(?:s|ing)?\s|blocked)/i.test(said) && bracket === '' && colon === '') continue;
        for (const ref of idsIn(names, id, order)) links.push({ ref, line: number, isField: false });
      }
    }
  }
  return links;
}

/** A longer line is no sentence about order. */
const spokenLimit = 2000;

function fieldIds(
  field: { name: string; value: string },
  { id, needsWord }: IdForm,
  order: readonly string[],
): string[] {
  const value = field.value.replaceAll(/\([^()]{0,200}\)/g, ' ');
  const rest = value
    .replaceAll(new RegExp(id.source, 'giu'), '')
    .replaceAll(/\b(?:tasks?|and|or|to|through)\b|[&,;/\-–—….\s*`#:]/giu, '');
  if (!needsWord || rest === '' || field.name === 'after') return idsIn(value, id, order);
  const spoken = new RegExp(
    String.raw`\btasks?\s+#?((?:${id.source}|[&,/\-–—….\s#]|\b(?:and|or|to|through|tasks?)\b)+)`,
    'giu',
  );
  return [...value.matchAll(spoken)].flatMap(([, names = '']) => idsIn(names, id, order));
}

/** Ids in a text, with those between two that a dash joins. */
function idsIn(text: string, id: RegExp, order: readonly string[]): string[] {
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
