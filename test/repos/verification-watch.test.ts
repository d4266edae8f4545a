/** A verification is about one commit: when the branch of a done plan moves, the plan is verified again, unless it is merged. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import {
  begin,
  ground,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';

const verifier = `${waves}[agents.verifier]\npreset = "command"\nprogram = "true"\n`;

/** A plan of one task that its verifier approved. */
async function verified(engine: TestEngine, plan: string): Promise<string> {
  await begin(engine, plan, planText(['echo a > a.txt']));
  await untilPlan(engine, plan, (shown) => shown.status === 'done');
  return git(engine.repo, 'rev-parse', `plan/${plan}`);
}

/** Another person commits to the plan's branch. */
function move(repo: string, plan: string): string {
  const tree = git(repo, 'rev-parse', `plan/${plan}^{tree}`);
  const commit = git(repo, 'commit-tree', tree, '-p', `plan/${plan}`, '-m', 'by hand');
  git(repo, 'update-ref', `refs/heads/plan/${plan}`, commit);
  return commit;
}

async function passes(engine: TestEngine, plan: string): Promise<number> {
  const lines = await engine.client.history('demo', plan);
  return lines.filter((line) => line.event === 'verification_stale' && line.actor === '').length;
}

describe('a verified plan', () => {
  const agents = { default: { preset: 'sh', attempts: 1 }, verifier: { preset: 'command', program: 'true' } } as const;

  it('is verified anew when somebody commits to its branch', async () => {
    const engine = await startEngine({ daemon: verifier, agents });
    await verified(engine, 'login');
    expect(await passes(engine, 'login')).toBe(0);
    move(engine.repo, 'login');
    await untilPlan(engine, 'login', (shown) => shown.runs === 3);
    await untilStatus(engine, 'login', 'done');
    expect(await passes(engine, 'login')).toBe(1);
  });

  it('whose branch moved unnoticed is verified anew at the next signal to it, and at the next start', async () => {
    const on = ground();
    const engine = await startEngine({ on, daemon: verifier, agents });
    await verified(engine, 'login');
    move(on.repo, 'login');
    // Any signal is enough, even one that judges nothing.
    const { signal } = await engine.client.send({ project: 'demo', plan: 'login', type: 'merge' });
    expect(signal).toMatchObject({ status: 'failed', refused: { state: 'underway.verifying.working' } });
    await untilStatus(engine, 'login', 'done');
    await engine.engine.stop();
    move(on.repo, 'login');
    const next = await startEngine({ on, daemon: verifier, agents });
    await untilPlan(next, 'login', (shown) => shown.runs === 4);
    await untilStatus(next, 'login', 'done');
    expect(await passes(next, 'login')).toBe(2);
  });

  it('is watched beside one whose stored state is damaged', async () => {
    const on = ground();
    const engine = await startEngine({ on, daemon: verifier, agents });
    await verified(engine, 'broken');
    await verified(engine, 'login');
    await engine.engine.stop();
    const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
    db.prepare("UPDATE trees SET snapshot = '{' WHERE address = 'plan:demo/broken'").run();
    db.close();
    const next = await startEngine({ on, daemon: verifier, agents, verifies: false });
    move(on.repo, 'login');
    await untilPlan(next, 'login', (shown) => shown.runs === 3);
    await untilStatus(next, 'login', 'done');
  });

  it('that is merged sleeps', async () => {
    const engine = await startEngine({ daemon: verifier, agents });
    await verified(engine, 'login');
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', (shown) => shown.merged !== null);
    move(engine.repo, 'login');
    await say(engine, 'login', 'pause');
    expect((await engine.client.plan('demo', 'login')).status).toBe('done');
    expect(await passes(engine, 'login')).toBe(0);
  });
});
