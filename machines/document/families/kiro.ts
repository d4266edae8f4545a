/**
 * `tasks.md` of a Kiro spec: check boxes numbered `1.`, `1.1`. They run one after the other; neighbours with `(P)` run together. An item with two or more
 * numbered items of its own, in it or behind it, is a group, and a wave; one with fewer is a task. `*` behind the box marks what Kiro leaves out unless it is
 * asked for.
 */
import { boxMarks, itemsThat, type PlacedItem, paragraphOf, refsOf, taskLimit, taskOf } from './checklist.ts';
import type { Family, PlanDraft } from './family.ts';
import { isCondition, leftOut } from './lists.ts';
import type { OutlineItem, SourceLine } from './markdown-outline.ts';
import { layOut, type TaskSpan } from './sections.ts';
import type { Sheet } from './sheet.ts';
import { idForm, idOrder, titleOf } from './task-text.ts';

const ids = idForm(/(?<!\d)\d{1,9}(?:\.\d{1,9}){0,8}[a-z]?(?![\p{L}\p{N}])/u, { needsWord: true });
const numbered = /^\W{0,4}\d+(?:\.\d+)*\.?[a-z]?(?:[\s:)*—–-]|$)/;
/** Behind the number: it may run beside its neighbours. */
const beside = /^\W{0,4}\d+(?:\.\d+)*\.?\s*\(P\)/;
const rules = {
  ids,
  isBeside: ({ text }: OutlineItem) => beside.test(text),
  taken: /(?<=^\W{0,4}\d[\d.]{0,40})\s*\(P\)/g,
};
/** The fewest tasks that a group has. */
const groupSize = 2;

export const kiro = {
  name: 'kiro',
  title: 'Kiro',
  waves: ['group', 'groups'],
  companions: ['requirements.md', 'bugfix.md', 'design.md'],
  recognises(sheet) {
    const tasks = tasksOf(sheet);
    const own = tasks.filter(({ item }) => isNumbered(item));
    if (own.length === 0) return false;
    return isKiros(sheet) || (own.length > 1 && own.length * 2 > tasks.length && hasNumberOne(own));
  },
  read(sheet): PlanDraft {
    const items = tasksOf(sheet);
    const spans = spansOf(sheet, items);
    const draft = layOut(sheet, spans);
    const left = leftOut(sheet, spans, 'a number before the text, such as `4.`, makes a task of it');
    return { ...draft, remarks: [...draft.remarks, ...left, ...optionalRemark(items), ...graphRemark(sheet)] };
  },
} as const satisfies Family;

function isKiros({ folders }: Sheet): boolean {
  return folders.at(-2) === 'specs' && folders.includes('.kiro');
}

function tasksOf(sheet: Sheet): PlacedItem[] {
  const isWide = !isKiros(sheet);
  return itemsThat(sheet, isBoxed).filter((placed) => isNumbered(placed.item) || !isCondition(placed, isWide));
}

function isBoxed({ box }: OutlineItem): boolean {
  return box !== null;
}

function isNumbered(item: OutlineItem): boolean {
  return item.bullet !== null || numbered.test(item.text);
}

function hasNumberOne(items: readonly PlacedItem[]): boolean {
  return items.some(({ item }) => /^\W{0,4}[01](?:\D|$)/.test(item.bullet ?? item.text));
}

/** The items of a group that are tasks: all with a box, where enough of them have one. */
function membersOf(item: OutlineItem): readonly OutlineItem[] {
  const boxed = item.items.filter(isBoxed);
  return boxed.filter(isNumbered).length >= groupSize ? boxed : [];
}

/** An item with its tasks, which are in it, or behind it as `1.1` behind `1.`; without any it is a task itself. */
interface Group extends PlacedItem {
  readonly members: readonly OutlineItem[];
  /** The line behind the last of them. */
  readonly end: number;
}

function groupsOf(placed: readonly PlacedItem[]): Group[] {
  const groups: Group[] = [];
  for (let at = 0; at < placed.length && groups.length <= taskLimit; at += 1) {
    const own = placed[at];
    if (own === undefined) break;
    const behind: OutlineItem[] = [];
    const members = membersOf(own.item);
    const number = numberOf(own.item);
    while (members.length === 0 && number !== null && isPartOf(number, own, placed[at + 1])) {
      at += 1;
      const next = placed[at];
      if (next !== undefined) behind.push(next.item);
    }
    groups.push({ ...own, members: behind.length > 0 ? behind : members, end: behind.at(-1)?.end ?? own.item.end });
  }
  return groups;
}

function numberOf({ text, bullet }: OutlineItem): string | null {
  return ids.leading.exec(text)?.[1] ?? bullet;
}

/** No heading is between them. */
function isPartOf(number: string, { section }: PlacedItem, next: PlacedItem | undefined): boolean {
  return next?.section === section && (numberOf(next.item)?.startsWith(`${number}.`) ?? false);
}

function spansOf(sheet: Sheet, placed: readonly PlacedItem[]): TaskSpan[] {
  const groups = groupsOf(placed);
  const flat = groups.flatMap(({ item, members }) => (members.length === 0 ? [{ item }] : members.map(asItem)));
  const order = idOrder(refsOf(flat, ids));
  let at = 0;
  const next = (item: OutlineItem, section: number) => {
    const task = taskOf(sheet, item, { ref: order.refs[at] ?? '', order, section, rules });
    at += 1;
    return task;
  };
  return groups.map((found): TaskSpan => {
    const { item, members, section, end } = found;
    const { line } = item;
    if (members.length === 0) return { line, end, tasks: [next(item, section)], group: null };
    const { text, isWrapped } = paragraphOf(item);
    const { title, isShortened } = titleOf(text, '');
    const gap = isWrapped ? [] : [{ text: '', number: 0 }];
    const introduction = [
      ...(isShortened || isWrapped ? [{ text: item.text, number: line }, ...gap] : []),
      ...outside(sheet, found),
    ];
    const marks = boxMarks(sheet, { ...item, items: [] });
    return { line, end, tasks: members.map((member) => next(member, section)), group: { title, introduction, marks } };
  });
}

function asItem(item: OutlineItem): { readonly item: OutlineItem } {
  return { item };
}

/** The lines of a group that are in none of its tasks. */
function outside(sheet: Sheet, { item, members, end }: Group): SourceLine[] {
  const lines = [...item.rest, ...sheet.between(item.end, end)];
  return lines.filter(({ number }) => !members.some((member) => member.line <= number && number < member.end));
}

function optionalRemark(items: readonly PlacedItem[]): PlanDraft['remarks'] {
  const optional = items
    .flatMap(({ item }) => [item, ...item.items])
    .filter(({ box }) => box?.isOptional === true && !box.isChecked);
  const [first] = optional;
  if (first === undefined) return [];
  const found = optional.length === 1 ? 'one task is' : `${optional.length} tasks are`;
  return [
    { line: first.line, message: `${found} optional (\`*\`), and run as well; check or remove what you leave out` },
  ];
}

/** Newer plans of Kiro say below this heading what may run at the same time. */
function graphRemark(sheet: Sheet): PlanDraft['remarks'] {
  const graph = sheet
    .outline()
    .find((block) => block.kind === 'heading' && /^Task Dependency Graph\b/i.test(block.text));
  const message =
    'this graph is text for the agents; the tasks run one after the other, in the order that they are listed in';
  return graph === undefined ? [] : [{ line: graph.line, message }];
}
