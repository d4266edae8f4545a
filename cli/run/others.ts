/**
 * The plans of other runs that attached to this run's engine and left. This run continues with each until that plan ends or waits for a person,
 * unless this run is ended.
 */
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { unstartedText } from '../../runtime/base/platform/home-engine.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import { findPlan } from '../file-binding.ts';
import { outcomeOf } from './outcome.ts';

interface Others {
  say(text: string): void;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** The plan of this run. */
  readonly own: PlanKey;
  /** How long they may all wait without a working agent; null: without a limit. */
  readonly waitLimitMs: number | null;
}

interface PlanKey {
  readonly project: string;
  readonly plan: string;
}

/** The functions of an engine that are used here. */
interface Engine {
  readonly client: Client;
  unwatched(): readonly string[];
}

const pollMs = 1_000;

/** Resolves when none of them goes on, at Ctrl-C, or when they have waited too long. Returns the plans and their states. */
export async function goOnWithOthers({ say, interrupted, own, waitLimitMs }: Others, engine: Engine): Promise<void> {
  let printed = '';
  let waitsSinceMs: number | null = null;
  for (;;) {
    const going = await goingOn(engine, own);
    if (going.length === 0) return;
    const names = going.map(({ plan }) => plan).join(', ');
    if (names !== printed) say(`going on with ${names}, which another run left here; Ctrl-C ends that`);
    printed = names;
    await pause(pollMs, interrupted);
    const nowMs = performance.now();
    waitsSinceMs = going.some(isAtWork) ? null : (waitsSinceMs ?? nowMs);
    const isLate = waitLimitMs !== null && waitsSinceMs !== null && nowMs - waitsSinceMs >= waitLimitMs;
    if (!interrupted.aborted && !isLate) continue;
    for (const text of await leftText(engine, own)) say(text);
    return;
  }
}

function isAtWork({ waiting_for: waiting }: PlanShow): boolean {
  return waiting === null || waiting.kind === 'agent';
}

/** For each running plan that stops without this engine: the command that continues it. */
export async function leftText(engine: Engine, own: PlanKey): Promise<string[]> {
  const left = await goingOn(engine, own);
  if (left.length === 0) return [];
  const folders = new Map((await engine.client.repos()).map(({ project, path }) => [project, path]));
  return left.map(({ project, plan, file }) => {
    const folder = folders.get(project);
    return `${plan} does not go on: ${unstartedText({ kind: 'none' }, folder === undefined ? null : { folder, file })}`;
  });
}

async function goingOn({ client, unwatched }: Engine, own: PlanKey): Promise<PlanShow[]> {
  const shown = await Promise.all(
    unwatched().map(async (name) => {
      const [project = '', plan = ''] = name.split('/');
      if (project === own.project && plan === own.plan) return [];
      const found = await findPlan(client, project, plan);
      if (found === null) return []; // it was deleted
      const instances = await client.instances({ project, plan });
      return outcomeOf(found, instances).kind === 'goes-on' ? [found] : [];
    }),
  );
  return shown.flat();
}
