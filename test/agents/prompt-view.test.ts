/** `stator plan prompt` and the prompts of real runs are the same text, from the plan's present state. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../runtime/engine/engine.ts';
import {
  begin,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

type Agents = NonNullable<EngineOptions['agents']>;

const command = (program: string, attempts = 1) => ({ preset: 'command', program, attempts }) as const;
const two = planText(
  [
    { title: 'Index', sh: 'echo 1 >a' },
    { title: 'Query', sh: 'echo 2 >b' },
  ],
  ['echo 3 >c'],
);

function override({ repo }: Pick<TestEngine, 'repo'>, role: string, text: string): string {
  mkdirSync(join(repo, '.stator/prompts'), { recursive: true });
  const file = join(repo, '.stator/prompts', `${role}.md`);
  writeFileSync(file, text);
  return file;
}

/** A program for `command`, committed so that it is in every worktree. */
function program({ repo }: Pick<TestEngine, 'repo'>, name: string, text: string): void {
  writeFileSync(join(repo, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  git(repo, 'add', name);
  git(repo, 'commit', '-qm', name);
}

describe('the prompt of a plan', () => {
  it('is that of who would start next', async () => {
    const engine = await startEngine();
    await register(engine, 'draft', '# Only words\n');
    await register(engine, 'p', two);
    const { prompt, ...rest } = await engine.client.prompt('demo', 'p');
    expect(rest).toEqual({ project: 'demo', plan: 'p', role: 'coder', task: 'w1-t1', source: 'built-in' });
    expect(prompt).toContain('# Wave 1, task 1: Index');
    expect(prompt).toContain('on branch `plan/p-w1-t1`');
    expect(await engine.client.prompt('demo', 'draft')).toMatchObject({ role: 'planner', task: null });
    await begin(engine, 'q', planText(['echo 1 >a']));
    await untilStatus(engine, 'q', 'done');
    await expectFailure(
      engine.client.prompt('demo', 'q'),
      'conflict',
      'demo/q',
      'stator plan prompt q --role reviewer',
    );
  });

  it('is that of the task or the role that is named, and nothing is made for it', async () => {
    const engine = await startEngine();
    await register(engine, 'p', two);
    expect((await engine.client.prompt('demo', 'p', { task: 'w1-t2' })).prompt).toContain('# Wave 1, task 2: Query');
    const review = await engine.client.prompt('demo', 'p', { role: 'reviewer' });
    expect(review).toMatchObject({ role: 'reviewer', task: null });
    expect(review.prompt).toContain('`git diff main...HEAD`');
    expect((await engine.client.prompt('demo', 'p', { role: 'verifier' })).prompt).toContain('80 lines');
    expect(git(engine.repo, 'branch', '--list', 'plan/*')).toBe('');
    expect(existsSync(join(engine.home, 'runs')) ? 'runs' : 'none').toBe('none');
  });

  it('of a later wave names what the earlier ones changed, and the file with the whole plan', async () => {
    const engine = await startEngine();
    const content = `${two}\n## Rollout\nSlowly.\n`;
    await begin(engine, 'p', content);
    await untilStatus(engine, 'p', 'done');
    const [last] = (await engine.client.instances({ project: 'demo' })).filter(({ title }) => title === 'p-w2-t1');
    const folder = join(last?.log ?? '', '..');
    const prompt = readFileSync(join(folder, 'prompt'), 'utf8');
    expect(prompt).toMatch(/task 1: Index.* a \(\+1 -0\)\n.*task 2: Query.* b \(\+1 -0\)\n/);
    expect(prompt).toContain('## Rollout\nSlowly.');
    expect(prompt).toContain(join(folder, 'plan.md'));
    expect(readFileSync(join(folder, 'plan.md'), 'utf8')).toBe(content);
    const shown = await engine.client.prompt('demo', 'p', { task: 'w2-t1' });
    expect(shown.prompt).toContain('a (+1 -0)');
    expect(shown.prompt).toContain('plan.md');
  });

  it('of nobody says what there is', async () => {
    const engine = await startEngine();
    await register(engine, 'p', two);
    const asked = (whom: { task?: string; role?: string }, plan = 'p') => engine.client.prompt('demo', plan, whom);
    await expectFailure(asked({ role: 'revewer' }), 'bad_request', '"revewer"', 'reviewer');
    await expectFailure(asked({ task: '2' }), 'bad_request', 'w1-t2');
    await expectFailure(asked({ task: 'w9-t1' }), 'agent_unusable', 'wave 9 task 1');
    await expectFailure(asked({ task: 'w1-t1', role: 'reviewer' }), 'bad_request', 'reviewer');
    await expectFailure(asked({}, 'nope'), 'plan_not_found', 'demo/nope');
  });

  it('is what the agent at work received, and after a question what it will receive', async () => {
    const agents: Agents = { default: command('./agent.sh'), reviewer: { enabled: false } };
    const engine = await startEngine({ agents });
    program(
      engine,
      'agent.sh',
      'grep -q FTS5 && { echo x >x; exit 0; }\nstator signal emit needs_decision --payload "Which index?"',
    );
    await begin(engine, 'p', planText([{ title: 'Index', sh: null }]));
    await untilBlocked(engine, 'p');
    expect((await engine.client.prompt('demo', 'p')).prompt).toContain('```\nWhich index?\n```');
    await say(engine, 'p', 'resolve', 'FTS5');
    await untilStatus(engine, 'p', 'done');
    const prompts = await engine.client.instances({ project: 'demo' });
    expect(prompts.map(({ title }) => title)).toEqual(['p-w1-t1']);
    expect(readFileSync(join(prompts[0]?.log ?? '', '../prompt'), 'utf8')).toContain('```\nFTS5\n```');
  });
});

describe("a repo's own prompt", () => {
  it('is what its agents receive, and is shown with its path', async () => {
    const agents: Agents = { default: command('./agent.sh'), reviewer: { enabled: false } };
    const engine = await startEngine({ agents });
    program(engine, 'agent.sh', 'cat >got.txt');
    const file = override(engine, 'coder', 'Only {{title}}, please.\n');
    await engine.client.trustRepo({ project: 'demo' });
    await register(engine, 'p', planText([{ title: 'Index', sh: null }]));
    const { prompt, source } = await engine.client.prompt('demo', 'p');
    expect(source).toBe(file);
    await say(engine, 'p', 'implement_start');
    await untilStatus(engine, 'p', 'done');
    expect(git(engine.repo, 'show', 'plan/p:got.txt')).toBe(prompt.trim());
    expect(prompt).toMatch(/^Only Wave 1, task 1: Index, please\.\n\n## /);
  });

  it('that is broken stops the run before it starts, with the file and the line', async () => {
    const engine = await startEngine();
    const file = override(engine, 'coder', '# {{titel}}\n');
    await engine.client.trustRepo({ project: 'demo' });
    await register(engine, 'p', planText(['echo 1 >a']));
    const place = `${file}, line 1: `;
    await expectFailure(engine.client.prompt('demo', 'p'), 'bad_config', place, '{{titel}}', '{{title}}?');
    await say(engine, 'p', 'implement_start');
    await untilPlan(engine, 'p', ({ phase }) => phase === 'wave_waiting');
    const [instance] = await engine.client.instances({ project: 'demo', plan: 'p' });
    expect(instance?.reason).toBe('start-failed');
    expect(await engine.client.capture({ project: 'demo', title: 'p-w1-t1' })).toContain(place);
  });
});

describe('nothing is cut in silence', () => {
  it('the fixer gets a file with the whole text of a review that is too long for a prompt', async () => {
    const agents: Agents = { reviewer: command('./review.sh'), fixer: command('./fix.sh') };
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 }, ...agents } });
    program(
      engine,
      'review.sh',
      '[ -e fixed ] && exit 0\n{ echo first; yes "a point of the review" | head -c 60000; echo; echo last; } >"$STATOR_TEMP_DIR/r"\nstator signal emit review_changes_requested --payload - <"$STATOR_TEMP_DIR/r"',
    );
    program(engine, 'fix.sh', 'cat >fixed');
    await begin(engine, 'p', planText(['echo 1 >a']));
    await untilStatus(engine, 'p', 'done');
    const prompt = git(engine.repo, 'show', 'plan/p:fixed');
    const [, left, of, file = ''] =
      /\[(\d+) of (\d+) bytes are left out here; the whole text: (.*)\]/.exec(prompt) ?? [];
    expect(Number(of) - Number(left)).toBe(40 * 1024);
    expect(Number(of)).toBe(60_011);
    const whole = readFileSync(file, 'utf8');
    expect(whole.startsWith('first\na point')).toBe(true);
    expect(whole.endsWith('\nlast\n')).toBe(true);
  });

  it('for 300 KB of output of a command that judges, the fixer receives the command that shows the whole log', async () => {
    const agents: Agents = { reviewer: command('./review.sh'), fixer: command('./fix.sh') };
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 }, ...agents } });
    program(engine, 'review.sh', '[ -e fixed ] && exit 0\nyes "a test fails" | head -c 299999; echo; exit 1');
    program(engine, 'fix.sh', 'cat >fixed');
    await begin(engine, 'p', planText(['echo 1 >a']));
    await untilStatus(engine, 'p', 'done');
    const fixed = git(engine.repo, 'show', 'plan/p:fixed');
    expectProse(/^\[295904 of 300000 .*\]$/m.exec(fixed)?.[0] ?? '', 'stator agent logs p-review-1');
    const instances = await engine.client.instances({ project: 'demo', plan: 'p' });
    const log = instances.find(({ title }) => title === 'p-review-1')?.log ?? '';
    expect(readFileSync(log).length).toBe(300_000);
  });
});

describe('an agent that has done one task', () => {
  it('says so by the word that its prompt names, with nothing added', async () => {
    const agents: Agents = { default: command('./agent.sh'), reviewer: { enabled: false } };
    const engine = await startEngine({ agents });
    program(
      engine,
      'agent.sh',
      'echo x >x\nstator signal emit implement_task_finished --json >"$STATOR_TEMP_DIR/said"',
    );
    await begin(engine, 'p', planText([{ title: 'Index', sh: null }]));
    await untilStatus(engine, 'p', 'done');
    const [signal] = await engine.client
      .signals({ project: 'demo', plan: 'p' })
      .then((all) => all.filter(({ type }) => type === 'implement_task_finished'));
    expect(signal).toMatchObject({ status: 'done', payload: { wave_number: 1, task_number: 1 } });
  });
});
