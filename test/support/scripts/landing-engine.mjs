/**
 * An engine that carries plans to their end and has each land by itself, however often it is killed on the way. Its argument is JSON: `{home, repo, plans, agents,
 * fault, isTended}`; `plans` are documents by name; with `isTended` blocked plans are resolved at the start, and a request that was closed, or could not be made, is asked for anew; `members` are the paths of the repo's members; `fault` is `{point, nth}`: this process kills itself there, at the nth time. Prints `up`, then `done` or
 * `stuck <why>`; exits 0, or 3 where a person is needed.
 */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { asProgram } from './as-program.mjs';

const project = 'demo';
const tendedAfterMs = 500;

/** As a person does. */
async function tend(client) {
  const person = (plan, type) => client.send({ project, plan, type, waitMs: 0 });
  for (const { plan, blocked, status, landing } of await client.plans(project)) {
    if (blocked !== null) await person(plan, 'resolve');
    else if (status === 'done' && landing === 'not_merged') {
      const { pull_request: request, creating_pr: isMade } = await client.plan(project, plan);
      // Another one is refused while the branch on the forge has commits of other people, who may be gone by now.
      if (['closed', 'failed'].includes(request?.state) && !isMade) await person(plan, 'create_pr');
    }
  }
}

async function begin(client, { repo, members = [], plans }) {
  for (const path of [...members, repo]) await client.addRepo(path, { trust: true });
  const known = new Set((await client.plans(project)).map(({ plan }) => plan));
  for (const [plan, content] of Object.entries(plans)) {
    if (!known.has(plan)) await client.registerPlan({ project, plan, content });
    await client.send({ project, plan, type: 'implement_start', dedupeKey: `${plan} goes`, waitMs: 0 });
  }
}

/** Also for a test's own process. Says what it prints; `env` is the engine's. */
export async function carryPlans(createEngine, say, { home, env, agents, fault, isTended = false, ...of }) {
  let seen = 0;
  function faults(point) {
    if (point !== fault?.point) return;
    seen += 1;
    if (seen === fault.nth) process.kill(process.pid, 'SIGKILL');
  }
  const engine = await createEngine({
    ...{ home, env, agents, faults },
    ...{ graceMs: 2_000, waitForHomeMs: 10_000, pullRequestLookMs: 100 },
  });
  await begin(engine.client, of);
  if (isTended) await tend(engine.client);
  say('up');

  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  const open = db.prepare(`SELECT count(*) FROM effects WHERE status IN ('queued', 'running')`).pluck();
  const left = db.prepare("SELECT count(*) FROM plans WHERE landing IS NOT 'merged'").pluck();
  const stuck = db.prepare(
    `SELECT plan, status, phase, blocked, fault_signal FROM plans WHERE blocked IS NOT NULL OR fault_signal IS NOT NULL OR phase = 'wave_waiting'`,
  );
  let sinceMs = Date.now();
  let end = 'done';
  while (left.get() > 0 || open.get() > 0) {
    const [found] = stuck.all();
    // What was resolved at the start needs its time.
    if (found !== undefined && (!isTended || Date.now() - sinceMs > tendedAfterMs)) {
      end = `stuck ${JSON.stringify(found)}`;
      break;
    }
    if (isTended && Date.now() - sinceMs > tendedAfterMs) {
      await tend(engine.client);
      sinceMs = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await engine.stop();
  db.close();
  say(end);
  return end;
}

await asProgram(import.meta.url, carryPlans);
