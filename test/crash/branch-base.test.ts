/** An engine that is killed while it brings a plan to its base: the next one makes the same base, and the plan's changes are counted from it. */
import { afterEach, expect, it } from 'vitest';
import { createGrounds } from '../support/crash.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import { begin, planText, register, startEngine, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';

const grounds = createGrounds();
afterEach(() => grounds.clear());

it('before its branch is there, and before the base is noted: there is one base, and it holds both', async () => {
  const made = grounds.make();
  const first = await startEngine({ on: made });
  for (const plan of ['api', 'docs']) await begin(first, plan, planText([`echo ${plan} > ${plan}.txt`]));
  for (const plan of ['api', 'docs']) await untilStatus(first, plan, 'done');
  await register(
    first,
    made.plan,
    planText(['cat api.txt docs.txt > both.txt']).replace('\n', '\n\n**After:** api, docs\n'),
  );
  await first.engine.stop();
  const branch = `plan/${made.plan}`;
  const bases: string[] = [];
  for (const point of ['branch-base.before-move', 'branch-base.after-move'] as const) {
    const { how, said } = await made.live({ fault: { point, nth: 1 } }).ended;
    expect(how, `${point}\n${said}`).toBe('killed');
    bases.push(git(made.repo, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`));
  }
  const [none, base = ''] = bases;
  expect(none).toBe('');
  expect(git(made.repo, 'show', '--no-patch', '--format=%P', base)).toBe(
    ['api', 'docs'].map((plan) => git(made.repo, 'rev-parse', `plan/${plan}`)).join(' '),
  );
  const { how, said } = await made.carry();
  expect(how, said).toBe('done');
  expect(git(made.repo, 'diff', '--name-only', base, branch)).toBe('both.txt');
  const last = await startEngine({ on: made, adds: false });
  const diff = await last.client.planDiff('demo', made.plan);
  expect([diff.from, diff.files.map(({ path }) => path)]).toEqual([base, ['both.txt']]);
  expect((await last.client.plan('demo', made.plan)).base?.on.map(({ plan }) => plan)).toEqual(['api', 'docs']);
  await last.engine.stop();
  await expectJournalToReplay(made.home);
});
