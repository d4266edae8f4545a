import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  script,
  startEngine,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

/** A shell text of an agent that notes when it lives, in nanoseconds. */
function noted(file: string, body: string): string {
  return `echo "+ $(date +%s%N) $STATOR_PROJECT $STATOR_ROLE" >> '${file}'\n${body}\necho "- $(date +%s%N) $STATOR_PROJECT $STATOR_ROLE" >> '${file}'`;
}

/** The most agents of that kind that lived at one instant. */
function most(file: string, word = ''): number {
  const marks = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.includes(word))
    .map((line) => ({ step: line.startsWith('+') ? 1 : -1, at: BigInt(line.split(' ')[1] ?? 0) }))
    .sort((a, b) => (a.at === b.at ? a.step - b.step : a.at < b.at ? -1 : 1));
  let alive = 0;
  let top = 0;
  for (const { step } of marks) {
    alive += step;
    top = Math.max(top, alive);
  }
  return top;
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n');
}

/** A second repository beside the first. */
function otherRepo(root: string, repo: string, name: string): string {
  const other = join(root, name);
  execFileSync('git', ['clone', '-q', repo, other]);
  git(other, 'remote', 'remove', 'origin');
  git(other, 'config', 'user.name', 'Ada');
  git(other, 'config', 'user.email', 'ada@example.com');
  return other;
}

describe('the limits of an engine', () => {
  it('are kept for each repo and for coordinators apart, and two repos take turns', async () => {
    const engine = await startEngine({
      daemon: `max_agents = 3\nmax_agents_per_repo = 2\nmax_coordinators = 1\n${waves}`,
      agents: {
        default: { preset: 'sh', attempts: 1 },
        reviewer: { preset: 'command', program: './review.sh' },
        fixer: { preset: 'sh' },
      },
    });
    const { root, repo, client } = engine;
    const marks = join(root, 'marks');
    const reviewed = join(root, 'reviewed');
    const go = join(root, 'go');
    await client.addRepo(otherRepo(root, repo, 'other'), { trust: true });
    for (const folder of [repo, join(root, 'other')]) script(join(folder, 'review.sh'), noted(marks, gate(reviewed)));
    const three = (name: string) =>
      planText([1, 2, 3].map((n) => noted(marks, `${gate(go)}\necho ${n} > ${name}${n}.txt`)));
    // One plan is in review while the workers of others fill their slots.
    for (const plan of ['early', 'early-too'])
      await begin(engine, plan, planText([noted(marks, `echo x > ${plan}.txt`)]));
    for (const plan of ['early', 'early-too']) await untilStatus(engine, plan, 'reviewing');
    await begin(engine, 'here', three('here'));
    await begin(engine, 'there', three('there'), 'other');
    const running = async () => (await client.instances({})).filter((one) => one.state === 'running');
    await until(async () => (await running()).length === 4);
    const projects = (await running()).filter((one) => one.role === 'coder').map((one) => one.project);
    // `here` asked first for all three; its second slot was taken before the other repo came.
    expect(projects.sort()).toEqual(['demo', 'demo', 'other']);
    expect((await running()).filter((one) => one.role === 'reviewer')).toHaveLength(1);
    const waiting = (await client.plans('demo')).find((plan) => plan.waiting_for?.kind === 'slot');
    expectProse(waiting?.waiting_for?.detail.replace('early-too-', 'early-') ?? '', '1 of 1', 'early-review-1');
    openGate(go);
    writeFileSync(reviewed, '');
    for (const [plan, project] of [
      ['early', 'demo'],
      ['early-too', 'demo'],
      ['here', 'demo'],
      ['there', 'other'],
    ] as const)
      await untilPlan(engine, plan, (shown) => shown.status === 'done', project);
    expect(most(marks, 'coder')).toBeLessThanOrEqual(3);
    expect(most(marks, 'demo coder')).toBeLessThanOrEqual(2);
    expect(most(marks, 'other coder')).toBeLessThanOrEqual(2);
    expect(most(marks, 'reviewer')).toBe(1);
    const begun = lines(marks).filter((line) => line.startsWith('+') && line.endsWith('coder'));
    expect(begun).toHaveLength(8);
  });

  it('give repos their turns: who asked later does not wait for all of another', async () => {
    const engine = await startEngine({ daemon: `max_agents = 1\n${waves}` });
    const { root, repo, client } = engine;
    const [marks, go] = [join(root, 'marks'), join(root, 'go')];
    await client.addRepo(otherRepo(root, repo, 'other'), { trust: true });
    const two = planText([1, 2].map((n) => noted(marks, `${gate(go)}\necho ${n} > ${n}.txt`)));
    await begin(engine, 'first', two);
    await begin(engine, 'second', two, 'other');
    await until(async () => (await client.queue()).filter((entry) => entry.state === 'pending').length === 3);
    openGate(go);
    await untilStatus(engine, 'first', 'done');
    await untilStatus(engine, 'second', 'done', 'other');
    const begun = lines(marks).filter((line) => line.startsWith('+'));
    expect(begun.map((line) => line.split(' ')[2])).toEqual(['demo', 'other', 'demo', 'other']);
  });

  it('give the agents that wait already the priority that their repo is given meanwhile', async () => {
    const engine = await startEngine({ daemon: `max_agents = 1\n${waves}` });
    const { root, repo, client } = engine;
    const [marks, go] = [join(root, 'marks'), join(root, 'go')];
    await client.addRepo(otherRepo(root, repo, 'other'), { trust: true });
    const two = planText([1, 2].map((n) => noted(marks, `${gate(go)}\necho ${n} > ${n}.txt`)));
    await begin(engine, 'first', two);
    await begin(engine, 'second', two, 'other');
    const waiting = async () =>
      (await client.queue()).flatMap(({ project, position }) => (position === null ? [] : [project]));
    await until(async () => (await waiting()).join(' ') === 'other demo other');
    mkdirSync(join(repo, '.stator'));
    writeFileSync(join(repo, '.stator', 'config.toml'), 'priority = 5\n');
    await client.reload();
    await until(async () => (await waiting()).join(' ') === 'demo other other');
    openGate(go);
    await untilStatus(engine, 'first', 'done');
    await untilStatus(engine, 'second', 'done', 'other');
    const begun = lines(marks).filter((line) => line.startsWith('+'));
    expect(begun.map((line) => line.split(' ')[2])).toEqual(['demo', 'demo', 'other', 'other']);
  });
});
