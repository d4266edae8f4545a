/** A task may name its agent: a table of `[agents]`. The programs are scripts. */
import { describe, expect, it } from 'vitest';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { begin, planText, register, say, startEngine, untilPlan, untilStatus, waves } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

const writes = (name: string) =>
  ({ preset: 'command', program: `sh -c 'echo ${name} > "made-by-${name}-$STATOR_TASK"'` }) as const;
const fails = { preset: 'command', program: 'false' } as const;
const task = (agent: string | null) => ({
  sh: null,
  ...(agent === null ? {} : { fields: `**Agent:** ${agent}` }),
});
const profilesOf = ({
  run_list: runs,
}: {
  readonly run_list: readonly { profile: string | null; attempt: number }[];
}) => runs.map(({ profile, attempt }) => [profile, attempt]);

describe('a task that names its agent', () => {
  it('is done by that one, and the others by the agent of the role', async () => {
    const agents = {
      coder: { ...writes('usual'), attempts: 1 },
      strong: writes('strong'),
      reviewer: { enabled: false },
    };
    const engine = await startEngine({ agents });
    await begin(engine, 'p', planText([task(null), task('`strong`'), task('coder')]));
    const done = await untilStatus(engine, 'p', 'done');
    expect(
      git(engine.repo, 'ls-tree', '--name-only', 'plan/p')
        .split('\n')
        .filter((name) => name.startsWith('made-')),
    ).toEqual(['made-by-strong-2', 'made-by-usual-1', 'made-by-usual-3']);
    expect(profilesOf(done).filter(([profile]) => profile !== null)).toEqual([['strong', 1]]);
  });

  it('begins the list of escalate there; one that is not in the list plays the first attempt', async () => {
    const agents = {
      coder: { ...fails, attempts: 2, escalate: ['fast', 'strong'] },
      ...{ fast: fails, strong: fails, other: fails, reviewer: { enabled: false } },
    };
    const engine = await startEngine({ agents });
    await begin(engine, 'listed', planText([task('strong')]));
    await begin(engine, 'apart', planText([task('other')]));
    const over = async (plan: string) =>
      profilesOf(
        await untilPlan(
          engine,
          plan,
          ({ run_list: runs }) => runs.filter(({ state }) => state === 'failed').length === 2,
        ),
      );
    expect(await over('listed')).toEqual([
      ['strong', 1],
      ['strong', 2],
    ]);
    expect(await over('apart')).toEqual([
      ['other', 1],
      ['strong', 2],
    ]);
  });

  it('is done by it also where one coder does the whole plan', async () => {
    const agents = {
      coder: { ...writes('usual'), attempts: 1 },
      strong: writes('strong'),
      reviewer: { enabled: false },
    };
    const engine = await startEngine({ agents, daemon: '' });
    await begin(engine, 'p', planText([task(null), task('strong')]));
    expect(profilesOf(await untilStatus(engine, 'p', 'done'))).toEqual([['strong', 1]]);
  });

  it('is refused before anything starts if there is no such table, with the nearest name', async () => {
    const agents = { coder: fails, strong: fails, reviewer: { enabled: false } };
    const engine = await startEngine({ agents, daemon: waves });
    await register(engine, 'p', planText([task('strnog')]));
    await expectFailure(
      say(engine, 'p', 'implement_start'),
      'agent_unusable',
      'did you mean strong?',
      '[agents.strnog]',
    );
    // Its own blocks are not needed where the named agent reads the task.
    const shell = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 }, strong: writes('strong') } });
    await begin(shell, 'p', planText([task('strong')]));
    await untilStatus(shell, 'p', 'done');
  });
});

describe('an agent for small tasks', () => {
  const small = { sh: null, fields: '**Files:** a.ts' };

  it('does them, but not those that name their agent or are not small; explain and show say which and why', async () => {
    const agents = {
      coder: { ...writes('usual'), attempts: 1, small: 'fast' },
      ...{ fast: writes('fast'), strong: writes('strong'), reviewer: { enabled: false } },
    };
    const engine = await startEngine({ agents });
    const named = { sh: null, fields: '**Files:** b.ts\n**Agent:** strong' };
    await register(engine, 'p', planText([small, named, task(null)]));
    const [wave] = (await engine.client.plan('demo', 'p')).tasks_by_wave;
    expect(wave?.tasks.map(({ agent, agent_by: by }) => [agent, by])).toEqual([
      ['fast', 'size'],
      ['strong', 'plan'],
      [undefined, undefined],
    ]);
    expect((await engine.client.prompt('demo', 'p', { task: 'w1-t1' })).prompt).toBeTruthy();
    await say(engine, 'p', 'implement_start');
    await untilStatus(engine, 'p', 'done');
    const made = git(engine.repo, 'ls-tree', '--name-only', 'plan/p').split('\n');
    expect(made.filter((name) => name.startsWith('made-'))).toEqual([
      'made-by-fast-1',
      'made-by-strong-2',
      'made-by-usual-3',
    ]);
  });

  it('is followed by the list of escalate after a failed attempt, and does a small plan alone', async () => {
    const agents = {
      coder: { ...fails, attempts: 3, escalate: ['coder', 'strong'], small: 'fast' },
      ...{ fast: fails, strong: fails, reviewer: { enabled: false } },
    };
    const engine = await startEngine({ agents, daemon: '' });
    await begin(engine, 'p', planText([small, small]));
    const over = await untilPlan(
      engine,
      'p',
      ({ run_list: runs }) => runs.filter(({ state }) => state === 'failed').length === 3,
    );
    expect(profilesOf(over)).toEqual([
      ['fast', 1],
      ['strong', 2],
      ['strong', 3],
    ]);
  });

  it.each([
    [{ coder: { small: 'fsat' }, fast: {} }, 'did you mean "fast"?'],
    [{ coder: { small: 'reviewer' }, reviewer: {} }, 'is the table of a role'],
    [{ reviewer: { small: 'fast' }, fast: {} }, 'put it under [agents.coder]'],
    [{ fast: { small: 'fast' } }, 'put it under [agents.coder]'],
  ] as const)('is refused when the configuration is read: %j', async (tables, words) => {
    await expect(startEngine({ agents: { default: fails, ...tables } })).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining(words) as string,
    });
  });
});

it.each([
  ['**Agent:** two words', 'is no name of an agent'],
  ['**Agent:** a\n**Agent:** b', 'a second agent'],
  ['**Agnet:** strong', 'did you mean **Agent:**?'],
])('%j is a problem with its line', (field, words) => {
  const { problems } = parsePlan(`# P\n\n## Wave 1\n\n### Task 1: one\n\n${field}\n`);
  expect(problems.map(({ message }) => message).join()).toContain(words);
});
