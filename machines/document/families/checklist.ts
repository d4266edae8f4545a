/** Check boxes as tasks: the items of a markdown document's lists that have one, with what stands below them. */
import type { DraftTask } from './family.ts';
import type { OutlineHeading, OutlineItem, SourceLine } from './markdown-outline.ts';
import type { TaskSpan } from './sections.ts';
import type { Mark, Sheet } from './sheet.ts';
import { filesNamed, type IdForm, linksIn, titleOf } from './task-text.ts';

/** An item, and where it stands. */
export interface PlacedItem {
  readonly item: OutlineItem;
  /** The headings above it, outermost first. */
  readonly path: readonly OutlineHeading[];
  /** How many headings stand before it: neighbours have none between them. */
  readonly section: number;
}

/** The items that are tasks, in order. Below a task nothing else is one: an item in it is a step. */
export function itemsThat(
  sheet: Sheet,
  isTask: (item: OutlineItem, path: readonly OutlineHeading[]) => boolean,
): PlacedItem[] {
  const found: PlacedItem[] = [];
  let path: readonly OutlineHeading[] = [];
  let section = 0;
  const look = (items: readonly OutlineItem[]): void => {
    for (const item of items) {
      if (isTask(item, path)) found.push({ item, path, section });
      else look(item.items);
    }
  };
  for (const block of sheet.outline()) {
    if (block.kind === 'heading') {
      path = [...path.filter(({ level }) => level < block.level), block];
      section += 1;
    } else look(block.items);
  }
  return found;
}

export interface ItemRules {
  /** How the items are named. Without a name the item's place is its id. */
  readonly ids: IdForm | null;
  /** What is no part of a title. */
  readonly taken?: RegExp;
  /** Items that run beside their neighbours. */
  isBeside?(item: OutlineItem): boolean;
  /** Whether the files that an item names are those that it writes. */
  readonly namesFiles?: boolean;
}

/** The tasks of these items. Ids that stand twice get a number behind them. */
export function taskSpans(sheet: Sheet, placed: readonly PlacedItem[], rules: ItemRules): TaskSpan[] {
  const refs = refsOf(placed, rules.ids?.id ?? null);
  return placed.map(({ item, section }, at) => ({
    line: item.line,
    end: item.end,
    tasks: [taskOf(sheet, item, { ref: refs[at] ?? '', refs, section, rules })],
    group: null,
  }));
}

/** The ids of items in order, in capitals. */
export function refsOf(placed: readonly { readonly item: OutlineItem }[], id: RegExp | null): string[] {
  const seen = new Map<string, number>();
  const pattern = id === null ? null : new RegExp(`^\\W*(${id.source})(?![\\p{L}\\p{N}])`, 'iu');
  return placed.map(({ item }, at) => {
    const written = pattern?.exec(item.text)?.[1]?.toUpperCase() ?? item.bullet ?? `#${at + 1}`;
    const count = (seen.get(written) ?? 0) + 1;
    seen.set(written, count);
    return count === 1 ? written : `${written} (${count})`;
  });
}

interface ItemPlace {
  readonly ref: string;
  readonly refs: readonly string[];
  readonly section: number;
  readonly rules: ItemRules;
}

/** An item as a task. A struck out one is done: nothing is to be started for it. */
export function taskOf(sheet: Sheet, item: OutlineItem, { ref, refs, section, rules }: ItemPlace): DraftTask {
  const { title, isShortened } = titleOf(item.text, `Item ${ref}`, rules.taken ?? null);
  const first: SourceLine = { text: item.text, number: item.line };
  const isBeside = rules.isBeside?.(item) ?? false;
  const { ids } = rules;
  return {
    ref,
    title,
    line: item.line,
    isDone: item.box?.isChecked === true || isStruck(item.text),
    body: isShortened ? [first, { text: '', number: 0 }, ...item.rest] : item.rest,
    files: rules.namesFiles === true ? filesNamed(item.text) : [],
    check: null,
    links: ids === null ? [] : linksIn([first, ...item.rest], ids, refs).filter((link) => link.ref !== ref),
    order: isBeside ? section : 'sequence',
    number: null,
    marks: boxMarks(sheet, item),
  };
}

function isStruck(text: string): boolean {
  return /^~~[^~]+~~/.test(text);
}

/** The changes that check an item's box and those of its steps. */
export function boxMarks(sheet: Sheet, item: OutlineItem): Mark[] {
  const mark = item.box?.isChecked === true ? null : sheet.boxMark(item);
  return [...(mark === null ? [] : [mark]), ...item.items.flatMap((step) => boxMarks(sheet, step))];
}
