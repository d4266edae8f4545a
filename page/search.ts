/** The plans that a search finds: each word of the search must be in the plan's name, repo, title, goal, topic, author, state or days. */
import { localDay } from '../machines/vocabulary/time-text.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { words } from './format.ts';
import { groupOf, needOf } from './needs.ts';
import { planWords } from './state-words.ts';

/** The searched text of each plan: most of a thousand plans have not changed since the last letter. */
const texts = new WeakMap<PlanEntry, string>();

export function isFound(plan: PlanEntry, search: string): boolean {
  const text = textOf(plan);
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Days as `2026-11-27`, in the time zone of the browser: `2026-11` finds those of a month. Authors as `author:anna`, so `anna` finds them too. */
function textOf(plan: PlanEntry): string {
  const known = texts.get(plan);
  if (known !== undefined) return known;
  const { project, title, goal, topic, author, status, landing, created_at: created, updated_at: updated } = plan;
  const days = [created, updated].map((time) => localDay(new Date(time)));
  const authors = namesOf(author).map((name) => `author:${name}`);
  const parts = [
    ...authors,
    `${project}/${plan.plan}`,
    title,
    goal,
    topic,
    status,
    words(groupOf(plan)),
    planWords(plan),
  ];
  const text = [...parts, landing === null ? '' : words(landing), needOf(plan)?.why, ...days].join('\n').toLowerCase();
  texts.set(plan, text);
  return text;
}

/** The owner, a person with a token, or an intake and the account that wrote the item there. */
export function namesOf(author: PlanEntry['author']): string[] {
  if (author === 'person') return ['owner'];
  return author?.replace(/^(?:person|intake):/, '').split('/') ?? [];
}
