/** A verification is of one commit: when the branch of a done plan moves on, the plan is verified anew, unless it is merged by then. */
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
import { git } from '../support/house.ts';

const verifier = `${waves}[agents.verifier]\npreset = "command"\nprogram = "true"\n`;

/** A plan of one task that its verifier approved. */
async function verified(house: TestEngine, plan: string): Promise<string> {
  await begin(house, plan, planText(['echo a > a.txt']));
  await untilPlan(house, plan, (shown) => shown.status === 'done');
  return git(house.repo, 'rev-parse', `plan/${plan}`);
}

/** Somebody commits to the plan's branch. */
function move(repo: string, plan: string): string {
  const tree = git(repo, 'rev-parse', `plan/${plan}^{tree}`);
  const commit = git(repo, 'commit-tree', tree, '-p', `plan/${plan}`, '-m', 'by hand');
  git(repo, 'update-ref', `refs/heads/plan/${plan}`, commit);
  return commit;
}

async function passes(house: TestEngine, plan: string): Promise<number> {
  const lines = await house.client.history('demo', plan);
  return lines.filter((line) => line.event === 'verification_stale' && line.actor === '').length;
}

describe('a verified plan', () => {
  const agents = { default: { preset: 'sh', attempts: 1 }, verifier: { preset: 'command', program: 'true' } } as const;

  it('is verified anew when somebody commits to its branch', async () => {
    const house = await startEngine({ daemon: verifier, agents });
    await verified(house, 'login');
    expect(await passes(house, 'login')).toBe(0);
    move(house.repo, 'login');
    await untilPlan(house, 'login', (shown) => shown.runs === 3);
    await untilStatus(house, 'login', 'done');
    expect(await passes(house, 'login')).toBe(1);
  });

  it('whose branch moved while no engine ran is told at the first word to it, and at the next start', async () => {
    const on = ground();
    const house = await startEngine({ on, daemon: verifier, agents });
    await verified(house, 'login');
    move(on.repo, 'login');
    // A word that judges nothing is enough.
    const { signal } = await house.client.send({ project: 'demo', plan: 'login', type: 'merge' });
    expect(signal).toMatchObject({ status: 'failed', refused: { state: 'underway.verifying.working' } });
    await untilStatus(house, 'login', 'done');
    await house.engine.stop();
    move(on.repo, 'login');
    const next = await startEngine({ on, daemon: verifier, agents });
    await untilPlan(next, 'login', (shown) => shown.runs === 4);
    await untilStatus(next, 'login', 'done');
    expect(await passes(next, 'login')).toBe(2);
  });

  it('is watched beside one whose stored state is damaged', async () => {
    const on = ground();
    const house = await startEngine({ on, daemon: verifier, agents });
    await verified(house, 'broken');
    await verified(house, 'login');
    await house.engine.stop();
    const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
    db.prepare("UPDATE trees SET snapshot = '{' WHERE address = 'plan:demo/broken'").run();
    db.close();
    const next = await startEngine({ on, daemon: verifier, agents });
    move(on.repo, 'login');
    await untilPlan(next, 'login', (shown) => shown.runs === 3);
    await untilStatus(next, 'login', 'done');
  });

  it('that is merged sleeps', async () => {
    const house = await startEngine({ daemon: verifier, agents });
    await verified(house, 'login');
    await say(house, 'login', 'merge');
    await untilPlan(house, 'login', (shown) => shown.merged !== null);
    move(house.repo, 'login');
    await say(house, 'login', 'pause');
    expect((await house.client.plan('demo', 'login')).status).toBe('done');
    expect(await passes(house, 'login')).toBe(0);
  });
});
