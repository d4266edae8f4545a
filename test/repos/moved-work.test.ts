/** The work of a plan on its lost host: on another host nothing begins without it. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mustCommit } from '../../runtime/core/store/port.ts';
import { findWork } from '../../runtime/work/repos/moved-work.ts';
import { openRepository, temporaryHome } from '../support/git.ts';
import { openStoreInMemory } from '../support/memory-store.ts';
import { workingSummary } from '../support/plan-row.ts';

const home = temporaryHome();

it('a merge that the plan has not handled yet is work that must not be missing', async () => {
  const repository = await openRepository(join(home.path, 'demo'));
  const store = openStoreInMemory();
  const { project } = repository;
  const key = { project, plan: 'a' };
  const tree = `plan:${project}/a` as const;
  const base = { branch: 'main', commit: '1'.repeat(40), on: [] };
  await mustCommit(store, [
    {
      do: 'plan.insert',
      key,
      text: { content: '# A', goal: null, taken: null },
      author: null,
      summary: workingSummary,
      at: 1,
    },
    { do: 'plan.set-base', key, base },
  ]);
  expect(await (await findWork(store, repository))()).toEqual([]);
  const head = '2'.repeat(40);
  const merged = {
    do: 'signal.insert',
    tree,
    type: 'work_merged',
    payload: { head },
    origin: 'engine',
    at: 1,
  } as const;
  await mustCommit(store, [merged]);
  await expect(findWork(store, repository)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`branch plan/a with the commit ${head.slice(0, 12)} is not in`),
  });
});
