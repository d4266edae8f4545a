/**
 * An engine that carries one plan to its end, however often it is killed on the way. Its argument is JSON: `{home, repo, plan, content,
 * agents, fault, graceMs, untilMerged}`; `fault` is `{point, nth, isLate}`: this process kills itself there, at the nth time, or (`isLate`) as soon as
 * the code at that point comes to its first pause; `wrapperLateS` delays the wrappers that are not spawned yet. Prints `up`, then `done` or `stuck <why>`; exits 0, or 3 where a person is needed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { asProgram } from './as-program.mjs';

const project = 'demo';

function delayWrappers(home, seconds) {
  for (const name of readdirSync(join(home, 'runs'))) {
    const file = join(home, 'runs', name, 'wrapper');
    if (existsSync(join(home, 'runs', name, 'claim'))) continue;
    writeFileSync(file, readFileSync(file, 'utf8').replace('\n', `\nsleep ${seconds}\n`));
  }
}

function faultsOf(home, fault) {
  let seen = 0;
  return (point) => {
    if (point !== fault?.point) return;
    seen += 1;
    if (seen !== fault.nth) return;
    if (fault.wrapperLateS !== undefined) delayWrappers(home, fault.wrapperLateS);
    const die = () => process.kill(process.pid, 'SIGKILL');
    if (fault.isLate) process.nextTick(die);
    else die();
  };
}

/** Also for a test's own process. Says what it prints; `env` and `log` are the engine's. */
export async function carryPlan(createEngine, say, { home, repo, plan, content, fault, untilMerged, ...options }) {
  const looks = untilMerged ? { pullRequestLookMs: 50 } : {};
  const faults = faultsOf(home, fault);
  const engine = await createEngine({ home, faults, waitForHomeMs: 5_000, ...looks, ...options });
  const { client } = engine;
  await client.addRepo(repo, { trust: true });
  if (!(await client.plans(project)).some((entry) => entry.plan === plan)) {
    await client.registerPlan({ project, plan, content });
  }
  await client.send({ project, plan, type: 'implement_start', dedupeKey: `${plan} goes`, waitMs: 0 });
  say('up');

  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  const open = db.prepare(`SELECT count(*) FROM effects WHERE status IN ('queued', 'running')`).pluck();
  const planRow = db.prepare('SELECT status, phase, landing, blocked, fault_signal FROM plans WHERE plan = ?');
  let end;
  while (end === undefined) {
    const { status, phase, landing, blocked, fault_signal: faultSignal } = planRow.get(plan);
    const isThere = !untilMerged || landing === 'merged';
    if (isThere && status === 'done' && open.get() === 0 && !(await client.plan(project, plan)).creating_pr)
      end = 'done';
    else if (blocked !== null || faultSignal !== null || phase === 'wave_waiting' || status === 'cancelled')
      end = `stuck ${status} ${phase} ${blocked} ${faultSignal}`;
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await engine.stop();
  db.close();
  say(end);
  return end;
}

await asProgram(import.meta.url, carryPlan);
