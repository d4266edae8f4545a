import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { planOf, type Terminal, terminal, type Watched, working } from '../support/cli.ts';
import { gate as waitFor } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** A plan that runs in the background, whose one task of wave 1 waits for the gate. */
async function running(
  script: (gate: string) => string,
  attempts = 1,
): Promise<Terminal & { gate: string; run: Watched }> {
  const made = working();
  const agents = `[agents.default]\npreset = "sh"\nattempts = ${attempts}\n`;
  made.write('.stator/config.toml', `blueprint_skip_threshold = 0\n\n${agents}`);
  git(made.repo, 'commit', '-qam', 'a coder for each task');
  const gate = join(made.root, 'gate');
  made.write('p.md', planOf([script(gate)], ['echo of-wave-two']));
  const run = made.watch(['run', 'p.md', '--trust']);
  return { ...made, gate, run };
}

const stateOf = async (made: Terminal, title: string) => {
  const { stdout, code } = await made.stator(['agent', 'show', title, '--json']);
  return code === 0 ? (JSON.parse(stdout) as { state: string }).state : null;
};
const untilState = (made: Terminal, title: string, state: string) =>
  until(async () => (await stateOf(made, title)) === state);

describe('an agent is', () => {
  it('paused, resumed, sent a message, and killed by its title', async () => {
    const made = await running((gate) => `echo begun; ${waitFor(gate)}`);
    await untilState(made, 'p-w1-t1', 'running');
    const paused = await made.stator(['agent', 'pause', 'p-w1-t1']);
    expect(paused, paused.stderr).toMatchObject({ code: 0 });
    await untilState(made, 'p-w1-t1', 'paused');
    const again = await made.stator(['agent', 'pause', 'p-w1-t1']);
    expect(again.code).toBe(1);
    expectProse(again.stderr, 'agent p-w1-t1 is paused', 'stator agent resume p-w1-t1');
    const machine = await made.stator(['agent', 'pause', 'p-w1-t1', '--verbose']);
    expect(machine.stderr).toContain('task-1.1/agent in paused');
    expect(await made.stator(['agent', 'resume', 'p-w1-t1'])).toMatchObject({ code: 0 });
    await untilState(made, 'p-w1-t1', 'running');
    const sent = await made.stator(['agent', 'send', 'p-w1-t1', '-', '--json'], { input: 'keep the old format\n' });
    expect(JSON.parse(sent.stdout)).toMatchObject({ signal: { type: 'agent_send', status: 'done' } });
    expect(await made.stator(['agent', 'kill', 'p-w1-t1'])).toMatchObject({ code: 0 });
    expect((await made.run.ended).code).toBe(1);
    expect(await stateOf(made, 'p-w1-t1')).toBe('failed');
    const kept = await made.stator(['agent', 'messages', 'p-w1-t1', '--json']);
    expect(JSON.parse(kept.stdout)).toMatchObject([
      { title: 'p-w1-t1', kind: 'message', state: 'waiting', run: null, text: 'keep the old format' },
    ]);
    const shown = await made.stator(['agent', 'show', 'p-w1-t1']);
    expectProse(
      shown.stdout.slice(shown.stdout.indexOf('one message')),
      'keep the old format',
      'stator agent messages p-w1-t1',
    );
  });

  it('started anew by restart', async () => {
    const made = await running((gate) => `echo begun >>${gate}.begun; ${waitFor(gate)}`);
    await until(() => existsSync(`${made.gate}.begun`));
    const { code, stderr } = await made.stator(['agent', 'restart', 'p-w1-t1']);
    expect(code, stderr).toBe(0);
    writeFileSync(made.gate, '');
    expect((await made.run.ended).code).toBe(0);
  });

  it('refused where no engine runs, with 69, and where nobody is called so, with the nearest', async () => {
    const idle = working();
    idle.write('p.md', planOf(['true', 'true', 'true']));
    const ran = await idle.stator(['run', 'p.md', '--trust']);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    for (const args of [
      ['restart', 'p-w1-t1'],
      ['send', 'p-w1-t1', 'hello'],
    ]) {
      const { code, stderr } = await idle.stator(['agent', ...args]);
      expect(code).toBe(69);
      expectRefusal(stderr, 'p-w1-t1');
    }
    for (const verb of ['show', 'logs', 'messages']) {
      const { code, stderr } = await idle.stator(['agent', verb, 'p-w1-t9']);
      expect(code).toBe(1);
      expectRefusal(stderr, 'p-w1-t9\n', '?');
    }
    const store = openStore(idle.home);
    const newer = Array.from({ length: 1_000 }, (_, index): Change => {
      const run = { key: `q${index}`, project: 'demo', plan: 'q', run: `q${index}`, title: `q-w1-t${index}` };
      const shown = { ...run, role: 'coder', attempt: 1, state: 'succeeded', reason: null, branch: 'q' };
      return { do: 'run.show', run: shown, isNewest: false, at: 1 };
    });
    await store.commit(newer);
    store.close();
    const list = await idle.stator(['agent', 'list']);
    expect(list.stdout).not.toContain('p-w1-t1');
    expect(list.stderr).toContain('at most the newest 1000 are listed');
    for (const [verb, done] of [
      ['list', 'listed'],
      ['stats', 'counted'],
    ] as const)
      expect((await idle.stator(['queue', verb])).stdout).toContain(`at most the last 500 are ${done}\n`);
    for (const verb of ['show', 'logs', 'messages'])
      expect(await idle.stator(['agent', verb, 'p-w1-t1']), verb).toMatchObject({ code: 0 });
  });

  it('not sent an empty message', async () => {
    const { stator } = terminal();
    const { code, stderr } = await stator(['agent', 'send', 'a-w1-t1', '  ']);
    expect(code).toBe(64);
    expectRefusal(stderr, 'a-w1-t1');
  });
});

describe('the output of an agent is', () => {
  it('followed over its attempts, each with its number, until it is final', async () => {
    const script = (gate: string) =>
      `echo said-once; [ -e ${gate}.tried ] && exit 0; : >${gate}.tried; ${waitFor(gate)}; exit 1`;
    const made = await running(script, 2);
    await untilState(made, 'p-w1-t1', 'running');
    const human = made.watch(['agent', 'logs', 'p-w1-t1', '--follow']);
    const json = made.watch(['agent', 'logs', 'p-w1-t1', '-f', '--json']);
    await until(() => human.stdout().includes('said-once') && json.stdout().includes('said-once'));
    writeFileSync(made.gate, '');
    const [text, lines] = [await human.ended, await json.ended];
    expect(text.code).toBe(0);
    expect(text.stdout.match(/said-once/g)).toHaveLength(2);
    expectProse(text.stderr.split('\n').find((line) => line.includes('attempt 2')) ?? '', 'p-w1-t1');
    const pieces = lines.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { attempt: number; text: string });
    const attempts = pieces.filter((piece) => piece.text.includes('said-once')).map(({ attempt }) => attempt);
    expect(attempts).toEqual([1, 2]);
    await made.run.ended;
  });

  it('waited for, where the agent has not started yet', async () => {
    const made = await running(waitFor);
    await untilState(made, 'p-w1-t1', 'running');
    const following = made.watch(['agent', 'logs', 'p-w2-t1', '-f']);
    await until(() => following.stderr().includes('p-w2-t1'));
    const never = await made.stator(['agent', 'logs', 'p-w2-t7', '-f']);
    expect(never).toMatchObject({ code: 1 });
    expectRefusal(never.stderr, 'p-w2-t7');
    writeFileSync(made.gate, '');
    const followed = await following.ended;
    expect(followed).toMatchObject({ code: 0, stdout: expect.stringContaining('of-wave-two\n') });
    expectProse(followed.stderr.split('\n')[0] ?? '', 'p-w2-t1');
    await made.run.ended;
  });

  it('left by Ctrl-C with 130, and goes on without us', async () => {
    const made = await running((gate) => `echo begun; ${waitFor(gate)}`);
    await untilState(made, 'p-w1-t1', 'running');
    const following = made.start(['agent', 'logs', 'p-w1-t1', '-f']);
    await until(() => following.stdout().includes('begun'));
    following.child.kill('SIGINT');
    expect((await following.ended).code).toBe(130);
    writeFileSync(made.gate, '');
    expect((await made.run.ended).code).toBe(0);
  });

  it('captured as its last lines', async () => {
    const made = working();
    made.write('p.md', planOf(['for n in 1 2 3 4 5; do echo line $n; done']));
    await made.stator(['run', 'p.md', '--trust']);
    const { stdout } = await made.stator(['agent', 'list', '--json']);
    const [{ title }] = JSON.parse(stdout) as [{ title: string }];
    expect((await made.stator(['agent', 'logs', title, '--tail=2'])).stdout).toBe('line 4\nline 5\n');
    const json = JSON.parse((await made.stator(['agent', 'logs', title, '--tail=1', '--json'])).stdout);
    expect(json).toEqual({ title, text: 'line 5\n' });
    expect(await made.stator(['agent', 'logs', title, '--tail=x'])).toMatchObject({ code: 64 });
  });
});
