/** `plan.md` of a Conductor track: `- [ ] Task: …` with its steps, below `## Phase N`. A phase is a wave, and its tasks run one after the other. */
import { itemsThat, labelledIds, type PlacedItem, taskSpans } from './checklist.ts';
import { personRemark } from './descriptions.ts';
import type { Family } from './family.ts';
import { isCondition } from './lists.ts';
import { layOut } from './sections.ts';
import type { Sheet } from './sheet.ts';

const word = /^\W{0,4}Task\W{0,3}:/i;

export const conductor = {
  name: 'conductor',
  title: 'Conductor',
  waves: ['phase', 'phases'],
  companions: ['spec.md', 'metadata.json', 'index.md'],
  recognises(sheet) {
    const tasks = tasksOf(sheet);
    if (tasks.length === 0) return false;
    return isTrack(sheet) || tasks.filter(({ item }) => word.test(item.text)).length * 2 > tasks.length;
  },
  read(sheet) {
    const tasks = tasksOf(sheet);
    const rules = { ids: labelledIds, statesOrder: true, taken: /^\W{0,4}Task(?=\W{0,3}:)/gi };
    const draft = layOut(sheet, taskSpans(sheet, tasks, rules));
    const people = tasks.filter(({ item }) => /\bUser Manual Verification\b/i.test(item.text));
    return { ...draft, remarks: [...draft.remarks, ...people.flatMap(({ item }) => personRemark('Conductor', item))] };
  },
} as const satisfies Family;

function isTrack({ folders, file }: Sheet): boolean {
  const at = folders.lastIndexOf('tracks');
  return at > 0 && folders[at - 1] === 'conductor' && /^plan\.md$/i.test(file);
}

function tasksOf(sheet: Sheet): PlacedItem[] {
  const boxes = itemsThat(sheet, ({ box }) => box !== null);
  return boxes.filter((placed) => word.test(placed.item.text) || !isCondition(placed, false));
}
