/** Settings of a role that the engine replaces when a repository is added: what it says of them, and what a plan then does. */
import { describe, expect, it } from 'vitest';
import { begin, planText as document, startEngine, untilStatus } from '../support/engine.ts';

describe('a role that resolves to sh', () => {
  it('is skipped with a note where it coordinates, and a fixer of that kind counts as auto_review_fix off', async () => {
    const started = await startEngine({
      adds: false,
      agents: { default: { preset: 'sh', attempts: 1 }, verifier: { enabled: true }, architect: { enabled: true } },
    });
    const { notes } = await started.client.addRepo(started.repo, { trust: true });
    const said = notes.join('\n');
    for (const role of ['planner', 'architect', 'reviewer', 'verifier'])
      expect(said).toContain(`the ${role} is off: preset "sh" runs the blocks of a task`);
    await begin(started, 'plain', document(['echo a > a.txt']));
    const done = await untilStatus(started, 'plain', 'done');
    expect(Object.keys(done.timestamps)).toEqual(['implementing_at', 'done_at']);
    expect((await started.client.instances({ plan: 'plain' })).map(({ title }) => title)).toEqual(['plain-w1-t1']);
  });

  it('0 as the limit of a verifier’s own fixes means the default, with a note', async () => {
    const daemon = 'readiness_self_fix_max_lines = 0\n';
    const started = await startEngine({ adds: false, daemon });
    const { notes } = await started.client.addRepo(started.repo, { trust: true });
    expect(notes.join('\n')).toContain('readiness_self_fix_max_lines = 0 sets no limit of your own: the default, 80');
  });
});
