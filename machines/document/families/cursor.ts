/** `*.plan.md` of Cursor: the `todos` of its front matter are the tasks, and the text below them is for all. Without dependencies they run in order. */
import { isNothing } from '../fields.ts';
import type { DraftTask, Family, PlanDraft, TaskLink } from './family.ts';
import type { SourceLine } from './markdown-outline.ts';
import { frontMatterText } from './sections.ts';
import { isRecord, type Mark, type Sheet } from './sheet.ts';
import { distinct, titleOf } from './task-text.ts';

export const cursor = {
  name: 'cursor',
  title: 'a plan of Cursor',
  waves: ['wave', 'waves'],
  companions: [],
  recognises: (sheet) => todosOf(sheet).length > 0,
  read(sheet): PlanDraft {
    const todos = todosOf(sheet);
    const blocks = blocksOf(sheet, todos.length);
    const hasOrder = todos.some((todo) => dependenciesOf(todo).length > 0);
    const refs = distinct(
      todos.map(({ id }, at) => (/^(?:string|number)$/.test(typeof id) ? String(id) : `#${at + 1}`)),
    );
    const heading = sheet.outline().find((block) => block.kind === 'heading' && block.level === 1);
    const title = heading?.kind === 'heading' && heading.text !== '' ? heading : null;
    const text = sheet.between(sheet.firstLine, sheet.lines.length + 1);
    const tasks = todos.map((todo, at) =>
      taskOf(sheet, todo, { ref: refs[at] ?? '', block: blocks?.[at] ?? [], hasOrder }),
    );
    return {
      title: title === null ? null : { text: title.text, number: title.line },
      head: [
        ...frontMatterText(sheet),
        ...text.filter(({ number }) => title === null || number < title.line || number >= title.end),
      ],
      parts:
        tasks.length === 0
          ? []
          : [{ kind: 'wave', title: '', line: tasks[0]?.line ?? 1, introduction: [], tasks, marks: [] }],
      after: [],
      problems: [],
      remarks: [],
      name: null,
    };
  },
} as const satisfies Family;

type Todo = Readonly<Record<string, unknown>>;

function todosOf(sheet: Sheet): Todo[] {
  const todos = sheet.frontMatter()?.fields?.todos;
  if (!Array.isArray(todos)) return [];
  const found = todos.filter(isTodo);
  return found.length === todos.length ? found : [];
}

function isTodo(todo: unknown): todo is Todo {
  return isRecord(todo) && typeof todo.content === 'string' && todo.content.trim() !== '';
}

/** The first entry that keeps `todos` from being those of a plan of Cursor; null: there are none. */
export function unreadTodo(sheet: Sheet): string | null {
  const todos = sheet.frontMatter()?.fields?.todos;
  if (!Array.isArray(todos) || todos.length === 0) return null;
  return `its \`todos\` are like those of Cursor, but entry ${todos.findIndex((todo) => !isTodo(todo)) + 1} has no text in \`content\``;
}

/** A list, or a text with commas between the ids. */
function dependenciesOf({ dependencies }: Todo): string[] {
  if (Array.isArray(dependencies)) return dependencies.map(String);
  if (typeof dependencies === 'number') return [String(dependencies)];
  if (typeof dependencies !== 'string') return [];
  const ids = dependencies.split(',').map((id) => id.trim());
  return ids.filter((id) => !isNothing(id));
}

/** The lines of each item of `todos`; null where they cannot be told apart. */
function blocksOf(sheet: Sheet, count: number): SourceLine[][] | null {
  const lines = sheet.frontMatter()?.lines ?? [];
  const start = lines.findIndex(({ text }) => /^todos:\s*$/.test(text));
  const blocks: SourceLine[][] = [];
  let indent: number | null = null;
  for (const line of lines.slice(start + 1)) {
    const [, spaces = ''] = /^(\s*)/.exec(line.text) ?? [];
    if (spaces === '' && !line.text.startsWith('-') && line.text.trim() !== '') break;
    const isItem = /^\s*-\s/.test(line.text) && spaces.length <= (indent ?? spaces.length);
    if (isItem) {
      indent = spaces.length;
      blocks.push([line]);
    } else blocks.at(-1)?.push(line);
  }
  return start >= 0 && blocks.length === count ? blocks : null;
}

interface TodoPlace {
  readonly ref: string;
  readonly block: readonly SourceLine[];
  readonly hasOrder: boolean;
}

function taskOf(sheet: Sheet, todo: Todo, { ref, block, hasOrder }: TodoPlace): DraftTask {
  const content = String(todo.content).trim();
  const { title, isShortened } = titleOf(content, `Item ${ref}`);
  const line = block[0]?.number ?? 1;
  const text = content.split(/\r\n?|\n/).map((each) => ({ text: each, number: line }));
  return {
    ref,
    title,
    line,
    isDone: /^(?:completed?|done|cancelled|canceled)$/i.test(String(todo.status ?? '')),
    body: [
      ...(isShortened ? text : []),
      { text: '', number: 0 },
      { text: `Its id in the plan: \`${ref.replaceAll(/\s+/g, ' ')}\``, number: line },
    ],
    files: [],
    check: null,
    links: dependenciesOf(todo).map((other): TaskLink => ({ ref: other, line, isField: true })),
    order: hasOrder ? 'stated' : 'sequence',
    number: null,
    marks: statusMarks(sheet, block),
  };
}

function statusMarks(sheet: Sheet, block: readonly SourceLine[]): Mark[] {
  for (const { text, number } of block) {
    const [, lead = '', value = ''] = /^(\s*(?:-\s+)?status:\s*)([\w-]+|"[\w-]+"|'[\w-]+')\s*$/.exec(text) ?? [];
    if (value === '') continue;
    const start = sheet.startOf(number) + lead.length;
    return [{ start, end: start + value.length, text: 'completed' }];
  }
  return [];
}
