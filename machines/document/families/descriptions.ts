/** Remarks about documents: the files that belong to one, and what a document that is not a plan looks like. */
import { markdownLines } from '../markdown-lines.ts';
import { type PlanProblem, quoted } from '../shape.ts';
import { unreadTodo } from './cursor.ts';
import type { Family } from './family.ts';
import type { SourceLine } from './markdown-outline.ts';
import { lineLimit, type Sheet } from './sheet.ts';
import { unreadTask } from './task-master.ts';

/** The files of the family that lie beside the document, for its agents. */
export function companionNote(sheet: Sheet, { companions }: Family): SourceLine[] {
  const beside = companions.filter((name) => name !== sheet.file && sheet.beside.includes(name));
  if (beside.length === 0) return [];
  const paths = beside.map((name) => `\`${[...sheet.folders, name].join('/').replaceAll(/[\p{Cc}`]/gu, '?')}\``);
  return ['', `Read these files first, as far as your task needs them: ${paths.join(', ')}`, ''].map((text) => ({
    text,
    number: 0,
  }));
}

/** The remark on a task that waits for a person in its own program; a task that is done needs none. */
export function personRemark(
  program: string,
  { line, box = null }: { readonly line: number; readonly box?: { readonly isChecked: boolean } | null },
): PlanProblem[] {
  const message = `this step waits for a person in ${program}; an agent gets it as a task`;
  return box?.isChecked === true ? [] : [{ line, message }];
}

const almostBox =
  /^(\s*(?:[-*+]|\d{1,9}[.)]))(?:\[([ xX]?)\]\s|\s+\[([ xX]?)\](?:\u00A0|(?=[\p{L}\p{N}\p{S}`"']|\*\*))|\s+\[(\s{2,}|[^\S ]|\s+[xX]\s*|[xX]\s+)\]\s)\s*(\S.*)$/su;

/** The remark on the first line that looks like a check box and is not read as one: `-[ ] a`, `- [ ]a`, `- [ x ] a`. */
export function almostBoxRemark({ text }: Sheet): PlanProblem[] {
  const lines = [...markdownLines(text)].filter(({ part, text: line }) => part === 'text' && almostBox.test(line));
  const [first] = lines;
  const [, bullet = '', before = '', behind = '', wide = '', rest = ''] = almostBox.exec(first?.text ?? '') ?? [];
  if (first === undefined) return [];
  const form = `${bullet.trim()} [${/x/i.test(before + behind + wide) ? 'x' : ' '}] ${rest}`;
  const count = lines.length - 1;
  const others = count === 0 ? '' : `, and neither ${count === 1 ? 'is one other line' : `are ${count} other lines`}`;
  const spaces = first.text.includes('\u00A0') ? ' with ordinary spaces' : '';
  const message = `${quoted(first.text.trim())} is no check box${others}; write ${quoted(form)}${spaces}`;
  return [{ line: first.number, message }];
}

export function emptyProblem({ title }: Pick<Family, 'title'>): PlanProblem {
  return { line: 1, message: `no task found: the document does not look like ${title}` };
}

export function tooManyLines({ lines }: Sheet): PlanProblem | null {
  if (lines.length <= lineLimit) return null;
  return { line: lineLimit + 1, message: `the document has more than ${lineLimit} lines; split it into several plans` };
}

/** One sentence that says what a document is that is not read as a plan. */
export function describe(sheet: Sheet): string {
  const json = sheet.json();
  if (json !== null) {
    if (json.problem !== null) return `${json.problem.message} (line ${json.problem.line})`;
    return unreadTask(json.value) ?? 'it is JSON, and neither of task-master (tasks) nor of Ralph (userStories)';
  }
  const known = knownDocument(sheet) ?? unreadTodo(sheet);
  if (known !== null) return known;
  if (sheet.lines.length > lineLimit) return `it has more than ${lineLimit} lines`;
  const blocks = sheet.outline();
  const headings = blocks.filter(({ kind }) => kind === 'heading').length;
  const items = blocks.flatMap((block) => (block.kind === 'list' ? block.items : []));
  const boxes = items.filter(({ box }) => box !== null).length;
  const parts = [
    counted(headings, 'heading'),
    counted(items.length, 'list item'),
    counted(boxes, 'check box', 'check boxes'),
  ];
  return `it has ${parts.join(', ')}, and nothing that says which of them are tasks`;
}

/** Documents of a family that are not its plan. */
const companionsOfPlans = [
  { folder: '.kiro', files: ['requirements.md', 'design.md', 'bugfix.md'], title: 'Kiro', plan: 'tasks.md' },
  { folder: 'openspec', files: ['proposal.md', 'design.md', 'spec.md'], title: 'OpenSpec', plan: 'tasks.md' },
  { folder: 'conductor', files: ['spec.md', 'tracks.md', 'index.md'], title: 'Conductor', plan: 'plan.md' },
  {
    folder: 'specs',
    files: ['spec.md', 'plan.md', 'research.md', 'quickstart.md'],
    title: 'spec-kit',
    plan: 'tasks.md',
  },
];

function companionOf({ file, folders }: Sheet): (typeof companionsOfPlans)[number] | undefined {
  return companionsOfPlans.find(({ folder, files }) => folders.includes(folder) && files.includes(file));
}

/** The path of the plan that the document belongs to; null: it is of no known kind, or the plan does not lie beside it. */
export function planBeside(sheet: Sheet): string | null {
  const plan = companionOf(sheet)?.plan;
  return plan !== undefined && sheet.beside.includes(plan) ? [...sheet.folders, plan].join('/') : null;
}

function knownDocument(sheet: Sheet): string | null {
  const found = companionOf(sheet);
  if (found === undefined) return null;
  const path = planBeside(sheet);
  const place = path === null ? 'is not written yet' : `lies beside it: ${path}`;
  return `it is ${sheet.file} of ${found.title}, whose plan (${found.plan}) ${place}`;
}

function counted(count: number, one: string, several = `${one}s`): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? one : several}`;
}
