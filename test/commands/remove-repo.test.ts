/** Changes between the request to remove a repo and the commit that removes it. */
import { expect, it } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { createRepoCommands } from '../../runtime/api/commands/repos.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import type { Change, Store } from '../../runtime/core/store/port.ts';
import { openProjects } from '../../runtime/work/repos/registry.ts';
import { openStoreInMemory } from '../support/memory-store.ts';

const config = { file: 'f', text: null, kasmosFile: 'k', kasmosText: null, kasmosProblem: null };
const run = { kind: 'agent.run', id: 'one#1', role: 'coder', place: { branch: 'one', from: 'main' } };

/** A store whose commits wait, in order, until another program lets go of it. */
function heldStore() {
  const store = openStoreInMemory();
  let release = () => {};
  let line: Promise<unknown> = new Promise<void>((resolve) => {
    release = resolve;
  });
  const commit: Store['commit'] = (changes) => {
    const turn = line.then(() => store.commit(changes));
    line = turn;
    return turn;
  };
  return { store, held: { ...store, commit }, release: () => release() };
}

it('a repo stays where an agent is started by a commit that had to wait', async () => {
  const { store, held, release } = heldStore();
  const asked = { do: 'effect.insert', tree: planTree('demo', 'a'), priority: 0, at: 1 } as const;
  await store.commit([
    {
      do: 'repo.insert',
      project: 'demo',
      path: '/demo',
      config,
      addedAt: 1,
      trustedAt: 1,
      trustedBy: 'repo add',
      revokedAt: null,
    },
    { ...asked, effect: run as unknown as Effect }, // all that is looked at here
  ]);
  const log = createLog(() => {}, 'error');
  const settings = { current: () => ({ repos: [] }) };
  const { nowMs } = systemClock;
  const projects = await openProjects({ store: held, settings, overrides: {}, log, nowMs } as never); // nothing is parsed
  const commands = createRepoCommands({
    ...{ store: held, projects, settings, log, clock: systemClock, views: {} },
    runsEnded: async () => {},
    locks: { tryAt: async () => {} },
    onChange: () => {},
  } as never); // nothing else is asked
  const taken: Change = { do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 2 };
  const starting = held.commit([taken]);
  const removed = commands.removeRepo('demo');
  release();
  await expect(removed).rejects.toMatchObject({ code: 'conflict' });
  expect(await starting).toMatchObject({ status: 'committed' });
  expect((await store.repos()).map(({ project }) => project)).toEqual(['demo']);
  expect(projects.isOpen('demo')).toBe(true);
});
