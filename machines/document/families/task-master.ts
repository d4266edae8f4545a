/**
 * `tasks.json` of task-master: tasks with ids, dependencies and a status, in one list or in one for each tag. What a task depends on runs before it; the
 * others run together, since the file names the dependencies of each task. Where no task depends on another, they run in order. Subtasks are steps.
 */

import { type PlanProblem, quoted } from '../shape.ts';
import { taskLimit } from './checklist.ts';
import type { DraftTask, Family, PlanDraft } from './family.ts';
import { type JsonNode, linksIn, readableJson, textOf } from './json-document.ts';
import type { SourceLine } from './markdown-outline.ts';
import type { Mark } from './sheet.ts';
import { isRecord } from './sheet.ts';
import { distinct, titleOf } from './task-text.ts';

export const taskMaster = {
  name: 'task-master',
  title: 'task-master',
  waves: ['wave', 'waves'],
  companions: [],
  recognises(sheet) {
    const value = sheet.json()?.value;
    return isRecord(value) && [value, ...Object.values(value)].some(isTaskList);
  },
  read(sheet): PlanDraft {
    const json = sheet.json();
    const root = json?.root() ?? null;
    const empty = { title: null, head: [], parts: [], after: [], problems: [], remarks: [], name: null };
    if (root === null) return { ...empty, problems: json?.problem === null || json === null ? [] : [json.problem] };
    const list = chosenList(root);
    return list === null ? empty : draftOf(root, list);
  },
} as const satisfies Family;

function isTaskList(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value.tasks) && value.tasks.length > 0 && value.tasks.every(isTask);
}

function isTask(value: unknown): boolean {
  if (!isRecord(value) || !isId(value.id) || typeof value.title !== 'string') return false;
  return 'status' in value || 'dependencies' in value;
}

/** The first entry that keeps a list of tasks from being one of task-master; null: there is no such list. */
export function unreadTask(root: unknown): string | null {
  const lists = isRecord(root) ? [root, ...Object.values(root)] : [];
  const found = lists.flatMap((value): unknown[][] =>
    isRecord(value) && Array.isArray(value.tasks) ? [value.tasks] : [],
  );
  const list = found.find((tasks) => tasks.some(isTask));
  if (list === undefined) return null;
  const at = list.findIndex((task) => !isTask(task));
  return `its list \`tasks\` is like that of task-master, but entry ${at + 1} has no \`id\`, no \`title\`, or neither \`status\` nor \`dependencies\``;
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

interface TaskList {
  /** Null where the file has one list and no tags. */
  readonly tag: string | null;
  readonly node: JsonNode;
}

/** The list of the tag `master`, which task-master takes first itself; else the first list. */
function chosenList(root: JsonNode): TaskList | null {
  if (isTaskList(root.value)) return { tag: null, node: root };
  const lists = root.entries().filter(({ value }) => isTaskList(value.value));
  const found = lists.find(({ key }) => key === 'master') ?? lists[0];
  return found === undefined ? null : { tag: found.key, node: found.value };
}

function draftOf(root: JsonNode, { tag, node }: TaskList): PlanDraft {
  const nodes = (node.get('tasks')?.items() ?? []).slice(0, taskLimit + 1);
  const hasOrder = nodes.some((task) => linksIn(task.get('dependencies')).length > 0);
  const refs = distinct(nodes.map((task) => textOf(task.get('id'))));
  const known = new Set(refs);
  const tasks = nodes.map((task, at) => taskOf(task, refs[at] ?? '', { known, hasOrder }));
  const head = [...readableJson(root, new Set(tag === null ? ['tasks'] : root.entries().map(({ key }) => key)))];
  if (tag !== null) head.push(...readableJson(node, new Set(['tasks'])));
  const others = tag === null ? [] : root.entries().filter(({ key }) => key !== tag);
  const line = nodes[0]?.line ?? 1;
  const isWritten = others.length > 0;
  const named = others.map(({ key }) => `\`${key}\``).join(', ');
  return {
    title: { text: tag === null || tag === 'master' ? 'Tasks' : `Tasks: ${tag}`, number: 0 },
    head,
    parts: [
      { kind: 'wave', title: '', line, introduction: [], tasks, marks: [] },
      ...(isWritten ? [{ kind: 'note' as const, lines: otherTags(others) }] : []),
    ],
    after: [],
    problems: [],
    remarks: [
      ...nodes.flatMap(postponedRemark),
      ...others.slice(0, 1).map(({ value }) => ({
        line: value.line,
        message: `tasks of the tag \`${tag}\` are read; ${named}: nobody works on it`,
      })),
    ],
    name: tag === null || tag === 'master' ? null : tag,
  };
}

function otherTags(others: readonly { key: string; value: JsonNode }[]): SourceLine[] {
  const lines: SourceLine[] = [{ text: '## Other tags of the file, which are not part of this plan', number: 0 }];
  for (const { key, value } of others) {
    lines.push({ text: '', number: 0 }, { text: `### ${key}`, number: value.line }, { text: '', number: 0 });
    if (value.type === 'object') lines.push(...readableJson(value));
    else lines.push({ text: String(value.value), number: value.line });
  }
  return lines;
}

const finished = new Set(['done', 'completed', 'complete', 'cancelled', 'canceled']);

function postponedRemark(node: JsonNode): PlanProblem[] {
  const status = node.get('status');
  if (status === undefined || !/^(?:deferred|blocked|review)$/i.test(textOf(status))) return [];
  const found = `the status ${quoted(textOf(status))} counts as open, and an agent gets the task`;
  return [{ line: status.line, message: `${found}; \`done\` or \`cancelled\` leaves it out` }];
}

interface ListOrder {
  /** The ids of all tasks. */
  readonly known: ReadonlySet<string>;
  readonly hasOrder: boolean;
}

function taskOf(node: JsonNode, ref: string, { known, hasOrder }: ListOrder): DraftTask {
  const id = textOf(node.get('id'));
  const status = textOf(node.get('status')).toLowerCase();
  const { title, isShortened } = titleOf(textOf(node.get('title')), `Task ${id}`);
  const without = new Set(isShortened ? ['id'] : ['id', 'title']);
  const number = /^\d{1,4}$/.test(id) ? Number(id) : null;
  const idLine =
    number === null
      ? [
          { text: `Id: ${id.replaceAll(/\s+/g, ' ')}`, number: node.get('id')?.line ?? node.line },
          { text: '', number: 0 },
        ]
      : [];
  return {
    ref,
    title,
    line: node.line,
    isDone: finished.has(status),
    body: [...idLine, ...readableJson(node, without)],
    files: [],
    check: null,
    links: linksIn(node.get('dependencies')).map((link) => ({
      ...link,
      ref: known.has(link.ref) ? link.ref : refOf(link.ref),
    })),
    order: hasOrder ? 'stated' : 'sequence',
    number,
    marks: statusMarks(node),
  };
}

/** A dependency `5.2` is a step of task 5, and done with it. */
function refOf(dependency: string): string {
  return dependency.replace(/^(\d+)\.\d+$/, '$1');
}

/** The changes that say `done`, of the task and of its subtasks. */
function statusMarks(node: JsonNode): Mark[] {
  const status = node.get('status');
  const isOpen = status?.type === 'string' && !finished.has(textOf(status).toLowerCase());
  const own = isOpen ? [{ start: status.start, end: status.end, text: '"done"' }] : [];
  const subtasks = node.get('subtasks');
  return [...own, ...(subtasks?.type === 'array' ? subtasks.items().flatMap(statusMarks) : [])];
}
