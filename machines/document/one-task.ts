/** A document without waves as a plan of one task, which is all of it. */
import { isDoneTitle } from './headings.ts';
import { parsePlan } from './plan-document.ts';
import type { ParsedPlan } from './shape.ts';

/** The text followed by one wave with one task; `words`: a person's message beside the document. `problems` says why it cannot be such a plan. */
export function asOneTask(
  content: string,
  { title, words }: { title: string; words: string },
): ParsedPlan & { content: string } {
  const task = ['Do all that this document says.', words.trim()].filter(Boolean).join('\n\n');
  // A mark in the title of a document is about earlier work.
  const name = isDoneTitle(title) ? 'All of it' : title;
  const whole = `${content.trimEnd()}\n\n## Wave 1\n\n### Task 1: ${name}\n\n${task}\n`;
  const parsed = parsePlan(whole);
  const tasks = parsed.document.waves.flatMap((wave) => wave.tasks);
  if (!parsed.ok || tasks.length === 1) return { ...parsed, content: whole };
  const line = parsed.document.waves[0]?.line ?? 1;
  return { ...parsed, ok: false, problems: [{ line, message: 'there are waves or tasks already' }], content: whole };
}
