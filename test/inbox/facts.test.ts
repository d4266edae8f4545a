import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { kindsWith } from '../../actors/kinds.ts';
import { planTree, repoTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { createBus, type Fact, type Follows, followFacts, type Subscription } from '../../runtime/core/inbox/facts.ts';

function line(seq: number): Fact {
  const about = { tree: 'repo:demo', signal: null, type: 'x', origin: 'engine', actor: '', event: 'x' } as const;
  return { seq, at: 0, ...about, from: '', to: '', effects: [], refused: null };
}

/** The received facts, in order. */
function heardBy(subscription: Subscription): (number | 'behind')[] {
  const heard: (number | 'behind')[] = [];
  void (async () => {
    for await (const facts of subscription)
      if (facts === 'behind') heard.push(facts);
      else heard.push(...facts.map(({ seq }) => seq));
  })();
  return heard;
}

async function bothOf(play: (bus: ReturnType<typeof createBus>) => void) {
  const bus = createBus();
  const [everywhere, here] = [heardBy(bus.subscribe()), heardBy(bus.subscribe({ onlyHere: true }))];
  await nextTurn();
  bus.publish([line(1)]);
  await nextTurn();
  play(bus);
  await nextTurn();
  bus.close();
  return { everywhere, here };
}

it('lines of other hosts put behind those who want all lines, not those who want their own', async () => {
  const { everywhere, here } = await bothOf((bus) => bus.reached(2, { concernsHere: false }));
  expect(everywhere).toEqual([1, 'behind']);
  expect(here).toEqual([1]);
});

it('lines of another host for a repo of this one put behind all', async () => {
  const { everywhere, here } = await bothOf((bus) => bus.reached(2));
  expect(everywhere).toEqual([1, 'behind']);
  expect(here).toEqual([1, 'behind']);
});

it('it does not matter whether a line of this host is published before the earlier lines are known', async () => {
  const ofOthers = await bothOf((bus) => {
    bus.publish([line(3)]);
    bus.reached(2, { concernsHere: false });
  });
  expect(ofOthers.everywhere).toEqual([1, 'behind']);
  expect(ofOthers.here).toEqual([1, 3]);
  const forHere = await bothOf((bus) => {
    bus.publish([line(3)]);
    bus.reached(2);
  });
  expect(forHere.here).toEqual([1, 'behind']);
});

it('those who want their own lines read them anew when other repos may be their own', async () => {
  const { everywhere, here } = await bothOf((bus) => bus.missedHere());
  expect(everywhere).toEqual([1]);
  expect(here).toEqual([1, 'behind']);
});

it('a follower is called for the plans whose facts it declared, and for those that were missed', async () => {
  const bus = createBus();
  const [login, other] = [planTree('demo', 'login'), planTree('demo', 'other')];
  const called: (readonly string[] | null)[] = [];
  const follows: Follows = {
    states: ['status:done'],
    events: ['pr_'],
    plans: new Set([other]),
    noted: (plans) => void called.push(plans),
  };
  const following = followFacts(bus.subscribe(), kindsWith([]), [follows]);
  const of = (seq: number, tree: TreeAddress, event: string, [from, to]: readonly [string, string]): Fact => ({
    ...line(seq),
    ...{ tree, event, from, to },
  });
  const [ready, done] = ['lifecycle.ready.draft', 'lifecycle.done'];
  const batches: readonly (readonly Fact[])[] = [
    [line(1), of(2, login, 'cancel', [ready, 'lifecycle.cancelled.ended'])],
    [of(3, login, 'cancel', [done, 'lifecycle.cancelled.ended']), of(4, other, 'cancel', [ready, ready])],
    [of(5, login, 'pr_opened', ['pullRequest.none', 'pullRequest.none']), of(6, repoTree('demo'), 'pr_x', ['', ''])],
  ];
  for (const facts of batches) {
    bus.publish(facts);
    await nextTurn();
  }
  bus.reached(9);
  await nextTurn();
  bus.close();
  await following;
  expect(called).toEqual([[login, other], [login], null]);
});
