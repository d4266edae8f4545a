/** Many tasks in five repos in one queue: agents that count how many of them are alive, and how well the slots were used. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRepo } from './daemon.ts';
import { begin, ground, planText, startEngine, untilPlan, waves } from './engine.ts';
import { rowsOf } from './fleet.ts';
import { until } from './ground.ts';
import { siblingsIn } from './siblings.ts';

interface Trial {
  /** In all repos together, with the same number in each. */
  readonly tasks: number;
  /** The limit from the given number of started agents on; the first one from 0. */
  readonly limits: readonly { readonly from: number; readonly limit: number }[];
}

export interface TrialEnd {
  /** For each limit the most live agents that any agent counted meanwhile. */
  readonly most: readonly number[];
  /** The number of agents' runs. */
  readonly came: number;
  /** The statuses of the plans. */
  readonly statuses: readonly string[];
  /** For each limit the average number of busy slots, over the time in which agents waited. */
  readonly meanBusy: readonly number[];
  /** How long a run had its slot on average, in ms. */
  readonly meanRunMs: number;
}

/** How long an agent does nothing. */
export const agentMs = 1_000;

const projects = ['demo', 'north', 'east', 'south', 'west'] as const;

export async function tryQueue({ tasks, limits }: Trial): Promise<TrialEnd> {
  const on = ground();
  const configure = (limit: number) => writeFileSync(join(on.home, 'daemon.toml'), `max_agents = ${limit}\n${waves}`);
  const [first, ...later] = limits;
  const engine = await startEngine({ on, daemon: `max_agents = ${first?.limit}\n${waves}` });
  const siblings = siblingsIn(join(on.root, 'siblings'));
  for (const project of projects.slice(1))
    await engine.client.addRepo(makeRepo(join(on.root, project)), { trust: true });
  // Long compared with the time between two agents of a slot, as with real agents.
  const script = siblings.among(`sleep ${agentMs / 1_000}; echo x > "$STATOR_TITLE.txt"`);
  const content = planText(Array.from({ length: tasks / projects.length }, () => script));
  await engine.client.pauseQueue();
  for (const project of projects) await begin(engine, 'many', content, project);
  const stats = () => engine.client.queueStats();
  await until(async () => (await stats()).pending === tasks);
  siblings.expect(first?.limit ?? 0);
  await engine.client.resumeQueue();
  const since = [{ at: Date.now(), looks: 0 }];
  for (const { from, limit } of later) {
    await until(() => siblings.came().length >= from);
    siblings.expect(limit);
    const looks = siblings.counts().length;
    configure(limit);
    await engine.client.reload();
    since.push({ at: Date.now(), looks });
  }
  const describe = async () => JSON.stringify([await stats(), siblings.alive()]);
  const isOver = async () => {
    if (siblings.came().length < tasks) return false;
    const { pending, notified } = await stats();
    return pending + notified === 0;
  };
  await until(isOver, describe);
  for (const project of projects) await untilPlan(engine, 'many', ({ status }) => status === 'done', project);
  const spans = rowsOf<Span>(on, spansOf);
  const looks = siblings.counts();
  return {
    most: since.map(({ looks: from }, index) => Math.max(...looks.slice(from, since[index + 1]?.looks))),
    came: siblings.came().length,
    statuses: (await engine.client.plans()).map(({ status }) => status),
    meanRunMs: spans.reduce((sum, { began, ended }) => sum + ended - began, 0) / spans.length,
    meanBusy: since.map(({ at }, index) => meanBusy(spans, at, since[index + 1]?.at ?? Date.now())),
  };
}

interface Span {
  readonly asked: number;
  readonly began: number;
  readonly ended: number;
}

const spansOf = `SELECT created_at AS asked, started_at AS began, finished_at AS ended FROM effects WHERE kind = 'agent.run'`;

/**
 * A slot is busy from `began` to `ended`; a requested run that has not begun waits. The average of the busy slots while a run waits, from the first time at
 * which all slots were busy.
 */
function meanBusy(rows: readonly Span[], from: number, to: number): number {
  const times = [...new Set(rows.flatMap(({ began, ended }) => [began, ended]))].sort((a, b) => a - b);
  let waitedMs = 0;
  let busyMs = 0;
  for (const [index, at] of times.entries()) {
    const next = times[index + 1];
    if (next === undefined || at < from || next > to) continue;
    const busy = rows.filter(({ began, ended }) => began <= at && at < ended).length;
    if (!rows.some(({ asked, began }) => asked <= at && at < began)) continue;
    waitedMs += next - at;
    busyMs += busy * (next - at);
  }
  return waitedMs === 0 ? 0 : busyMs / waitedMs;
}
