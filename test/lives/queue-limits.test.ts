/**
 * Thirty tasks in five repos: the agents themselves check the limit, and each free slot is used while work waits. The soak plays six hundred tasks,
 * and measures.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRepo } from '../support/daemon.ts';
import { begin, gate, ground, openGate, planText, startEngine, untilPlan, waves } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { siblingsIn } from '../support/siblings.ts';

const projects = ['demo', 'north', 'east', 'south', 'west'] as const;
const tasks = 30;

// Takes long, since thirty worktrees are made, merged and removed.
it('of thirty tasks over five repos three live at once and never more, then six; all are done, and no slot stays idle while work waits', async () => {
  const on = ground();
  const configOf = (limit: number) => `max_agents = ${limit}\n${waves}`;
  const engine = await startEngine({ on, daemon: configOf(3) });
  const siblings = siblingsIn(join(on.root, 'siblings'));
  for (const project of projects.slice(1))
    await engine.client.addRepo(makeRepo(join(on.root, project)), { trust: true });
  const goOf = (name: string) => join(on.root, `go.${name}`);
  const script = siblings.among(`${gate(goOf('$me'))}; echo x > "$STATOR_TITLE.txt"`);
  const content = planText(Array.from({ length: tasks / projects.length }, () => script));
  for (const project of projects) await begin(engine, 'many', content, project);

  let gone = 0;
  /** Waits until as many run as the limit allows, then ends that many of them. */
  const letGo = async (count: number, limit: number) => {
    const wanted = Math.min(limit, tasks - gone);
    await until(
      () => siblings.alive().length === wanted,
      async () => `${gone} gone, alive: ${siblings.alive()}, ${JSON.stringify(await engine.client.queueStats())}`,
    );
    const leaving = siblings.alive().slice(0, count);
    for (const name of leaving) openGate(goOf(name));
    await until(() => leaving.every((name) => !siblings.alive().includes(name)));
    gone += leaving.length;
  };
  while (gone < tasks / 2) await letGo((gone % 3) + 1, 3);
  expect(siblings.most()).toBe(3);
  writeFileSync(join(on.home, 'daemon.toml'), configOf(6));
  await engine.client.reload();
  while (gone < tasks) await letGo((gone % 6) + 1, 6);
  for (const project of projects) await untilPlan(engine, 'many', ({ status }) => status === 'done', project);
  expect(siblings.most()).toBe(6);
  expect(new Set(siblings.came()).size).toBe(tasks);
  expect(siblings.came()).toHaveLength(tasks);
});
