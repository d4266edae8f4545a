/** Check boxes as tasks: the items of a markdown document's lists that have one, with what is below them. */
import type { DraftTask } from './family.ts';
import type { OutlineHeading, OutlineItem, SourceLine } from './markdown-outline.ts';
import type { TaskSpan } from './sections.ts';
import type { Mark, Sheet } from './sheet.ts';
import {
  distinct,
  filesNamed,
  type IdForm,
  type IdOrder,
  idForm,
  idOrder,
  linkFields,
  linksIn,
  numberedTask,
  titleOf,
} from './task-text.ts';

/** No plan has more, so more are not read: the own form names the first that is too many. */
export const taskLimit = 10_000;

/** Items that begin with `Task 3:`. */
export const labelledIds = idForm(numberedTask, { needsWord: true, isLabelled: true });

/** An item, and its place. */
export interface PlacedItem {
  readonly item: OutlineItem;
  /** The headings above it, outermost first. */
  readonly path: readonly OutlineHeading[];
  /** How many headings are before it: neighbours have none between them. */
  readonly section: number;
  /** A bold line before the list, which readers take for its heading: `**Tasks:**`. */
  readonly lead: string | null;
  /** The titles of the items that it is in, which are no tasks, outermost first. */
  readonly within: readonly string[];
}

/** The items that are tasks, in order. An item inside a task is a step of it, and no task; nor is one that has no text yet, as in templates. */
export function itemsThat(
  sheet: Sheet,
  isTask: (item: OutlineItem, path: readonly OutlineHeading[]) => boolean,
): PlacedItem[] {
  const found: PlacedItem[] = [];
  let path: readonly OutlineHeading[] = [];
  let section = 0;
  let lead: string | null = null;
  const look = (items: readonly OutlineItem[], within: readonly string[]): void => {
    for (const item of items) {
      if (isTask(item, path) && hasText(item)) found.push({ item, path, section, lead, within });
      else if (item.items.length > 0) look(item.items, [...within, titleOf(item.text, '').title]);
    }
  };
  for (const block of sheet.outline()) {
    if (block.kind === 'heading') {
      path = [...path.filter(({ level }) => level < block.level), block];
      section += 1;
      lead = null;
    } else {
      lead = leadOf(sheet, block.line) ?? lead;
      look(block.items, []);
    }
  }
  return found;
}

function hasText(item: OutlineItem): boolean {
  return item.text !== '' || item.rest.some(({ text }) => text.trim() !== '');
}

/** The last line of text before a list, where all of it is bold. */
function leadOf(sheet: Sheet, line: number): string | null {
  let at = line - 2;
  while (at >= 0 && (sheet.lines[at]?.text ?? '').trim() === '') at -= 1;
  return /^ {0,3}(?:\*\*|__)([^*_]{1,200})(?:\*\*|__)\s*:?\s*$/.exec(sheet.lines[at]?.text ?? '')?.[1] ?? null;
}

export interface ItemRules {
  /** How the items are named. Without a name the item's place is its id. */
  readonly ids: IdForm;
  /** Removed from the title. */
  readonly taken?: RegExp;
  /** Items that run beside their neighbours. */
  isBeside?(item: OutlineItem): boolean;
  /** A field that says what comes first wins over the order of the list. */
  readonly statesOrder?: boolean;
  /** Whether the files that an item names are those that it writes. */
  readonly namesFiles?: boolean;
}

/** The tasks of these items. If two items have the same id, a number is added to the second one. */
export function taskSpans(sheet: Sheet, placed: readonly PlacedItem[], rules: ItemRules): TaskSpan[] {
  const order = idOrder(refsOf(placed, rules.ids));
  return placed.slice(0, taskLimit + 1).map(({ item, section, within }, at) => ({
    line: item.line,
    end: item.end,
    within,
    tasks: [taskOf(sheet, item, { ref: order.refs[at] ?? '', order, section, rules })],
    group: null,
  }));
}

/** The ids of items in order, in capitals. */
export function refsOf(placed: readonly { readonly item: OutlineItem }[], ids: IdForm): string[] {
  return distinct(
    placed.map(({ item }, at) => ids.leading.exec(item.text)?.[1]?.toUpperCase() ?? item.bullet ?? `#${at + 1}`),
  );
}

interface ItemPlace {
  readonly ref: string;
  readonly order: IdOrder;
  readonly section: number;
  readonly rules: ItemRules;
}

/** An item as a task. A struck out one is done: nothing is started for it. */
export function taskOf(sheet: Sheet, item: OutlineItem, { ref, order, section, rules }: ItemPlace): DraftTask {
  const { text, isWrapped } = paragraphOf(item);
  const { title, isShortened } = titleOf(text, `Item ${ref}`, rules.taken ?? null);
  const first: SourceLine = { text: item.text, number: item.line };
  const firstLines = isWrapped ? [first] : [first, { text: '', number: 0 }];
  const isBeside = rules.isBeside?.(item) ?? false;
  const { ids, statesOrder = false } = rules;
  const lines = [first, ...item.rest];
  const links = linksIn(lines, ids, order).filter((link) => link.ref !== ref);
  const isStated =
    statesOrder && (links.some(({ isField }) => isField) || linkFields(lines).some(({ isNothing }) => isNothing));
  return {
    ref,
    title,
    line: item.line,
    isDone: item.box?.isChecked === true || isStruck(item.text),
    body: isShortened || isWrapped ? [...firstLines, ...item.rest] : item.rest,
    files: rules.namesFiles === true ? filesNamed(text) : [],
    check: null,
    links,
    order: isBeside ? section : isStated ? 'stated' : 'sequence',
    number: null,
    marks: boxMarks(sheet, item),
  };
}

/** The first paragraph of an item, which may be wrapped into several lines. */
export function paragraphOf({ text, rest }: Pick<OutlineItem, 'text' | 'rest'>): { text: string; isWrapped: boolean } {
  const end = rest.findIndex((line) => /^\s*$|^\s*(?:[-*+>|<#]|\d{1,9}[.)]\s|```|~~~|\*\*|_)/.test(line.text));
  const wrapped = rest.slice(0, end < 0 ? rest.length : end).map((line) => line.text);
  return { text: [text, ...wrapped].join(' '), isWrapped: wrapped.length > 0 };
}

function isStruck(text: string): boolean {
  return /^~~[^~]+~~/.test(text);
}

/** The changes that check an item's box and those of its steps. */
export function boxMarks(sheet: Sheet, item: OutlineItem): Mark[] {
  const mark = item.box?.isChecked === true ? null : sheet.boxMark(item);
  return [...(mark === null ? [] : [mark]), ...item.items.flatMap((step) => boxMarks(sheet, step))];
}
