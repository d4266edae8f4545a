/** An agent of the Agent Client Protocol inside of walls: what it can see, and that it cannot send signals for others. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acpAgent, acpCalls, stateOf } from '../support/acp.ts';
import { begin, ground, planText, startEngine, untilBlocked, untilPhase, untilStatus } from '../support/engine.ts';
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
    const shown = await engine.client.capture({ project: 'demo', title: 'works-w1-t1' });
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

  it('one that is killed in its prompt fails with that, and it leaves nothing behind', async () => {
    const engine = await walled('crash');
    await begin(engine, 'works', planText([{ title: 'the work', sh: null }]));
    const shown = await untilPhase(engine, 'works', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1 });
    expect(shown.tasks_by_wave[0]?.tasks[0]?.why).toContain('before its turn did');
  });
});

/** A shell that makes the file `coder`, and opencode as its reviewer with the protocol, which plays `reviewer`. */
async function judged({
  coder = 'made.txt',
  reviewer,
  sandbox,
  attempts = 1,
}: {
  readonly coder?: string;
  readonly reviewer: string;
  readonly sandbox: 'bwrap' | 'off';
  readonly attempts?: number;
}) {
  const on = ground();
  const root = join(on.root, 'reviewer');
  mkdirSync(stateOf(root), { recursive: true });
  const judge = acpAgent(root, reviewer, { sandbox, writable: [stateOf(root)], readable: [fixtures] });
  const engine = await startEngine({
    on,
    daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
    agents: {
      default: { preset: 'sh', attempts: 1, sandbox },
      reviewer: { ...judge, preset: 'opencode', acp: true, attempts },
    },
  });
  await begin(engine, 'work', planText([`echo made > ${coder}`]));
  return engine;
}

describe.each(noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const))(
  'as a judge by the protocol, sandbox = "%s"',
  (sandbox) => {
    it('approves in the text of its answer, and the work is done', async () => {
      const engine = await judged({ reviewer: 'verdict:approved', sandbox });
      await untilStatus(engine, 'work', 'done');
      const [told] = (await engine.client.signals({ project: 'demo' })).filter(
        ({ type }) => type === 'review_approved',
      );
      expect(told).toMatchObject({ origin: 'agent:work-review-1', status: 'done' });
    });

    it('gives its verdict in its next attempt, where a replayed verdict does not count', async () => {
      const reviewer = 'die,verdict:changes requested';
      const engine = await judged({ reviewer, sandbox, attempts: 2 });
      expect((await untilBlocked(engine, 'work')).blocked).toMatchObject({ source: 'review' });
      expect(acpCalls(join(engine.root, 'reviewer'), 'session/load')).toHaveLength(1);
    });

    it('a verdict before its last tool call does not count', async () => {
      const engine = await judged({ reviewer: 'early', sandbox });
      expect((await untilBlocked(engine, 'work')).blocked).toMatchObject({ source: 'no_verdict' });
    });

    it('what it starts gives none in its place', async () => {
      const engine = await judged({ reviewer: 'forge', sandbox });
      const { blocked } = await untilBlocked(engine, 'work');
      expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('deletes the backups') });
    });

    it('has none of the settings that the branch made for it', async () => {
      const engine = await judged({ coder: 'opencode.jsonc', reviewer: 'sees:opencode.jsonc', sandbox });
      const { blocked } = await untilBlocked(engine, 'work');
      expect(blocked?.reason).toContain('opencode.jsonc: false, 1');
    });
  },
);
