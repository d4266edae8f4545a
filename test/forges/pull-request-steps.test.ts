/** The outcome of a round for a pull request, as a table of facts. */
import { expect, it } from 'vitest';
import { noPull } from '../../machines/vocabulary/plan-pull.ts';
import type { PullRequest } from '../../runtime/work/forges/forge.ts';
import type { AllNews } from '../../runtime/work/forges/pull-request-news.ts';
import {
  askedStep,
  asksForObstacle,
  endOf,
  type MergeFacts,
  type MergePolicy,
  type MergeState,
  mergeStep,
  mergeWithoutLook,
  nothingRemembered,
  type PlanOfRequest,
  remarkOf,
  stackChanged,
} from '../../runtime/work/forges/pull-request-steps.ts';

const url = 'https://forge.test/shop/pull/1';
const request = { url, number: 1, server: 'github', head: 'a1', headCommit: 'a1' } as unknown as NonNullable<
  PlanOfRequest['pull']['request']
>; // the fields that are read
const plan: PlanOfRequest = { doneAt: 5, pull: { ...noPull, request }, merge: null, count: 1 };
const pull = { state: 'open', url, headCommit: 'a1', base: 'main', mergeCommit: 'm1' } as PullRequest; // likewise
const whenGreen: MergePolicy = { pull_merge: 'when-green', landing_by: 'git' };
const byHand: MergePolicy = { pull_merge: 'manual', landing_by: 'git' };
const byForge: MergePolicy = { pull_merge: 'manual', landing_by: 'forge' };

it.each([
  ['open', null],
  ['merged', { type: 'pr_merged', payload: { head: 'm1', into: 'main' }, key: `pr_merged ${url}` }],
  ['closed', { type: 'pr_closed', payload: {}, key: `pr_closed ${url} a1 1` }],
] as const)('a request that is %s', (state, signal) => {
  expect(endOf(request, { ...pull, state }, plan)).toEqual(signal);
});

it('a stack that changed is reported again only after something else has changed', () => {
  expect(stackChanged(plan, 'x').key).toBe('pr_stack_changed 1 x');
  const refused = { at: 1 } as unknown as PlanOfRequest['pull']['refused']; // that there is one is all that counts
  expect(stackChanged({ ...plan, pull: { ...plan.pull, refused } }, 'x').key).toBe('pr_stack_changed  x');
});

it.each<[string, MergeState, MergePolicy, string | null]>([
  ['a person merges it', null, byHand, 'nothing'],
  ['a person merges it from now on', 'watched', byHand, 'pr_merge_unwanted'],
  ['a person merges what was refused', 'refused', byHand, 'nothing'],
  ['the forge merges it', null, whenGreen, null],
  ['it was asked for', 'asked', whenGreen, 'nothing'],
  ['it was refused', 'refused', whenGreen, 'nothing'],
  ['the line of its branch has not asked', null, byForge, 'nothing'],
  ['the line of its branch has asked', 'watched', byForge, null],
])('the merge where %s', (_case, merge, policy, expected) => {
  const decided = mergeWithoutLook({ ...plan, merge }, policy);
  expect(decided === null || decided === 'nothing' ? decided : decided.type).toBe(expected);
});

const good = { green: 'yes', isApproved: true } as const;
const free: MergeFacts = { plan: 'login', head: 'a1', found: pull, news: good, obstacle: { kind: 'none' } };

it.each<[string, MergeState, Partial<MergeFacts>, MergePolicy, (string | boolean)[]]>([
  ['has not asked', null, { obstacle: null }, whenGreen, ['pr_merge_wanted', 'pr_merge_wanted']],
  ['may be merged', 'watched', {}, whenGreen, ['news', 'pr_merge_wanted']],
  [
    'never had a check',
    'watched',
    { news: { green: 'none', isApproved: true } },
    whenGreen,
    ['news', 'news', 'pr_merge_wanted'],
  ],
  ['is red', 'watched', { news: { green: 'no', isApproved: true } }, whenGreen, ['-', '-']],
  ['is not approved', 'watched', { news: { green: 'yes', isApproved: false } }, whenGreen, ['-', '-']],
  ['waits for others', 'watched', { obstacle: { kind: 'waits', detail: 'a check' } }, whenGreen, ['-', '-']],
  [
    'has a conflict',
    'watched',
    { obstacle: { kind: 'blocked', detail: 'conflict' } },
    whenGreen,
    ['news', 'pr_merge_refused'],
  ],
  ['is behind', 'watched', { obstacle: { kind: 'behind', detail: 'behind' } }, whenGreen, ['news', 'pr_merge_refused']],
  [
    'is behind in its line',
    'watched',
    { obstacle: { kind: 'behind', detail: 'behind' } },
    byForge,
    ['news', 'pr_merge_wanted'],
  ],
  ['has commits of others', 'watched', { head: 'b2' }, whenGreen, ['news', 'pr_merge_refused']],
  [
    'was unscheduled',
    'scheduled',
    { found: { ...pull, isAutoMerged: false } },
    whenGreen,
    ['news', 'pr_merge_refused'],
  ],
])('look after look, a request that %s', (_case, merge, facts, policy, expected) => {
  let remembered = nothingRemembered;
  const told = expected.map(() => {
    const step = mergeStep({ ...plan, merge }, { policy, facts: [{ ...free, ...facts }], remembered });
    remembered = step.remembered;
    return step.signal?.type ?? (step.hasNews ? 'news' : '-');
  });
  expect(told).toEqual(expected);
});

it('an obstacle of one request counts for all requests that are merged together', () => {
  const facts = [free, { ...free, obstacle: { kind: 'waits', detail: '' } as const }];
  const of = (all: readonly MergeFacts[]) =>
    mergeStep({ ...plan, merge: 'watched' }, { policy: whenGreen, facts: all, remembered: nothingRemembered });
  expect(of(facts)).toMatchObject({ signal: null, hasNews: false });
  const blocked = { ...free, obstacle: { kind: 'blocked', detail: 'conflict' } as const };
  expect(of([...facts, blocked]).remembered.merge).toEqual({ found: 'blocked conflict', times: 1 });
});

it.each([
  [null, 'a1', true, false],
  ['watched', 'a1', true, true],
  ['watched', 'b2', true, false],
  ['scheduled', 'a1', false, false],
  ['scheduled', 'a1', true, true],
] as const)(
  'with its merge %s, head %s and automatic merge %s, the forge is asked: %s',
  (merge, head, isAutoMerged, isAsked) => {
    expect(asksForObstacle({ plan: 'login', head, found: { ...pull, isAutoMerged } }, merge)).toBe(isAsked);
  },
);

const news: AllNews = { asks: [], needsPerson: [], remarks: [], failing: [], green: 'yes', isApproved: true };
const ask = (id: string, isFinal = false) => ({ id, title: `ask ${id}`, text: 'why', isFinal });

it('changes are passed on when their author has finished, or has written nothing more since the last look', () => {
  const look = (asks: AllNews['asks'], remembered = nothingRemembered) =>
    askedStep(plan, { news: { ...news, asks }, remembered });
  const first = look([ask('1')]);
  expect(first).toMatchObject({ signal: null, hasNews: true, remembered: { pending: '1' } });
  expect(look([ask('1'), ask('2')], first.remembered)).toMatchObject({ signal: null, hasNews: true });
  expect(look([ask('1')], first.remembered).signal).toMatchObject({
    type: 'pr_changes_requested',
    key: 'pr_changes 5 1',
  });
  expect(look([ask('1', true)]).signal).toMatchObject({ type: 'pr_changes_requested', payload: { ids: ['1'] } });
  expect(look([])).toMatchObject({ signal: null, hasNews: false });
});

it('what the plan has seen already is not reported again', () => {
  const remarks = [{ id: '1' }, { id: '2' }] as never[]; // their ids are what counts
  expect(remarkOf(plan, { remarks })?.key).toBe('pr_remarked 1 2');
  const knows = (seen: string[]) => ({ pull: { ...plan.pull, seen } });
  expect(remarkOf(knows(['1']), { remarks })?.payload).toEqual({ remarks: [{ id: '2' }] });
  expect(remarkOf(knows(['1', '2']), { remarks })).toBe(null);
  const needsPerson = [{ id: '3', title: 'a secret' }] as never[]; // likewise
  const step = (pull: PlanOfRequest['pull']) =>
    askedStep({ pull, doneAt: 5 }, { news: { ...news, needsPerson }, remembered: nothingRemembered });
  expect(step(plan.pull).signal).toMatchObject({
    type: 'pr_needs_person',
    payload: { detail: 'a secret', ids: ['3'] },
  });
  expect(step(knows(['3']).pull)).toMatchObject({ signal: null, hasNews: false });
});
