/** `prd.json` of Ralph: user stories with priorities. They run one after the other by priority; `passes: true` is done. */

import { type PlanProblem, quoted } from '../shape.ts';
import { taskLimit } from './checklist.ts';
import type { DraftTask, Family, PlanDraft } from './family.ts';
import { type JsonNode, linksIn, readableJson, textOf } from './json-document.ts';
import { isRecord } from './sheet.ts';
import { distinct, titleOf } from './task-text.ts';

export const ralph = {
  name: 'ralph',
  title: 'Ralph',
  waves: ['wave', 'waves'],
  companions: ['progress.txt', 'prompt.md'],
  recognises(sheet) {
    const value = sheet.json()?.value;
    if (Array.isArray(value)) return hasPasses(value);
    return isRecord(value) && (isStoryList(value.userStories) || Object.values(value).some(hasPasses));
  },
  read(sheet): PlanDraft {
    const json = sheet.json();
    const root = json?.root() ?? null;
    const list = root === null ? null : listOf(root);
    if (root === null || list === null) {
      const problems = json?.problem === null || json === null ? [] : [json.problem];
      return { title: null, head: [], parts: [], after: [], problems, remarks: [], name: null };
    }
    const stories = list.node.items().slice(0, taskLimit + 1);
    const ordered = stories
      .map((node) => ({ node, priority: priorityOf(node) }))
      .sort((a, b) => a.priority - b.priority)
      .map(({ node }) => node);
    const refs = distinct(ordered.map((node, at) => textOf(node.get('id')) || `#${at + 1}`));
    const written = textOf(root.get('project')) || textOf(root.get('name')) || textOf(root.get('title')) || 'Stories';
    const { title } = titleOf(written, 'Stories');
    return {
      title: { text: title, number: 0 },
      head: list.key === null ? [] : readableJson(root, new Set([list.key])),
      parts: [
        {
          kind: 'wave',
          title: '',
          line: stories[0]?.line ?? 1,
          introduction: [],
          tasks: ordered.map((node, at) => taskOf(node, refs[at] ?? '')),
          marks: [],
        },
      ],
      after: [],
      problems: [],
      remarks: priorityRemark(stories),
      name: nameOf(root),
    };
  },
} as const satisfies Family;

function isStoryList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((story) => isRecord(story) && typeof story.title === 'string')
  );
}

/** Objects with a field that says whether they pass; only a list of work has such objects. */
function hasPasses(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => isRecord(item) && typeof item.passes === 'boolean')
  );
}

/** `userStories`, another list of such objects, or the whole document. */
function listOf(root: JsonNode): { key: string | null; node: JsonNode } | null {
  if (root.type === 'array') return hasPasses(root.value) ? { key: null, node: root } : null;
  const stories = root.get('userStories');
  if (stories !== undefined && isStoryList(stories.value)) return { key: 'userStories', node: stories };
  const other = root.entries().find(({ value }) => hasPasses(value.value));
  return other === undefined ? null : { key: other.key, node: other.value };
}

/** Branches whose names do not name stories. */
const trunks = new Set(['main', 'master', 'trunk', 'develop', 'dev', 'feature']);

/** The last part of the branch that the stories are for: `ralph/stock`. */
function nameOf(root: JsonNode): string | null {
  const name = textOf(root.get('branchName')).split('/').at(-1) ?? '';
  return name === '' || trunks.has(name) ? null : name;
}

/** Stories without a priority come last, in the order that they are written in. */
function priorityOf(node: JsonNode): number {
  const written = Number(textOf(node.get('priority')) || Number.NaN);
  return Number.isFinite(written) ? written : Number.MAX_VALUE;
}

/** The remark on the first priority that is a word. */
function priorityRemark(stories: readonly JsonNode[]): PlanProblem[] {
  const found = stories.find((node) => textOf(node.get('priority')) !== '' && priorityOf(node) === Number.MAX_VALUE);
  if (found === undefined) return [];
  const advice = 'write numbers; the lowest goes first, and stories without one come last, as they are written';
  return [{ line: found.line, message: `${quoted(textOf(found.get('priority')))} is no priority: ${advice}` }];
}

function taskOf(node: JsonNode, ref: string): DraftTask {
  const { title } = titleOf(textOf(node.get('title')) || textOf(node.get('description')), `Story ${ref}`);
  const passes = node.get('passes');
  return {
    ref,
    title,
    line: node.line,
    isDone: passes?.type === 'boolean' && passes.value === true,
    body: readableJson(node),
    files: [],
    check: null,
    links: [...linksIn(node.get('dependsOn')), ...linksIn(node.get('dependencies'))],
    order: 'sequence',
    number: null,
    marks:
      passes?.type === 'boolean' && passes.value === false
        ? [{ start: passes.start, end: passes.end, text: 'true' }]
        : [],
  };
}
