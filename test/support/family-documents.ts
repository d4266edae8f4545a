/** Properties of every document that a family reads. */
import { expect } from 'vitest';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { type FamilyName, type PlanReading, readPlan } from '../../machines/document/read-plan.ts';

export function lines(...text: string[]): string {
  return `${text.join('\n')}\n`;
}

export function read(text: string, path = 'plan.md', beside: string[] = [], as?: FamilyName): PlanReading {
  const reading = readPlan({ text, path, beside }, as);
  expectWhole(text, reading);
  return reading;
}

/** One line for each wave: its number and title, and `number title` of each task; `x` before a task: done; `<` after it: its dependencies. */
export function outline({ document }: Pick<PlanReading, 'document'>): string[] {
  return document.waves.map(({ number, title, tasks }) => {
    const shown = tasks.map((task) => {
      const after = task.after.length === 0 ? '' : ` < ${task.after.join(' ')}`;
      return `${task.isDone ? 'x ' : ''}${task.number} ${task.title}${after}`;
    });
    return `${number}${title === '' ? '' : ` ${title}`}: ${shown.join(' | ')}`;
  });
}

/** The text of each task of the first wave, without blank lines around it and without the order that the own form adds. */
export function bodiesOf({ document }: Pick<PlanReading, 'document'>): string[] {
  return (document.waves[0]?.tasks ?? []).map(({ body }) => body.trim().replace(/^\*\*After:\*\* [\d, ]+\n*/, ''));
}

export function problemsOf({ problems }: Pick<PlanReading, 'problems'>): string[] {
  return problems.map(({ line, message }) => `${line}: ${message}`);
}

export function remarksOf({ remarks }: Pick<PlanReading, 'remarks'>): string[] {
  return remarks.map(({ line, message }) => `${line}: ${message}`);
}

/** Each line of the document is in stator's own form, and that form is read with the same result. */
function expectWhole(text: string, reading: PlanReading): void {
  expect(reading.ok).toBe(reading.problems.length === 0);
  const count = text.split(/\r\n?|\n/).length;
  for (const { line } of [...reading.problems, ...reading.remarks]) {
    expect(line).toBeGreaterThan(0);
    expect(line).toBeLessThanOrEqual(Math.max(1, count));
  }
  if (!reading.ok) return;
  const again = readPlan({ text: reading.content, path: 'own.md', beside: [] });
  expect(again.family).toBe('stator');
  expect(again.document).toEqual(reading.document);
  expect(again.document).toEqual(parsePlan(reading.content).document);
  if (reading.family === 'stator' || /^\s*[{[]/.test(text)) return;
  const texts = [letters(reading.content), letters(withoutBoxes(reading.content))];
  const lost = text
    .split(/\r\n?|\n/)
    .filter((line) => !texts.some((all) => all.includes(letters(line)) || all.includes(letters(withoutBoxes(line)))));
  expect(lost).toEqual([]);
}

/** A box that became the mark of a task is not part of the text. */
function withoutBoxes(text: string): string {
  return text.replaceAll(/^[ \t]*(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]+\[.?\]\*?/gm, '');
}

function letters(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]+/gu, '');
}
