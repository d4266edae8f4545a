/** `tasks.md` of an OpenSpec change: `- [ ] 1.1 …` below `## 1. Section`. A section is a wave, and its tasks run one after the other. */
import { itemsThat, type PlacedItem, taskSpans } from './checklist.ts';
import type { Family } from './family.ts';
import { isCondition } from './lists.ts';
import { layOut } from './sections.ts';
import type { Sheet } from './sheet.ts';
import { idForm } from './task-text.ts';

const ids = idForm(/(?<!\d)\d{1,9}(?:\.\d{1,9}){1,8}[a-z]?(?![\p{L}\p{N}])/u, { needsWord: false });
const numbered = /^\W{0,4}\d+\.\d+/;

export const openSpec = {
  name: 'openspec',
  title: 'OpenSpec',
  waves: ['section', 'sections'],
  companions: ['proposal.md', 'design.md', 'specs'],
  recognises(sheet) {
    const tasks = tasksOf(sheet);
    if (tasks.length === 0) return false;
    return (
      isInChanges(sheet) ||
      tasks.every(({ item, path }) => numbered.test(item.text) && /^\d/.test(path.at(-1)?.text ?? ''))
    );
  },
  read: (sheet) => layOut(sheet, taskSpans(sheet, tasksOf(sheet), { ids })),
} as const satisfies Family;

function isInChanges({ folders, file }: Sheet): boolean {
  const at = folders.lastIndexOf('changes');
  return at > 0 && folders[at - 1] === 'openspec' && /^tasks?\.md$/i.test(file);
}

function tasksOf(sheet: Sheet): PlacedItem[] {
  const boxes = itemsThat(sheet, ({ box }) => box !== null);
  return boxes.filter((placed) => numbered.test(placed.item.text) || !isCondition(placed, false));
}
