/** Hooks as people meet them at a terminal: called before a run leaves, listed where they are not, tried out, and named where they are misspelt. */
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { openReceiver, putHooks, webhook } from '../support/hooks.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const agents = '[agents.default]\npreset = "sh"\nattempts = 1\n';

async function deliveries(made: Terminal): Promise<Record<string, unknown>[]> {
  return JSON.parse((await made.stator(['hook', 'deliveries', '--json'])).stdout);
}

describe('a run that owns the engine', () => {
  it('exits only after its hooks were delivered, however long a command takes', async () => {
    const made = working();
    putHooks(
      made.repo,
      `${agents}[[hooks]]\ntype = "command"\nname = "slow"\nevents = ["implement_finished"]\ncommand = "sleep 1"\n`,
    );
    made.write('p.md', planOf(['true']));
    const ended = await made.stator(['run', 'p.md', '--trust']);
    expect([ended.code, ended.stdout]).toEqual([0, expect.not.stringContaining('not delivered yet')]);
    expect(await deliveries(made)).toMatchObject([{ hook: 'slow', state: 'delivered' }]);
  });

  it('leaves at once where a hook waits for its next try, and lists what is left', async () => {
    const made = working();
    const sink = await openReceiver();
    try {
      sink.answer((response) => void response.writeHead(500).end());
      putHooks(
        made.repo,
        agents + webhook(sink.url, 'name = "web"\nevents = ["implement_start", "implement_finished"]'),
      );
      made.write('p.md', planOf(['true']));
      const ended = await made.stator(['run', 'p.md', '--trust']);
      expect(ended.code).toBe(0);
      const said = `${ended.stdout}${ended.stderr}`;
      expectProse(said.slice(said.search(/^2 hooks /m)), 'web: implement_start of p, ', ' 500');
      expect(await deliveries(made)).toMatchObject([
        { event: 'implement_finished', state: 'pending', attempts: 0 },
        { event: 'implement_start', state: 'pending', last_status: 500 },
      ]);
    } finally {
      await sink.close();
    }
  });
});

describe('the verbs of hooks', () => {
  it('name the nearest, take several ids, and say what a test came to', async () => {
    const made = working();
    putHooks(made.repo, `${agents}[[hooks]]\ntype = "command"\nname = "deploy"\ncommand = "echo told; exit 3"\n`);
    await made.stator(['repo', 'add', '.', '--trust']);
    const misspelt = await made.stator(['hook', 'test', 'deplyo']);
    expect(misspelt.code).toBe(1);
    expectRefusal(misspelt.stderr, '"deplyo"', 'deploy?');
    const tried = await made.stator(['hook', 'test', 'deploy', '--json']);
    const answer = JSON.parse(tried.stdout);
    expect([tried.code, answer]).toMatchObject([1, { delivered: false, status: 3, output: 'told\n' }]);
    expectProse(answer.error);
    const state = await made.stator(['hook', 'deliveries', '--state', 'ded']);
    expect(state.code).toBe(64);
    expectRefusal(state.stderr, '"ded"', 'pending, delivered, dead');
    await made.stator(['hook', 'disable', 'deploy']);
    made.write('p.md', planOf(['true']));
    await made.stator(['run', 'p.md']);
    const ids = (await deliveries(made)).map(({ id }) => String(id));
    expect(ids.length).toBeGreaterThan(1);
    const status = await made.stator(['status']);
    expectProse(status.stdout, 'deploy');
    await made.stator(['hook', 'enable', 'deploy']);
    const again = await made.stator(['hook', 'redeliver', ...ids, '--json']);
    expect(JSON.parse(again.stdout).map(({ id, state: now }: { id: string; state: string }) => [id, now])).toEqual(
      ids.map((id) => [id, 'pending']),
    );
  });
});
