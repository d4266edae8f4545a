/**
 * `NN-NN-PLAN.md` of GSD: front matter with `depends_on`, and a `<task>` for each task. Its tasks run one after the other. It depends on other plans, and waits
 * for each whose file lies beside it and has no summary yet. `<automated>` in `<verify>` is the task's check.
 */
import { closesFence, type Fence, openedFence } from '../markdown-lines.ts';
import type { PlanProblem } from '../shape.ts';
import { personRemark } from './descriptions.ts';
import type { DraftTask, Family, PlanDraft } from './family.ts';
import type { SourceLine } from './markdown-outline.ts';
import { layOut, type TaskSpan } from './sections.ts';
import type { FrontMatter, Sheet } from './sheet.ts';
import { titleOf } from './task-text.ts';
import { tasks as headingTasks } from './tasks.ts';

export const gsd = {
  name: 'gsd',
  title: 'GSD',
  waves: ['wave', 'waves'],
  companions: [],
  recognises(sheet) {
    const elements = elementsIn(sheet);
    if (elements.some(({ lines }) => lines.some(({ text }) => /<(?:name|action)>/.test(text)))) return true;
    const fields = sheet.frontMatter()?.fields ?? {};
    return 'plan' in fields && 'depends_on' in fields && headingTasks.recognises(sheet);
  },
  read(sheet): PlanDraft {
    const elements = elementsIn(sheet);
    const spans = elements.map((element, at) => spanOf(element, at, isSummarised(sheet)));
    const draft =
      elements.length > 0 ? layOut(sheet, spans, { titleAbove: firstElement(sheet) }) : headingTasks.read(sheet);
    const { after, remarks } = plansBefore(sheet);
    const people = elements.filter(({ lines }) => /type="checkpoint/.test(lines[0]?.text ?? ''));
    const checkpoints = people.flatMap(({ line }) => personRemark('GSD', { line }));
    return { ...draft, after, remarks: [...draft.remarks, ...remarks, ...checkpoints] };
  },
} as const satisfies Family;

/** The line of `<objective>`, or of what is in its place: a heading below it is no title. */
function firstElement({ lines, firstLine }: Sheet): number {
  return lines.find(({ text, number }) => number >= firstLine && /^<[a-z_]+>/.test(text))?.number ?? lines.length + 1;
}

interface Element {
  readonly line: number;
  readonly end: number;
  readonly lines: readonly SourceLine[];
}

/**
 * The `<task>` elements that begin and end at the start of a line, outside of code and comments. A fence that is still open where the next task begins was
 * never closed: the task before that ends at its own end.
 */
function elementsIn(sheet: Sheet): Element[] {
  const found: Element[] = [];
  let open: number | null = null;
  let fence: Fence | null = null;
  /** The last line of the fence that would end the task. */
  let endInFence: number | null = null;
  const lastComment = sheet.lines.findLast(({ text }) => text.includes('-->'))?.number ?? 0;
  let isComment = false;
  const end = (line: number) => {
    if (open !== null) found.push({ line: open, end: line + 1, lines: sheet.between(open, line + 1) });
    open = null;
    endInFence = null;
  };
  for (const { number, text } of sheet.lines) {
    if (number < sheet.firstLine) continue;
    if (endInFence !== null && /^\s*<(?:task[\s>]|\/tasks>)/.test(text)) {
      end(endInFence);
      fence = null;
    }
    if (isComment) isComment = !text.includes('-->');
    else if (fence !== null) {
      if (closesFence(open === null ? text : text.trimStart(), fence)) {
        fence = null;
        endInFence = null;
      } else if (open !== null && isEnd(text)) endInFence = number;
    } else if (/^ {0,3}<!--/.test(text) && !text.includes('-->') && number < lastComment) isComment = true;
    else {
      // In an element, code is indented as the elements are.
      fence = openedFence(open === null ? text : text.trimStart(), number);
      if (/^\s*<task[\s>]/.test(text)) open ??= number;
      if (open !== null && isEnd(text)) end(number);
    }
  }
  if (endInFence !== null) end(endInFence);
  return found;
}

function isEnd(text: string): boolean {
  return /<\/task>\s*$/.test(text);
}

function spanOf({ line, end, lines }: Element, at: number, isDone: boolean): TaskSpan {
  const text = lines.map((each) => each.text).join('\n');
  const name = contentOf(text, 'name') ?? checkpointName(text) ?? `Task ${at + 1}`;
  const number = /^\s*Task\s+(\d{1,4})\s*[:.—–-]/i.exec(name)?.[1];
  const { title } = titleOf(name.replace(/^\s*Task\s+\d+\s*[:.—–-]+/i, ''), `Task ${at + 1}`);
  const command = withoutFolder(contentOf(contentOf(text, 'verify') ?? '', 'automated'));
  const checkLine = lines.find((each) => each.text.includes('<automated>'))?.number ?? line;
  const task: DraftTask = {
    ref: String(at + 1),
    title,
    line,
    isDone,
    body: lines,
    files: (contentOf(text, 'files') ?? '')
      .split(/[,\n]/)
      .map(pathOf)
      .filter((file) => /[./]/.test(file) && !/[\s`]/.test(file)),
    check: command === null || !isCommand(command) ? null : { text: command, number: checkLine },
    links: [],
    order: 'sequence',
    number: number === undefined ? null : Number(number),
    marks: [],
  };
  return { line, end, tasks: [task], group: null };
}

/** The subject of the question to a person, in a task without a name. */
function checkpointName(text: string): string | null {
  const asked = contentOf(text, 'what-built') ?? contentOf(text, 'decision') ?? contentOf(text, 'action');
  return asked === null ? null : `Checkpoint: ${asked.split('\n')[0] ?? ''}`;
}

/** A path without the bullet before it and the remark in brackets after it. */
function pathOf(written: string): string {
  const path = written.trim().replace(/^[-*]\s+/, '');
  const remark = path.endsWith(')') ? path.search(/\s\(/) : -1;
  return (remark < 0 ? path : path.slice(0, remark).trimEnd()).replaceAll('`', '');
}

function contentOf(text: string, name: string): string | null {
  const start = text.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : text.indexOf(`</${name}>`, start);
  if (end < 0) return null;
  const content = text.slice(start + name.length + 2, end).trim();
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };
  return content.replaceAll(/&(?:lt|gt|quot|amp);/g, (entity) => entities[entity as keyof typeof entities]);
}

/** GSD begins commands by going into the repository's folder on its writer's machine. A check begins in the task's worktree, and must stay there. */
function withoutFolder(command: string | null): string | null {
  return command?.replace(/^cd\s+(?:"\/[^"]*"|'\/[^']*'|[~/][^\s&;|]*)\s*&&\s*/, '') ?? null;
}

/** One line that is not GSD's placeholder for a missing check. */
function isCommand(text: string): boolean {
  return text !== '' && !text.includes('\n') && !/^(?:missing|none|n\/a|manual)\b/i.test(text);
}

/** The plan of that number has a summary, which GSD writes when it is done. */
function isSummarised({ file, beside }: Sheet): boolean {
  const summary = file.replace(/PLAN\.md$/i, 'SUMMARY.md');
  return summary !== file && beside.includes(summary);
}

function plansBefore(sheet: Sheet): { after: string[]; remarks: PlanProblem[] } {
  const matter = sheet.frontMatter();
  const after: string[] = [];
  const remarks: PlanProblem[] = [];
  const phase = /^(\d+(?:\.\d+)?)/.exec(String(matter?.fields?.phase ?? ''))?.[1] ?? null;
  // The prefix of all plans of the phase: `03` of `03-02-PLAN.md`, `3-store` of `3-store-02-PLAN.md`.
  const stem = /^(.+)-\d+[A-Za-z]?-PLAN\.md$/i.exec(sheet.file)?.[1] ?? null;
  for (const written of namesOf(matter)) {
    const [, prefix, number] = /^(?:(\d+(?:\.\d+)?)-(?:.*-)?)?(\d+[A-Za-z]?)(?:-PLAN(?:\.md)?)?$/.exec(written) ?? [];
    const isOfPhase = prefix === undefined || prefix === phase;
    const name = number === undefined ? null : `${(isOfPhase ? stem : null) ?? prefix ?? phase ?? ''}-${number}`;
    const line = matter?.lines.find(({ text }) => text.includes(written))?.number ?? 1;
    const plan = sheet.beside.find((file) => name !== null && file.startsWith(`${name}-`) && /PLAN\.md$/.test(file));
    const isDone = sheet.beside.some(
      (file) => name !== null && file.startsWith(`${name}-`) && /SUMMARY\.md$/.test(file),
    );
    if (isDone) continue;
    if (name !== null && plan !== undefined) after.push(name);
    else
      remarks.push({
        line,
        message: `it depends on \`${written}\`, whose plan does not lie beside it; nothing waits for that`,
      });
  }
  return { after, remarks };
}

function namesOf(matter: FrontMatter | null): string[] {
  const value = matter?.fields?.depends_on;
  const names: unknown[] = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  return names
    .filter((name) => typeof name === 'string' || typeof name === 'number')
    .map(String)
    .filter((name) => name !== '');
}
