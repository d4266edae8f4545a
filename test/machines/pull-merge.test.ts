/** The requests of a plan to its forge about merging its pull request, in its statechart alone. */
import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import type { Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { planText, quietPolicy } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

const head = 'a'.repeat(40);
const other = 'b'.repeat(40);

function signal(type: SignalType, payload: object = {}, more: Partial<Signal> = {}): Signal {
  return { type, payload, origin: 'engine', actor: '', run: null, at: 2_000_000, ...more } as Signal;
}

/** A done plan with an open request; `effects`: its requests since then. */
function opened(pull_merge: 'manual' | 'when-green' = 'when-green', more: Partial<typeof quietPolicy> = {}) {
  const policy = { ...quietPolicy, auto_create_pr: false, pull_merge, ...more };
  const opening = { content: planText([1]), branch: 'plan/p', topic: null, generation: 0, policy };
  const { tree } = trees.create('plan:demo/p', signal('plan_opened', opening));
  const effects: Effect[] = [];
  const send = (type: SignalType, payload: object = {}, more: Partial<Signal> = {}) => {
    const step = trees.step(tree, signal(type, payload, more), { policy });
    effects.push(...step.requests.effects);
    return step.verdict;
  };
  send('mark_done', {}, { origin: 'person' });
  send('create_pr', {}, { origin: 'person' });
  const asked = effects.find(({ kind }) => kind === 'plan.pull');
  send('pr_opened', { number: 7, url: 'https://forge.test/7', server: 'forge.test', head }, { run: asked?.id ?? null });
  const merges = () => effects.flatMap((effect) => (effect.kind === 'pull.merge' ? [effect] : []));
  const last = () => merges().at(-1)?.id ?? null;
  const state = () => tree.root.getSnapshot().value.pullRequest;
  return { send, merges, last, state, context: () => tree.root.getSnapshot().context };
}

describe('a plan whose request is to be merged when it is green', () => {
  it('asks its forge for that as soon as the request is open, as that commit', () => {
    expect(opened().merges()).toMatchObject([{ act: 'schedule', number: 7, head, branch: 'plan/p' }]);
    expect(opened('manual').merges()).toEqual([]);
  });

  it('asks for the merge itself when the request is reported as ready, and refuses a signal about another commit', () => {
    const { send, merges, last } = opened();
    expect(send('pr_merge_wanted', { head, ready: true })).toMatchObject({ status: 'refused' });
    send('pr_merge_scheduled', { by: 'stator' }, { run: last() });
    expect(send('pr_merge_wanted', { head: other, ready: true })).toMatchObject({ status: 'refused' });
    send('pr_merge_wanted', { head, ready: true });
    expect(merges().map(({ act }) => act)).toEqual(['schedule', 'merge']);
  });

  it('takes back what the forge was to do when it goes back to work', () => {
    const { send, merges, last, state } = opened();
    send('pr_merge_scheduled', { by: 'forge' }, { run: last() });
    expect(state()).toEqual({ open: 'scheduled' });
    send('cancel', {}, { origin: 'person' });
    expect(merges().map(({ act }) => act)).toEqual(['schedule', 'withdraw']);
    expect(state()).toEqual({ open: 'manual' });
  });

  it('needs a person once where it is refused, asks nothing more, and tries again when that is resolved', () => {
    const { send, merges, last, context } = opened();
    send('pr_merge_refused', { detail: 'not allowed' }, { run: last() });
    expect(context().blocked).toMatchObject({ source: 'failed' });
    expect(send('pr_merge_wanted', { head, ready: true })).toMatchObject({ status: 'refused' });
    expect(send('pr_merge_refused', { detail: 'not allowed' })).not.toMatchObject({ status: 'held' });
    const before = merges().length;
    send('resolve', {}, { origin: 'person' });
    expect(
      merges()
        .slice(before)
        .map(({ act }) => act),
    ).toEqual(['schedule']);
  });

  it('leaves it to a person again when the setting is taken back', () => {
    const { send, merges, last } = opened();
    send('pr_merge_scheduled', { by: 'forge' }, { run: last() });
    send('pr_merge_unwanted');
    expect(merges().map(({ act }) => act)).toEqual(['schedule', 'withdraw']);
  });
});

describe('a plan that lands by its forge', () => {
  /** A done plan that has asked for its place in the line. */
  function inLine() {
    const { send, context, state, last } = opened('manual', { landing_auto: true, landing_by: 'forge' });
    send('pr_merge_wanted', { head, ready: true });
    const request = context().merge.work;
    send('line_found', { into: 'main' }, { run: request });
    const byLook = () => send('pr_merged', { head: other, into: 'main' });
    const byLine = (more: object = {}) =>
      send('plan_merged', { head: other, into: 'main', tip: head, note: 'more than was checked', request, ...more });
    return { byLook, byLine, context, state, last };
  }
  const note = 'more than was checked';

  it.each<[string, (line: ReturnType<typeof inLine>) => unknown, object]>([
    ['its line', ({ byLine }) => byLine(), { note }],
    ['a look', ({ byLook }) => byLook(), { note: undefined }],
    ['its line, then a look', (line) => [line.byLine(), line.byLook()], { note }],
    ['a look, then its line', (line) => [line.byLook(), line.byLine()], { note }],
    ['a look, then its line twice', (line) => [line.byLook(), line.byLine(), line.byLine()], { note }],
    ['a look, then a line about other work', (l) => [l.byLook(), l.byLine({ tip: other })], { note: undefined }],
    ['a look, then a line of another branch', (l) => [l.byLook(), l.byLine({ into: 'dev' })], { note: undefined }],
  ])('is merged with the details that are known, reported by %s', (_, happen, known) => {
    const line = inLine();
    happen(line);
    expect(line.context().merge.merged).toMatchObject({ head: other, into: 'main', tip: head });
    expect(line.context().merge.merged?.note).toBe((known as { note?: string }).note);
    expect(line.state()).toBe('merged');
  });
});
