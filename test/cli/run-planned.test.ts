import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal } from '../support/cli.ts';
import { startDaemonHere } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { planners, withPlanner } from '../support/planner.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const planned = planOf(['echo made >made.txt']);
function typed(made: Terminal, ...args: string[]): Pty {
  return openPty(process.execPath, [main, ...args], { cwd: made.repo, env: made.env, columns: 200 });
}

async function stateOf(made: Terminal, plan = 'idea') {
  const { status, phase } = JSON.parse((await made.stator(['plan', 'show', plan, '--json'])).stdout);
  return phase === null ? status : `${status} ${phase}`;
}

const question = 'carry it out? y, or Enter for no> ';

describe('a document that a planner has planned', () => {
  it('is shown on a terminal, and carried out once the person says yes', async () => {
    const made = withPlanner(planned);
    const pty = typed(made, 'run', 'idea.md', '--trust');
    await pty.until(question);
    for (const line of planned.split('\n')) expect(pty.text()).toContain(line.trimEnd());
    expect(pty.screen().split('\n').length).toBeLessThanOrEqual(24);
    expect(await stateOf(made)).toBe('ready planned');
    pty.type('y\r');
    expect(await pty.ended).toBe(0);
    expect(pty.text()).toContain('idea is done');
    expect(planners(made)).toBe(1);
  });

  it('is left as it is at no; the same command asks again, and --yes does not', async () => {
    const made = withPlanner(planned);
    const first = typed(made, 'run', 'idea.md', '--trust');
    await first.until(question);
    first.type('\r');
    expect(await first.ended).toBe(1);
    expectProse(first.text().slice(first.text().lastIndexOf('idea is planned')), 'stator run idea.md --yes');
    const second = typed(made, 'run', 'idea.md');
    await second.until(question);
    second.type('\x03');
    expect(await second.ended).toBe(130);
    expect(await stateOf(made)).toBe('ready planned');
    const third = typed(made, 'run', 'idea.md', '--yes');
    expect(await third.ended).toBe(0);
    expect(third.text()).not.toContain(question);
    expect(planners(made)).toBe(1);
  });

  it('is carried out on a terminal without a question with auto_advance = true in the configuration', async () => {
    const made = withPlanner(planned, 'auto_advance = true\n');
    const pty = typed(made, 'run', 'idea.md', '--trust');
    expect(await pty.ended).toBe(0);
    expect(pty.text()).not.toContain(question);
  });

  it('is all there is with --plan-only, with exit code 0 and the command that goes on', async () => {
    const made = withPlanner(planned);
    const first = await made.stator(['run', 'idea.md', '--trust', '--plan-only']);
    expect(first.code).toBe(0);
    expectProse(first.stdout.slice(first.stdout.lastIndexOf('idea is planned')), 'stator run idea.md --yes');
    expect(await stateOf(made)).toBe('ready planned');
    expect((await made.stator(['run', 'idea.md', '--plan-only'])).code).toBe(0);
    const last = JSON.parse((await made.stator(['run', 'idea.md', '--plan-only', '--json'])).stdout.trim());
    expect(last).toMatchObject({ type: 'run_finished', status: 'ready' });
    expect((await made.stator(['run', 'idea.md', '--yes'])).code).toBe(0);
    expect([await stateOf(made), planners(made)]).toEqual(['done', 1]);
  });

  it('is carried out in a pipe as auto_advance says, and with --yes where it is off', async () => {
    const made = withPlanner(planned, 'auto_advance = false\n');
    const first = await made.stator(['run', 'idea.md', '--trust']);
    expect([first.code, await stateOf(made)]).toEqual([1, 'ready planned']);
    expectProse(first.stdout.slice(first.stdout.lastIndexOf('idea is planned')), 'stator run idea.md --yes');
    made.write('other.md', '# Another\n');
    expect((await made.stator(['run', 'other.md', '--yes'])).code).toBe(0);
  });

  it('waits for a word also after plan start and plan register --start on a terminal, or with --plan-only', async () => {
    const made = withPlanner(planned);
    made.write('two.md', '# Two\n');
    await startDaemonHere(made);
    const registered = typed(made, 'plan', 'register', 'idea.md', '--start', '--trust');
    expect(await registered.ended).toBe(0);
    // By now its agent waits for its slot, starts or works.
    const told = registered.text().replace(/^it waits: .*$/m, 'it waits: …');
    expectProse(told.slice(told.indexOf('registered demo/idea')), 'stator plan advance idea');
    await until(async () => (await stateOf(made)) === 'ready planned');
    expect((await made.stator(['plan', 'register', 'two.md'])).code).toBe(0);
    expect((await made.stator(['plan', 'start', 'two', '--plan-only'])).code).toBe(0);
    await until(async () => (await stateOf(made, 'two')) === 'ready planned');
    expect((await made.stator(['plan', 'start', 'two'])).code).toBe(0);
    await until(async () => (await stateOf(made, 'two')) === 'done');
  });
});

describe('a file that is no markdown by its name', () => {
  it('is refused by run, plan register and plan update-content, and starts nobody', async () => {
    const made = withPlanner(planned);
    made.write('package.json', '{ "name": "shop" }\n');
    made.write('p.md', planned);
    await made.stator(['plan', 'register', 'p.md', '--trust']);
    for (const args of [
      ['run', 'package.json', '--trust'],
      ['plan', 'register', 'package.json', '--trust'],
      ['plan', 'update-content', 'p', '--file', 'package.json'],
    ]) {
      const { code, stderr } = await made.stator(args);
      expect(code, args.join(' ')).toBe(64);
      expectRefusal(stderr, 'package.json', '--force');
    }
    expect(planners(made)).toBe(0);
  });

  it('is taken for a plan with --force', async () => {
    const made = withPlanner(planned);
    made.write('notes.txt', '# Notes\n');
    const { code, stdout } = await made.stator(['run', 'notes.txt', '--force', '--trust', '--plan-only']);
    expect(code).toBe(0);
    expect(stdout).toContain('stator run notes.txt --force --yes');
  });
});
