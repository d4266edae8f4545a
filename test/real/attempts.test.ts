/** Consecutive runs of the real programs, and runs that are ended. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isAlive } from '../support/daemon.ts';
import { begin, ground, planText, say, untilFile, untilPlan, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import type { Asked, Reply } from './model/reply.ts';
import { behaves, startReal, type Tried, waits, waitsAt } from './stage.ts';

const mcpServer = join(import.meta.dirname, '../support/scripts/mcp-server.mjs');

/** The messages of the model before the person's newest one: the program stores them from earlier runs. */
function saidBefore({ said }: Asked): string {
  const newest = said.findLastIndex(({ by }) => by === 'user');
  return said
    .slice(0, newest)
    .filter(({ by }) => by === 'model')
    .map(({ text }) => text)
    .join('\n');
}

/** `reason`: why its task failed; null: a person cancels it. */
async function endsWithAll(
  each: Tried,
  { key, reason }: { readonly key: 'timeout' | 'idle_timeout' | null; readonly reason: 'timeout' | 'idle' | null },
): Promise<void> {
  // These print nothing until they have asked their model, which takes long on a busy machine.
  const limit = each.program === 'gemini' || each.program === 'opencode' ? '45s' : '20s';
  const on = ground();
  const [child, server, begun] = [join(on.root, 'child'), join(on.root, 'server'), join(on.root, 'begun')];
  const engine = await startReal(each, {
    on,
    server: [process.execPath, mcpServer, server],
    keys: `${key === null ? '' : `${key} = "${limit}"\n`}attempts = 1\n`,
    // codex asks again while the command still runs, and gets no answer.
    script: ({ results }) =>
      results.length === 0
        ? { kind: 'run', command: `tail -f /dev/null & echo $! > '${child}'; ${waits(begun)}` }
        : { kind: 'hang' },
  });
  await begin(engine, 'end', planText([{ title: 'the work', sh: null }]));
  for (const file of [child, server, begun]) await untilFile(file);
  const started = [child, server].map((file) => Number(readFileSync(file, 'utf8')));
  expect(started.map(isAlive)).toEqual([true, true]);
  if (reason === null) await say(engine, 'end', 'cancel');
  const status = reason === null ? 'cancelled' : 'failed';
  await untilPlan(engine, 'end', ({ tasks_by_wave: [wave] }) => wave?.tasks[0]?.status === status);
  expect((await engine.client.plan('demo', 'end')).tasks_by_wave[0]?.tasks[0]?.reason).toBe(reason);
  await until(() => !started.some(isAlive));
}

behaves('attempts', {
  'the next attempt goes on in the same conversation': async (each) => {
    const checked = planText([{ title: 'the work', sh: null, fields: '**Check:** test -f made.txt\n' }]);
    const script = (asked: Asked): Reply => {
      const isAgain = saidBefore(asked).includes('I made the wrong one.');
      const file = isAgain ? 'made.txt' : 'other.txt';
      if (asked.results.length === 0) return { kind: 'run', command: `echo hello > ${file}` };
      return { kind: 'say', text: isAgain ? 'I made the right one.' : 'I made the wrong one.' };
    };
    const engine = await startReal(each, { script, keys: 'attempts = 2\n' });
    await begin(engine, 'again', checked);
    await untilStatus(engine, 'again', 'done');
    expect(git(engine.repo, 'show', 'plan/again:made.txt')).toBe('hello');
  },

  'a message is read in its next turn, which spends no attempt': async (each) => {
    const on = ground();
    const [begun, gate] = [join(on.root, 'begun'), join(on.root, 'gate')];
    const prompts: Asked[] = [];
    const script = (asked: Asked): Reply => {
      if (asked.results.length > 0) return { kind: 'say', text: 'It is done.' };
      prompts.push(asked);
      return { kind: 'run', command: prompts.length === 1 ? waitsAt(gate, begun) : 'echo hello > made.txt' };
    };
    const engine = await startReal(each, { on, script, keys: 'attempts = 1\n' });
    await begin(engine, 'told', planText([{ title: 'the work', sh: null }]));
    await untilFile(begun);
    await say(engine, 'told', 'agent_send', { title: 'told-w1-t1', body: 'use the word hello' });
    writeFileSync(gate, '\n');
    await untilStatus(engine, 'told', 'done');
    expect(prompts.map(({ prompt }) => prompt.includes('use the word hello'))).toEqual([false, true]);
    // The conversation continues.
    expect(prompts[1]?.said.length).toBeGreaterThan(1);
    expect(await engine.client.instances({ plan: 'told' })).toMatchObject([{ attempt: 1, state: 'succeeded' }]);
  },

  'a line that is typed while it works is read in the same run': async (each) => {
    const on = ground();
    const [begun, gate] = [join(on.root, 'begun'), join(on.root, 'gate')];
    // The message arrives between two steps, or as the next turn of the same process, depending on the version. It works on until it has read it, or for so
    // long that it surely comes as the next turn. Its first command runs once in both cases.
    let steps = 0;
    const hasWorked = ({ said }: Asked) => said.some(({ by }) => by === 'tool');
    const hasRead = ({ said }: Asked) =>
      said.some(({ by, text }) => by === 'user' && text.includes('use the word hello'));
    const script = (asked: Asked): Reply =>
      !hasWorked(asked)
        ? { kind: 'run', command: `${waitsAt(gate, begun)} > made.txt` }
        : hasRead(asked)
          ? { kind: 'say', text: 'It says hello.' }
          : ++steps <= 15
            ? { kind: 'run', command: 'sleep 0.2' }
            : { kind: 'say', text: 'It is done.' };
    const engine = await startReal(each, { on, script, keys: 'attempts = 1\n' });
    await begin(engine, 'typed', planText([{ title: 'the work', sh: null }]));
    await untilFile(begun);
    await until(async () => (await engine.client.instances({ plan: 'typed' }))[0]?.takes_input === true);
    await say(engine, 'typed', 'agent_type', { title: 'typed-w1-t1', text: 'use the word hello' });
    writeFileSync(gate, 'hello\n');
    await untilStatus(engine, 'typed', 'done');
    const { asked } = engine.model;
    expect(asked.filter(hasRead).map(hasWorked)).toEqual([true]);
    expect(asked.filter((one) => !hasWorked(one))).toHaveLength(1);
    const log = await engine.client.capture({ project: 'demo', title: 'typed-w1-t1' });
    expect(log).toMatch(/^> use the word hello$[\s\S]*^It says hello\.$/m);
    expect(await engine.client.instances({ plan: 'typed' })).toMatchObject([{ attempt: 1, usage: { runs: 1 } }]);
    const sent = (await engine.client.signals({ project: 'demo' })).map(({ type }) => type);
    expect(sent).not.toContain('agent_send');
  },

  'a cancel ends it with all that it started': (each) => endsWithAll(each, { key: null, reason: null }),
  'its time limit ends it with all that it started': (each) => endsWithAll(each, { key: 'timeout', reason: 'timeout' }),
  'its limit without output ends it with all that it started': (each) =>
    endsWithAll(each, { key: 'idle_timeout', reason: 'idle' }),
});
