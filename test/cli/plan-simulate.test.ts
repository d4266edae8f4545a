/** `stator plan simulate` and `run --dry` as a person types them, with the mistakes that people make. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

test('a plan is tried out in a repo that nobody registered, and nothing is left behind', async () => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'false']));
  const shown = await made.stator(['plan', 'simulate', 'p.md', '--svg', 'p.svg']);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expectProse(shown.stdout, 'w1-t1', '10m 00s', 'assumed');
  expect(readFileSync(join(made.repo, 'p.svg'), 'utf8')).toMatch(/^<svg .*aria-label="p: done after [^"]+"/);
  const dry = await made.stator(['run', 'p.md', '--dry']);
  expect(dry).toMatchObject({ code: 0, stdout: shown.stdout });
  expect(existsSync(join(made.home, 'taskstore.db'))).toBe(false);
  const json = JSON.parse((await made.stator(['plan', 'simulate', 'p.md', '--json', '--fail', 'w1-t2'])).stdout);
  expect(json).toMatchObject({ plan: 'p', status: 'blocked', peak_agents: 3, asks: [{ kind: 'wave_failed' }] });
  // As often as the repo's own configuration lets it.
  expect(json.order[1]).toMatchObject({ task: 'w1-t2', attempts: 1, outcome: 'failed' });
});

test('how long agents take is read from a file, or from what they took in this repo before', async () => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'true']));
  made.write('times.toml', 'coder = "4m"\n"w1-t2" = "2m..6m"\n');
  const given = await made.stator(['plan', 'simulate', 'p.md', '--durations', 'times.toml', '--agents', '1', '--json']);
  expect(JSON.parse(given.stdout)).toMatchObject({
    duration_ms: 12 * 60_000,
    agents: 1,
    durations: [{ from: 'given' }],
  });
  const early = await made.stator(['plan', 'simulate', 'p.md', '--durations', 'from-history']);
  expect(early).toMatchObject({ code: 64, stdout: '' });
  expectRefusal(early.stderr, 'from-history');
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const known = await made.stator(['plan', 'simulate', 'p.md', '--durations', 'from-history', '--json']);
  expect(JSON.parse(known.stdout)).toMatchObject({ durations: [{ role: 'coder', from: 'history' }] });
});

test('--agents asks for no more than one repo may have', async () => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'true']));
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), 'max_agents_per_repo = 2\n');
  const capped = await made.stator(['plan', 'simulate', 'p.md', '--agents', '3']);
  expectProse(capped.stdout, '3', 'max_agents_per_repo');
  const unasked = await made.stator(['plan', 'simulate', 'p.md', '--json']);
  expect(JSON.parse(unasked.stdout)).toMatchObject({ agents: 2, agents_asked: null });
});

test.each([
  [['--agents', 'many'], 64, '--agents'],
  [['--fail', 'w1-t9'], 64, 'w1-t9'],
  [['--fail', 'w1-t1:x'], 64, '--fail'],
  [['--durations', 'no.toml'], 1, 'no.toml'],
  [['--durations', 'odd.toml'], 78, 'odd.toml'],
  [['--runs', '5000'], 64, 'runs'],
  [['--svg', 'no/such/p.svg'], 1, 'no/such/p.svg'],
])('%j is refused, with a hint at what is accepted', async (wrong, code, place) => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'true']));
  made.write('odd.toml', 'coder = "soon"\n');
  const answer = await made.stator(['plan', 'simulate', 'p.md', ...wrong]);
  expect(answer.code).toBe(code);
  expectRefusal(answer.stderr, place);
});

test('a document without waves, or with a mistake, names its line', async () => {
  const made = working();
  made.write('idea.md', '# an idea\n');
  const idea = await made.stator(['plan', 'simulate', 'idea.md']);
  expect(idea).toMatchObject({ code: 1, stdout: '' });
  expectRefusal(idea.stderr, 'idea.md:1', 'Wave 1');
});

test('several plans are tried out together: each says when it lands, one behind the other, after its check', async () => {
  const made = working();
  for (const name of ['a', 'b', 'c']) made.write(`${name}.md`, planOf(['true']));
  made.write('.stator/config.toml', '[landing]\ncheck = "npm test"\n');
  made.write('times.toml', 'coder = "4m"\ncheck = "6m"\n');
  const asked = ['plan', 'simulate', 'a.md', '--with', 'b.md,c.md', '--durations', 'times.toml'];
  const { stdout } = await made.stator([...asked, '--json', '--agents', '3']);
  const minute = 60_000;
  const { plans, ...all } = JSON.parse(stdout);
  expect(plans.map((plan: { done_ms: number }) => plan.done_ms)).toEqual([9 * minute, 9 * minute, 14 * minute]);
  expect(plans.map((plan: { landed_ms: number }) => plan.landed_ms)).toEqual([15 * minute, 21 * minute, 27 * minute]);
  expect(all).toMatchObject({ duration_ms: 27 * minute, agents: 3, peak_agents: 3, check_ms: 6 * minute });
  // One coder at a time: the check of the first runs while the second is worked on.
  const one = JSON.parse((await made.stator([...asked, '--json', '--agents', '1'])).stdout);
  expect(one.plans.map((plan: { landed_ms: number }) => plan.landed_ms / minute)).toEqual([15, 21, 27]);
  expectProse((await made.stator(asked)).stdout, 'landed', '27m 00s', '[landing] check 6m 00s');
  const failed = await made.stator([...asked, '--fail', 'coder', '--json']);
  expect(JSON.parse(failed.stdout).plans[0]).toMatchObject({ status: 'blocked', done_ms: null, landed_ms: null });
});

test.each([
  [['--with', 'p.md'], 64, 'called p'],
  [['--with', 'idea.md'], 1, 'idea.md:1'],
  [['--with', 'no.md'], 1, 'no.md'],
  [['--with', 'q.md', '--svg', 'p.svg'], 64, '--svg'],
  [['--with', 'q.md', '--runs', '5'], 64, '--runs'],
  [['--with', 'q.md', '--fail', 'w7-t9'], 64, 'w7-t9'],
])('%j with several plans is refused, with a hint at what is accepted', async (wrong, code, place) => {
  const made = working();
  for (const name of ['p', 'q']) made.write(`${name}.md`, planOf(['true']));
  made.write('idea.md', '# an idea\n');
  const answer = await made.stator(['plan', 'simulate', 'p.md', ...wrong]);
  expect(answer.code).toBe(code);
  expectRefusal(answer.stderr, place);
});
