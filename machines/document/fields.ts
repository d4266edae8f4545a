/** What is common to the `**Name:** value` lines of a plan and of a task. */
import { type Label, slippedLabel } from './labels.ts';
import { quoted, type ReportProblem } from './shape.ts';

/** A line that is no heading, and in no code and no comment. */
export interface TextLine {
  text: string;
  number: number;
  /** The text that the line begins with. */
  label: Label | null;
}

/** Where remarks about a line go: `remark` takes a line that is no mistake, but most likely not what the writer meant. */
export interface Reports {
  problem: ReportProblem;
  remark: ReportProblem;
}

export type Field<Name extends string> = Label & { name: Name };

/** The field that a label is. One that was most likely meant as one is a problem. */
export function readField<Name extends string>(
  label: Label,
  known: readonly Name[],
  found: (message: string) => void,
): Field<Name> | null {
  const name = known.find((candidate) => candidate === label.name);
  if (name !== undefined && !label.isUnderscored) return { ...label, name };
  const meant = name ?? slippedLabel(label.name, known);
  if (meant !== null && (label.value === '' || !isNothing(label.value))) found(slipMessage(label.written, meant));
  return null;
}

function slipMessage(written: string, meant: string): string {
  const shown = shownName(meant);
  const advice = `write ${shown}, or use another word where it is only text`;
  return `${quoted(written)} is not read; did you mean ${shown}? ${advice}`;
}

/** A field as it is written: `**Tech Stack:**`. */
export function shownName(name: string): string {
  return `**${name.replace(/(?:^| )[a-z]/g, (letter) => letter.toUpperCase())}:**`;
}

/** People write `none` or a dash for an empty value. */
export function isNothing(value: string): boolean {
  return value === '' || /^(?:none\.?|n\/a|[-–—])$/i.test(value);
}

/** The digits of Chinese and Japanese keyboards as all others are. */
export function asciiDigits(text: string): string {
  return !/[０-９]/.test(text)
    ? text
    : text.replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0));
}

/** The content of a value that is one code span from end to end. A shell would run what the backticks print. */
export function codeSpan(value: string): string | null {
  let width = 0;
  while (value[width] === '`') width += 1;
  const marker = '`'.repeat(width);
  const content = value.slice(width, -width);
  if (value.length <= 2 * width || !value.endsWith(marker) || content.includes(marker)) return null;
  return content.trim() === '' ? null : content.trim();
}

/** The name that a `**Repo:**` has, which the configuration knows; null: it is no name. */
export function repoName(value: string): string | null {
  const name = value.startsWith('`') ? codeSpan(value) : value;
  return name !== null && /^[\w.-]{1,64}$/.test(name) ? name : null;
}

export const repoAdvice = 'write one, as in **Repo:** api';
