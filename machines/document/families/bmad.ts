/** A story of BMAD: the check boxes below `## Tasks / Subtasks` are its tasks, with their subtasks as steps. They run one after the other. */
import { itemsThat, labelledIds, type PlacedItem, taskSpans } from './checklist.ts';
import type { Family } from './family.ts';
import { layOut } from './sections.ts';
import type { Sheet } from './sheet.ts';

export const bmad = {
  name: 'bmad',
  title: 'a BMAD story',
  waves: ['part', 'parts'],
  companions: [],
  recognises(sheet) {
    const hasStory = sheet
      .outline()
      .some((block) => block.kind === 'heading' && /^(?:Story\b|Acceptance Criteria\b)/i.test(block.text));
    return hasStory && tasksOf(sheet).length > 0;
  },
  read: (sheet) => layOut(sheet, taskSpans(sheet, tasksOf(sheet), { ids: labelledIds, statesOrder: true })),
} as const satisfies Family;

function tasksOf(sheet: Sheet): PlacedItem[] {
  return itemsThat(
    sheet,
    ({ box }, path) => box !== null && path.some(({ text }) => /^Tasks\s*\/\s*Subtasks\b/i.test(text)),
  );
}
