/** What the text of a task says about it: its title, the files that it names, and the tasks that it comes after. */

import { withoutLeadingMarks, withoutTrailingMark } from '../done-marks.ts';
import { readLabel } from '../labels.ts';
import type { TaskLink } from './family.ts';
import type { SourceLine } from './markdown-outline.ts';

/** A longer title is shortened, since titles go into lists, branches and commits; the text below it is complete. */
const titleLimit = 100;

export interface TitledText {
  readonly title: string;
  /** The title leaves something out, so the whole text belongs below it. */
  readonly isShortened: boolean;
}

/** A title for a text: without emphasis, and short. `taken`: what the title shall not repeat, such as marks. */
export function titleOf(text: string, fallback: string, taken: RegExp | null = null): TitledText {
  const plain = (taken === null ? text : text.replaceAll(taken, ' '))
    .replaceAll(/(`+[^`]*`+)|\*\*|~~/g, '$1')
    .replaceAll(/\[([^\][]{1,200})\]\([^()\s]{1,500}\)/g, '$1')
    .replaceAll(/\p{Cc}|\s+/gu, ' ')
    .replace(/^[\s:—–-]+/, '')
    .replace(/(?<![\s:#])[\s:#]+$/, '')
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

/** The paths that a text names: in backticks, and words with a folder and an extension. A route, an address and `and/or` are no paths. */
export function filesNamed(text: string): string[] {
  const files = new Set<string>();
  for (const [all, code] of text.matchAll(/`([^`\n]{1,200})`|\S+/g)) {
    const written = (code ?? all).replace(/^[([{<"']+/, '').replace(/(?<![)\]}>"',;:.])[)\]}>"',;:.]+$/, '');
    if (isPath(written, code !== undefined) && files.size < fileLimit) files.add(written.replace(/^\.\//, ''));
  }
  return [...files];
}

function isPath(word: string, isCode: boolean): boolean {
  if (!/^[\w@.][\w@.+~/[\]-]*$/.test(word) || word.includes('//') || word.includes('..')) return false;
  const last = word.split('/').at(-1) ?? '';
  const hasEnding = /\.[A-Za-z][A-Za-z0-9]{0,9}$/.test(last);
  if (word.includes('/')) return hasEnding || (last === '' && isCode);
  return isCode && hasEnding && !/^[A-Z]\w*\.[a-z]+$|^\w+\.\w+\.\w+$|\.(?:com|org|io|dev|net)$/.test(word);
}

const saying = String.raw`(?:depends?\s+(?:up)?on|depending\s+on|dependenc(?:y|ies)|blocked\s+by|requires|prerequisites?|runs\s+after|after)`;
const sayingPattern = new RegExp(`^${saying}$`);

/** How a task names others of its family that it comes after. */
export interface IdForm {
  /** Every id in a text. */
  readonly ids: RegExp;
  /** Ids behind the word `task`. */
  readonly named: RegExp;
  /** The part of a sentence that says what comes first: a bracket, the phrase, a colon, the ids. */
  readonly spoken: RegExp;
  /** A bare id could be any number, so in a sentence the word `task` is before it. */
  readonly needsWord: boolean;
  /** The id that a text begins with. */
  readonly leading: RegExp;
}

/** `id`: a pattern of one id, without groups and marks. `isLabelled`: the word `task` is before it also where a task begins. */
export function idForm(
  id: RegExp,
  { needsWord, isLabelled = false }: { needsWord: boolean; isLabelled?: boolean },
): IdForm {
  const word = String.raw`tasks?\s+#?`;
  const joint = String.raw`[&+,\u060C\uFF0C\u3001\u2192/\-\u2013\u2014\u2026.\s*\x60#]`;
  const first = needsWord ? word : `(?:${word})?`;
  const chain = `(?:tasks?|and|or|to|through|${joint}|${id.source})*`;
  return {
    ids: new RegExp(id.source, 'giu'),
    named: new RegExp(
      String.raw`\b${word}(${id.source}(?:${id.source}|${joint}|\b(?:and|or|to|through|tasks?)\b)*)`,
      'giu',
    ),
    spoken: new RegExp(String.raw`(\(?)\b(${saying})\b[*_]*(:?)[\s:*_\x60]{0,8}(${first}${id.source}${chain})`, 'giu'),
    needsWord,
    leading: new RegExp(`^\\W*${isLabelled ? word : ''}(${id.source})(?![\\p{L}\\p{N}])`, 'iu'),
  };
}

/** The label may be a key of YAML, bold, in backticks or plain. */
const keyPattern =
  /^\s{0,6}(?:[-*+]\s+)?[`*_]{0,3}(?:depends_on|dependsOn|blocked_by|blockedBy)[`*_]{0,3}\s*[:：][`*_]{0,3}(.*)$/s;

/** The value of a field that says what comes first; null: the line has no such field. */
function linkField(text: string): { name: string; value: string } | null {
  const key = keyPattern.exec(text)?.[1];
  if (key !== undefined) return { name: 'depends on', value: key.trim() };
  const label = readLabel(text);
  if (label === null || label.isUnderscored) return null;
  const name = label.name.trim();
  return sayingPattern.test(name) ? { name, value: label.value } : null;
}

/** Whether a line is a field that says what comes first. */
export function isLinkField(text: string): boolean {
  return linkField(text) !== null;
}

function isNothingFirst(value: string): boolean {
  return (
    /^\W*(?:none|nothing|n\/a|no|can\s+start\s+(?:immediately|at\s+once))\b.{0,120}$/iu.test(value) ||
    /^[-–—]?$/.test(value)
  );
}

/** A field of a task that says what comes first. */
export interface LinkField {
  readonly text: string;
  readonly line: number;
  readonly name: string;
  /** The value, or the items of the list below a field without one. */
  readonly values: readonly SourceLine[];
  /** It says that no task comes first. */
  readonly isNothing: boolean;
}

export function linkFields(lines: readonly SourceLine[]): LinkField[] {
  return lines.flatMap(({ text, number: line }, at) => {
    const field = sayingWord.test(text) ? linkField(text) : null;
    if (field === null) return [];
    const items = field.value === '' ? itemsBelow(lines, at) : [];
    const values = items.length > 0 ? items : [{ text: field.value, number: line }];
    return [{ text, line, name: field.name, values, isNothing: values.every((value) => isNothingFirst(value.text)) }];
  });
}

const itemPattern = /^(\s*)([-*+]|\d{1,9}[.)])\s+(\S.*)$/s;

/** The items of the list that begins below a line: deeper ones than its own, if it is an item itself. */
function itemsBelow(lines: readonly SourceLine[], at: number): SourceLine[] {
  const own = itemPattern.exec(lines[at]?.text ?? '')?.[1]?.length ?? -1;
  const items: SourceLine[] = [];
  for (const { text, number } of lines.slice(at + 1)) {
    const [, spaces = '', , item = ''] = itemPattern.exec(text) ?? [];
    const isOver =
      item === '' ? text.trim() !== '' || items.length > 0 : spaces.length <= own || readLabel(text) !== null;
    if (isOver) break;
    if (item !== '') items.push({ text: item, number });
  }
  return items;
}

/** The links that the lines of a task give, in a field or in a sentence. `order`: the places of the document's ids, for ranges. */
export function linksIn(lines: readonly SourceLine[], form: IdForm, order: IdOrder): TaskLink[] {
  const links = linkFields(lines)
    .filter(({ isNothing }) => !isNothing)
    .flatMap(({ name, values }) =>
      values.flatMap(({ text, number }) =>
        fieldIds({ name, value: text }, form, order).map((ref): TaskLink => ({ ref, line: number, isField: true })),
      ),
    );
  for (const { text, number } of lines) {
    if (!sayingWord.test(text) || text.length > spokenLimit || isLinkField(text)) continue;
    for (const [, bracket, said = '', colon, names = ''] of text.matchAll(form.spoken)) {
      // «after T003» in a sentence is about time; in brackets, or with a colon, it is about order.
      if (!/^(?:depend(?:s|ing)?\s|blocked)/i.test(said) && bracket === '' && colon === '') continue;
      for (const ref of idsIn(names, form, order)) links.push({ ref, line: number, isField: false });
    }
  }
  return links.toSorted((a, b) => a.line - b.line);
}

/** `Task 3`, with numbers as plans count them: `3`, `1.2`, `11b.1`. */
export const numberedTask = /(?<!\d)\d{1,9}[a-z]?(?:\.\d{1,9}[a-z]?){0,8}(?![\p{L}\p{N}])/u;

const sayingWord = /depend|block|requir|prereq|after/i;
/** A longer line is no sentence about order. */
const spokenLimit = 2000;

/** The ids of a document in order, each with its position. */
export interface IdOrder {
  readonly refs: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

/** If two tasks have the same id, the second one gets another. A task that follows this id follows the first of the two. */
export function distinct(ids: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return ids.map((id) => {
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? id : `${id} (${count})`;
  });
}

export function idOrder(refs: readonly string[]): IdOrder {
  return { refs, places: new Map(refs.map((ref, at) => [ref, at])) };
}

/** What follows on the same line is about other tasks: `Task 1 · **Blocks:** Task 5`, `Task 1; blocks Task 5`. */
const nextField =
  /\*\*(?!\W{0,4}(?:tasks?\b|T?\d))[^*:：]{1,40}(?:[:：]\*\*|\*\*[:：])|\b(?:blocks|unblocks|enables)\b/iu;

function fieldIds(field: { name: string; value: string }, form: IdForm, order: IdOrder): string[] {
  const end = field.value.search(nextField);
  const value = field.value.slice(0, end < 0 ? undefined : end).replaceAll(/\([^()]{0,200}\)/g, ' ');
  const rest = value
    .replaceAll(form.ids, '')
    .replaceAll(/\b(?:tasks?|and|or|to|through)\b|[&+,;，、،→|·/\-–—….\s*`#:[\]]/giu, '');
  if (!form.needsWord || rest === '' || field.name === 'after') return idsIn(value, form, order);
  return [...value.matchAll(form.named)].flatMap(([, names = '']) => idsIn(names, form, order));
}

const longestJoint = 40;
/** What joins the ends of a range: `T001 - T003`, `Task 1 to Task 3`, and `1`...`3` in backticks. */
const rangeJoint = /^[\s`*_]*(?:[-–—…]|\.\.\.?|to|through)[\s`*_]*(?:tasks?\b)?[\s`*_#]*$/iu;

/** Ids in a text, with those between the ends of a range. */
function idsIn(text: string, form: IdForm, { refs, places }: IdOrder): string[] {
  const found = [...text.matchAll(form.ids)].map(({ 0: written, index }) => ({
    ref: written.toUpperCase(),
    start: index,
    end: index + written.length,
  }));
  const named = new Set<string>();
  for (const [at, { ref, start }] of found.entries()) {
    const before = found[at - 1];
    const joint = before === undefined ? '' : text.slice(before.end, start);
    if (before !== undefined && joint.length <= longestJoint && rangeJoint.test(joint)) {
      const [from, to] = [places.get(before.ref) ?? -1, places.get(ref) ?? -1];
      if (from >= 0 && to > from) for (const between of refs.slice(from + 1, to)) named.add(between);
    }
    named.add(ref);
  }
  return [...named];
}
