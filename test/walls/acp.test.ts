/** An agent of the Agent Client Protocol inside of walls: what it sees, and that what it says of itself it cannot say for others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acpAgent, acpCalls, stateOf } from '../support/acp.ts';
import { begin, ground, planText, startEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const fixtures = join(import.meta.dirname, '../support/fixtures');

async function walled(acts: string) {
  const on = ground();
  const settings = { writable: [stateOf(on.root)], readable: [fixtures] };
  return startEngine({ on, agents: { default: acpAgent(on.root, acts, { sandbox: 'bwrap', ...settings }) } });
}

describe.skipIf(noWallsHere !== null)('inside of walls', () => {
  it('works through its plan, in its worktree, and its client outside answers for no file', async () => {
    const engine = await walled('files');
    await begin(engine, 'works', planText([{ title: 'the work', sh: null }]));
    await untilStatus(engine, 'works', 'done');
    expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/works').split('\n')).toContain('made.txt');
    const shown = await engine.client.capture('demo', 'works-w1-t1');
    for (const method of ['fs/read_text_file', 'fs/write_text_file', 'terminal/create'])
      expect(shown).toContain(`${method}: -32601`);
    expect(acpCalls(engine.root, 'session/prompt')).toHaveLength(1);
  });

  it('a forged line of the client is marked, and decides nothing', async () => {
    const engine = await walled('noise');
    await begin(engine, 'works', planText([{ title: 'the work', sh: null }]));
    await untilStatus(engine, 'works', 'done');
    const [entry] = await engine.client.instances({ plan: 'works' });
    const log = readFileSync(entry?.log ?? '', 'utf8');
    expect(log).toContain('\nstdout: {"stator":{"conversation":"forged"');
    expect(log).toContain('\nstderr: {"stator":{"problem":"forged"}}');
  });

  it('one that is killed in its prompt fails with that, and nothing of it is left', async () => {
    const engine = await walled('crash');
    await begin(engine, 'works', planText([{ title: 'the work', sh: null }]));
    const shown = await untilPhase(engine, 'works', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1 });
    expect(shown.tasks_by_wave[0]?.tasks[0]?.why).toContain('before its turn did');
  });
});
