/**
 * A plan document with placeholders for the texts of an item. Only the document decides what is done. Foreign texts are inserted as quotations, and
 * never become a task, a field or a command: a placeholder is refused where that could happen, and each filled document is compared with the
 * template.
 */
import { basename } from 'node:path';
import { readHeading } from '../../../machines/document/headings.ts';
import { issueLinkProblem } from '../../../machines/document/issue-links.ts';
import { type MarkdownLine, markdownLines } from '../../../machines/document/markdown-lines.ts';
import { decodePlan, parsePlan, shellBlocks } from '../../../machines/document/plan-document.ts';
import { quoted } from '../../../machines/document/shape.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { didYouMeanAfter } from '../../base/config/nearest.ts';
import {
  commentText,
  excerpt,
  fencedInPlan,
  foreignWarning,
  oneLine,
  quotationLimitBytes,
} from '../agents/prompts/quotation.ts';
import { disarmed } from '../forges/closing-words.ts';
import type { Issue } from '../forges/forge.ts';
import type { Projects } from '../repos/registry.ts';
import { mustBeOwn } from './own-path.ts';
import { readDocumentText, readOwnFile } from './read-document.ts';

/** The texts of an item; empty where it has none. */
export interface TemplateItem extends Pick<Issue, 'title' | 'body' | 'url' | 'author' | 'comments'> {
  readonly labels: readonly string[];
}

export interface Template {
  /** Returns the item's document, or a reason: with the item's texts the document would do something else than the template. */
  fill(item: TemplateItem): { readonly content: string } | { readonly reason: string };
}

const placeholders = ['title', 'url', 'author', 'labels', 'body', 'comments'] as const;
type Placeholder = (typeof placeholders)[number];
/** These become blocks of text, so each must be alone on its line. */
const blocks: ReadonlySet<Placeholder> = new Set(['body', 'comments']);
const commentLimit = 20;

/**
 * While a template is parsed, each placeholder is replaced by one of these marks. A mark looks like a path and like an address, so that fields for
 * these accept it; that is how a placeholder in a field is found.
 */
const markOf = (name: Placeholder) => (name === 'url' ? 'https://stator.invalid/url' : `stator.invalid/${name}`);
const anyMark = new RegExp(`(?:https://)?stator\\.invalid/(${placeholders.join('|')})\\b`, 'g');

/** Reads the template from a file. Throws `bad_config` if others can write the file, or if it is not valid. */
export async function readTemplate(path: string, projects: Pick<Projects, 'all'>): Promise<Template> {
  await mustBeOwn({ path, is: 'file' }, projects);
  const wrong = (reason: string) =>
    new EngineError(
      'bad_config',
      `the template ${path}: ${reason}`,
      'correct that file; docs/intake.md says what may be there',
    );
  const read = await readOwnFile(path);
  if ('reason' in read) throw wrong(read.reason);
  const decoded = decodePlan(read.bytes);
  if ('problem' in decoded) throw wrong(decoded.problem.message);
  const made = templateOf(decoded.content, basename(path));
  if ('reason' in made) throw wrong(made.reason);
  return made;
}

/** `name`: the name of its file. */
export function templateOf(text: string, name: string): Template | { readonly reason: string } {
  const marked = withMarks(text);
  if ('reason' in marked) return marked;
  const read = readDocumentText(marked.text, name);
  if ('reason' in read) return { reason: unmarked(read.reason) };
  const lines = [...markdownLines(read.reading.content)];
  const shape = shapeOf(read.reading.content, markOf('url'));
  const reason = lines.map(misplaced).find((found) => found !== null) ?? fieldWithMark(shape);
  if (reason !== null) return { reason };
  return {
    fill(item) {
      const content = lines.map((line) => filled(line, item)).join('\n');
      const isSame = JSON.stringify(shapeOf(content, item.url)) === JSON.stringify(shape);
      return isSame
        ? { content: `${content}\n` }
        : { reason: 'with its text the plan would not be that of the template' };
    },
  };
}

/** The text with marks in place of the placeholders. In code, braces around any other word are code. */
function withMarks(text: string): { readonly text: string } | { readonly reason: string } {
  const found: string[] = [];
  const marked = [...markdownLines(text)].map((line) =>
    line.text.replace(/(\\?)\{\{([^{}]*)\}\}/g, (whole, backslash: string, inner: string) => {
      if (backslash !== '') return whole.slice(1);
      const written = inner.trim();
      const name = placeholders.find((each) => each === written);
      if (name !== undefined) return markOf(name);
      if (line.part === 'text') found.push(unknown(written, line.number));
      return whole;
    }),
  );
  const [reason] = found;
  return reason === undefined ? { text: marked.join('\n') } : { reason };
}

function unknown(name: string, line: number): string {
  const shown = (each: string) => `{{${each}}}`;
  const meant = didYouMeanAfter(name, placeholders, shown);
  const valid = placeholders.map(shown).join(', ');
  return `line ${line}: unknown placeholder {{${oneLine(name)}}}${meant}; accepted: ${valid}; write \\{{ for braces that are text`;
}

/** In error messages, a placeholder is shown as its author wrote it. */
function unmarked(text: string): string {
  return text.replace(anyMark, '{{$1}}');
}

/** Why a placeholder may not be in that line; null: it may. */
function misplaced({ text, part }: MarkdownLine): string | null {
  const names = [...text.matchAll(anyMark)].map(([, name]) => name as Placeholder); // the pattern knows no other
  const [first] = names;
  if (first === undefined) return null;
  const where = quoted(unmarked(text.trim()));
  if (part !== 'text')
    return `${where}: {{${first}}} is in code or in a comment; put it outside, where it comes as quoted text`;
  const block = names.find((name) => blocks.has(name));
  if (block === undefined || text.trim() === markOf(block)) return null;
  return `${where}: {{${block}}} becomes a block of text, so it has a line of its own`;
}

/** Everything in a document that makes an engine act. The rest is text for its agents. */
function shapeOf(content: string, url: string) {
  const { ok, document } = parsePlan(content);
  const { topic, host, budget, after, issues, waves } = document;
  return {
    ...{ topic, host, budget, after, issues: issues.filter((link) => link !== url) },
    isRead: ok || waves.length === 0,
    waves: waves.map(({ number, tasks }) => ({
      number,
      tasks: tasks.map(({ number: task, isDone, check, files, after: before, agent, body }) => ({
        ...{ task, isDone, check, files, before, agent, commands: shellBlocks(body) },
      })),
    })),
  };
}

function fieldWithMark(shape: ReturnType<typeof shapeOf>): string | null {
  const [, name] = new RegExp(anyMark.source).exec(JSON.stringify(shape)) ?? [];
  if (name === undefined) return null;
  return `{{${name}}} is in a field that stator itself reads, such as **Check:** or **Files:**; what others wrote can be in **Goal:**, in **Issue:** (the url) and in text`;
}

function filled(line: MarkdownLine, item: TemplateItem): string {
  const alone = placeholders.find((name) => blocks.has(name) && line.text.trim() === markOf(name));
  if (alone !== undefined) return blockOf(alone, item);
  const { heading } = readHeading(line.text);
  const safe = withValues(line.text, (name) => inlineOf(name, item));
  if (heading === null) return safe;
  const plain = withValues(line.text, (name) => plainOf(name, item));
  return isSameHeading(plain, line.text) ? plain : safe;
}

function withValues(text: string, value: (name: Placeholder) => string): string {
  return text.replace(anyMark, (_mark, name: Placeholder) => value(name));
}

/** A mark in a title can say that the task is done, and a word in it can change the meaning of the heading. */
function isSameHeading(one: string, other: string): boolean {
  const meaning = (text: string) => {
    const { heading, slip } = readHeading(text);
    return JSON.stringify([heading === null ? null : { ...heading, title: '', remark: '', counted: '' }, slip]);
  };
  return meaning(one) === meaning(other);
}

function blockOf(name: Placeholder, { title, body, url, comments }: TemplateItem): string {
  const rest = oneLine(url === '' ? title : url);
  const text =
    name === 'body'
      ? excerpt(body, { limitBytes: quotationLimitBytes, keep: 'start', rest })
      : comments.slice(-commentLimit).map(commentText).join('\n\n');
  return text === '' ? '(none)' : `${foreignWarning}\n\n${fencedInPlan(text)}`;
}

/** Quoted text on one line, so that it begins no markdown structure. */
function inlineOf(name: Placeholder, item: TemplateItem): string {
  // Any other text after **Issue:** would be an error in the plan.
  if (name === 'url') return issueLinkProblem(item.url) === null ? item.url : 'none';
  return name === 'labels' ? item.labels.map(inQuotes).join(', ') || 'none' : inQuotes(textOf(name, item));
}

function inQuotes(text: string): string {
  return text === '' ? 'none' : `"${disarmed(oneLine(text)).replaceAll('"', "'")}"`;
}

/** Text for a heading, which also becomes the title of commits and of a pull request. */
function plainOf(name: Placeholder, item: TemplateItem): string {
  return disarmed(oneLine(textOf(name, item))).replace(/[*_`<>[\]\\]/g, '') || 'none';
}

function textOf(name: Placeholder, { title, url, author, labels }: TemplateItem): string {
  return { title, url, author, labels: labels.join(', '), body: '', comments: '' }[name];
}
