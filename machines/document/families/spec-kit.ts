/**
 * `tasks.md` of spec-kit: `- [ ] T001 [P] [US1] …` below `## Phase N`. A phase is a wave. Tasks run one after the other; neighbours with `[P]` run together,
 * as far as the files that they name are different ones. A heading between two of them ends the neighbourhood: tests come before what they test.
 */
import { itemsThat, type PlacedItem, taskSpans } from './checklist.ts';
import type { Family, PlanDraft } from './family.ts';
import { leftOut } from './lists.ts';
import type { OutlineItem } from './markdown-outline.ts';
import { layOut } from './sections.ts';
import type { Sheet } from './sheet.ts';
import { idForm } from './task-text.ts';

const ids = idForm(/T\d+(?:[-.]\d+)*[a-z]?(?![\p{L}\p{N}])/u, { needsWord: false });
const named = /^\W{0,8}T\d+(?:[-.]\d+)*[a-z]?(?![\p{L}\p{N}])/u;
const beside = /\[P\]/;
const marks = /\[(?:P|US\s?\d+(?:\s*,\s*US\s?\d+)*|Shared|Story)\]/gi;

export const specKit = {
  name: 'spec-kit',
  title: 'spec-kit',
  waves: ['phase', 'phases'],
  companions: ['spec.md', 'plan.md', 'research.md', 'data-model.md', 'quickstart.md', 'contracts'],
  recognises: (sheet) => tasksOf(sheet).length > 0,
  read(sheet): PlanDraft {
    const rules = { ids, taken: marks, isBeside: isNeighbour, namesFiles: true };
    const spans = taskSpans(sheet, tasksOf(sheet), rules);
    const draft = layOut(sheet, spans);
    const advice = 'a number before the text, such as `T042`, makes a task of it';
    return { ...draft, remarks: [...draft.remarks, ...leftOut(sheet, spans, advice)] };
  },
} as const satisfies Family;

function isNeighbour({ text }: OutlineItem): boolean {
  return beside.test(text.slice(0, 60));
}

function tasksOf(sheet: Sheet): PlacedItem[] {
  return itemsThat(sheet, ({ box, text }) => box !== null && named.test(text));
}
