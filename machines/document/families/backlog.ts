/** A task of Backlog.md: one task, which is the whole document. Its acceptance criteria are no tasks. */
import type { PlanProblem } from '../shape.ts';
import type { Family, PlanDraft } from './family.ts';
import { frontMatterText } from './sections.ts';
import type { Mark, Sheet } from './sheet.ts';
import { titleOf } from './task-text.ts';

export const backlog = {
  name: 'backlog',
  title: 'Backlog.md',
  waves: ['wave', 'waves'],
  companions: [],
  recognises(sheet) {
    const fields = sheet.frontMatter()?.fields;
    if (typeof fields?.id !== 'string' || typeof fields.title !== 'string' || !('status' in fields)) return false;
    return sheet.folders.includes('backlog') || /^<!-- (?:AC|SECTION:\w+):BEGIN -->$/m.test(sheet.text);
  },
  read(sheet): PlanDraft {
    const fields = sheet.frontMatter()?.fields ?? {};
    const id = String(fields.id ?? '1');
    const { title } = titleOf(String(fields.title ?? ''), id);
    const line = sheet.firstLine <= sheet.lines.length ? sheet.firstLine : 1;
    const { after, remarks } = tasksBefore(sheet, fields.dependencies);
    const task = {
      ref: id.toUpperCase(),
      title,
      line,
      isDone: /^(?:done|completed?|closed)$/i.test(String(fields.status ?? '')),
      body: [...frontMatterText(sheet), ...sheet.between(sheet.firstLine, sheet.lines.length + 1)],
      files: [],
      check: null,
      links: [],
      order: 'sequence' as const,
      number: null,
      marks: statusMarks(sheet),
    };
    return {
      title: { text: title, number: line },
      head: [],
      parts: [{ kind: 'wave', title: '', line, introduction: [], tasks: [task], marks: [] }],
      after,
      problems: [],
      remarks,
      name: id.toLowerCase(),
    };
  },
} as const satisfies Family;

function statusMarks(sheet: Sheet): Mark[] {
  const line = sheet.frontMatter()?.lines.find(({ text }) => /^status:/.test(text));
  const [, lead = '', value = ''] = /^(status:\s*)(\S.*?)\s*$/.exec(line?.text ?? '') ?? [];
  if (line === undefined || value === '') return [];
  const start = sheet.startOf(line.number) + lead.length;
  return [{ start, end: start + value.length, text: 'Done' }];
}

/** Tasks that it depends on and that lie beside it; those that are done have left the folder. */
function tasksBefore(sheet: Sheet, dependencies: unknown): { after: string[]; remarks: PlanProblem[] } {
  const names = (Array.isArray(dependencies) ? dependencies : []).map((name) => String(name).toLowerCase());
  const isBeside = (name: string) =>
    /^[\w.-]+$/.test(name) && sheet.beside.some((file) => file.toLowerCase().startsWith(`${name} `));
  const missing = names.filter((name) => !isBeside(name));
  const line = sheet.frontMatter()?.lines.find(({ text }) => /^dependencies:/.test(text))?.number ?? 1;
  const message = `it depends on ${missing.join(', ')}, which does not lie beside it; nothing waits for that`;
  return { after: names.filter(isBeside), remarks: missing.length === 0 ? [] : [{ line, message }] };
}
