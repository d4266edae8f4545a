/**
 * What a person reads on a terminal of 80 columns of why something happened, and of what it took. The agents are the fake `claude`, playing scenarios; an attempt that is
 * tried again waits its second, and each of these plans has several agents, which is why they take their time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { fakeEnv } from '../support/program.ts';
import { expectProse } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const document = `# Greeting

## Wave 1

### Task 1: The texts
Write the texts.

### Task 2: The page
Write the page.

### Task 3: The index
Write the index.
`;

type Scenario = Record<string, readonly (readonly object[])[]>;

interface Played extends Terminal {
  env: NodeJS.ProcessEnv;
  open(...args: string[]): Pty;
}

/** A repo whose agents are the fake claude, which plays that scenario. */
function playing(scenario: Scenario, config = ''): Played {
  const made = terminal();
  made.write('.stator/config.toml', `${config}[agents.default]\npreset = "claude"\n`);
  made.write('greeting.md', document);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  const file = join(made.root, 'scenario.json');
  writeFileSync(file, JSON.stringify(scenario));
  const env = fakeEnv(made.env, { root: made.root, says: 'ok', scenario: file });
  return { ...made, env, open: (...args) => openPty(process.execPath, [main, ...args], { cwd: made.repo, env }) };
}

const writes = (file: string) => [{ write: { [file]: 'text\n' } }];
const approves = [{ signal: ['review_approved'] }];

/** The line with this name, where the terminal shows it, and the given number of lines before and after it. */
function linesAt(pty: Pty, name: string, { before = 0, after = 0 } = {}): string {
  const lines = pty.text().split('\n');
  const at = lines.findIndex((line) => line.includes(name));
  expect(at, pty.text()).toBeGreaterThanOrEqual(before);
  return lines.slice(Math.max(0, at - before), at + after + 1).join('\n');
}

function widest(pty: Pty): number {
  return Math.max(
    ...pty
      .text()
      .split('\n')
      .map((line) => line.length),
  );
}

describe('on a terminal of 80 columns', () => {
  it('run, plan history and plan show say why an attempt failed, what the review wants, and what all of it took', async () => {
    const made = playing({
      'greeting-w1-t1': [[{ fail: 'Invalid API key · Please run /login' }], writes('texts')],
      'greeting-w1-t2': [writes('page')],
      'greeting-w1-t3': [writes('index')],
      'greeting-review-1': [[{ signal: ['review_changes_requested', 'French is missing.\n\nThe page has no title.'] }]],
      'greeting-fix-1': [writes('french')],
      'greeting-review-2': [approves],
    });
    const run = made.open('run', 'greeting.md', '--trust');
    await run.until(/greeting {2}implementing .*\$\d/);
    expect(await run.ended).toBe(0);
    const failed = linesAt(run, 'Invalid API key · Please run /login', { before: 1 });
    const review = linesAt(run, 'French is missing.', { before: 1, after: 1 });
    const took = /^took .*$/m.exec(run.text())?.[0];
    expectProse([failed, review, took].join('\n'), 'task 1: attempt 1 ', 'The page has no title.', '7 runs');
    expect(widest(run)).toBeLessThanOrEqual(80);

    const history = made.open('plan', 'history', 'greeting');
    expect(await history.ended).toBe(0);
    const before = linesAt(history, 'Invalid API key · Please run /login', { before: 1 });
    const asked = linesAt(history, 'French is missing.', { before: 1 });
    const facts = `${before}\n${asked}`.replaceAll(/^\d\d:\d\d:\d\d +/gm, '');
    expectProse(facts, 'task 1: attempt 1 ', 'greeting-review-1');
    expect(history.text()).not.toMatch(/begun|wave-1\.|run_exited/);
    expect(widest(history)).toBeLessThanOrEqual(80);
    const { stdout: verbose } = await made.stator(['plan', 'history', 'greeting', '--verbose'], { env: made.env });
    expect(verbose).toMatch(/wave-1\.\d+\/task-1\.\d+\/agent +run_exited/);

    const show = made.open('plan', 'show', 'greeting');
    expect(await show.ended).toBe(0);
    const rows = show
      .text()
      .split('\n')
      .filter((line) => line.startsWith('greeting-'));
    const cells = rows.map((line) => line.replaceAll(/ +/g, ' ').replace(/ (?:\d+m )?\d+s /, ' <duration> '));
    expectProse(cells.sort().join('\n'), 'greeting-w1-t1 1 ', 'greeting-w1-t1 2 ', 'greeting-fix-1 1 ');
    expect(widest(show)).toBeLessThanOrEqual(80);
    const finished = JSON.parse((await made.stator(['plan', 'show', 'greeting', '--json'], { env: made.env })).stdout);
    expect(finished.run_list).toHaveLength(7);
  });

  it('what agents say cannot move the cursor, and is cut', async () => {
    const evil = `\u001b[2J\u001b]0;owned\u0007\u202e${'no '.repeat(100)}`;
    const made = playing(
      { 'greeting-w1-t1': [[{ fail: evil }]], 'greeting-w1-t2': [writes('b')], 'greeting-w1-t3': [writes('c')] },
      'auto_advance_waves = true\n',
    );
    made.write('.stator/config.toml', '[agents.default]\npreset = "claude"\nattempts = 1\n');
    const run = made.open('run', 'greeting.md', '--trust');
    expect(await run.ended).toBe(1);
    expectProse(linesAt(run, 'no no no', { before: 1 }), 'wave 1 task 1 ', 'The texts\n');
    expect(run.written()).not.toContain('\u001b[2J\u001b]0;');
    expect(run.written()).not.toContain('\u202e');
    const lines = run
      .text()
      .split('\n')
      .filter((line) => line.includes('no no no'));
    const folded = lines.filter((text) => text.startsWith(' '));
    expect(folded).not.toHaveLength(0);
    for (const line of folded) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('a limit of the service is shown with its reset time', async () => {
    const made = playing({
      'greeting-w1-t1': [[{ limited: 7_200_000 }]],
      'greeting-w1-t2': [writes('b')],
      'greeting-w1-t3': [writes('c')],
    });
    const run = made.open('run', 'greeting.md', '--trust');
    // The report of one run counts for five minutes.
    await run.until(/wave 1 task 1 waits for the service's limit until \d\d:\d\d, in [45]m \d\ds/);
    await run.until(/● 1 The texts +waits for the service's limit until \d\d:\d\d, in/);
    await run.until(/2\/3 tasks/);
    for (const verb of [['plan', 'show', 'greeting'], ['plan', 'explain', 'greeting'], ['plan', 'list'], ['status']]) {
      const { stdout } = await made.stator(verb);
      expect(stdout).toMatch(/greeting-w1-t1 .*\d\d:\d\d, in [45]m \d\ds: /);
      expect(stdout).not.toMatch(/\d{4}-\d\d-\d\dT/);
    }
    const { stdout } = await made.stator(['plan', 'show', 'greeting', '--json']);
    const { detail } = JSON.parse(stdout).waiting_for;
    expect(detail).toMatch(/ \d{4}-\d\d-\d\dT/);
    expectProse(detail, 'greeting-w1-t1');
    run.type('\x03');
    expect(await run.ended).toBe(130);
  });
});

it('after Ctrl-C it says what was stopped, and the same command what goes on', async () => {
  const made = playing({
    'greeting-w1-t1': [[{ hang: true }], writes('a')],
    'greeting-w1-t2': [writes('b')],
    'greeting-w1-t3': [writes('c')],
    'greeting-review-1': [approves],
  });
  const first = made.open('run', 'greeting.md', '--trust');
  for (const task of ['wave 1 task 2 done', 'wave 1 task 3 done']) await first.until(task);
  await first.until(/● 1 The texts +working/);
  first.type('\x03');
  expect(await first.ended).toBe(130);
  expectProse(`${linesAt(first, '(Ctrl-C')}\n${linesAt(first, 'stator run greeting.md', { before: 1 })}`, '1 agent');
  const second = made.open('run', 'greeting.md');
  expect(await second.ended).toBe(0);
  expectProse(linesAt(second, 'The texts', { before: 1 }), 'wave 1 task 1 ');
  expect(second.text()).not.toContain('attempt 2');
});

it('an agent that could not be started is reported with the cause, and without the hint', async () => {
  const made = terminal();
  made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\nattempts = 1\n[worktree]\nsetup = "exit 3"\n');
  made.write('p.md', planOf(['true', 'true', 'true']));
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  const why = 'the setup of the worktree ended with exit code 3: exit 3';
  const { code, stdout } = await made.stator(['run', 'p.md', '--trust']);
  const lines = stdout.split('\n');
  // Any of the three may be the first.
  const at = lines.findIndex((line) => line.includes('wave 1 task 1 failed'));
  expectProse(lines.slice(at, at + 2).join('\n'), why);
  expect(code).toBe(1);
  const shown = JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout);
  expect(shown.tasks_by_wave[0].tasks[0].why).toBe(why);
});
