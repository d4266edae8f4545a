/** Signal files as people, agents and other programs write them, and queries of tests about them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SignalEntry } from '../../runtime/engine/engine.ts';
import { planText, register, say, startEngine, type TestEngine } from './engine.ts';
import { until } from './ground.ts';

export const places = ['.stator/signals', '.kasmos/signals'] as const;

export function signalsOf(root: string, place: string = places[0]): string {
  const folder = join(root, place);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes through `staging/`, as a careful writer does. */
export function drop(folder: string, name: string, content = ''): void {
  const draft = join(folder, 'staging', name);
  mkdirSync(dirname(draft), { recursive: true });
  writeFileSync(draft, content);
  renameSync(draft, join(folder, name));
}

/** The files in a folder, without stator's own folders and hidden files. */
export function left(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter(
    (name) => !['staging', 'processing', 'failed'].includes(name) && !name.startsWith('.'),
  );
}

export function reasonOf(folder: string, name: string): string {
  return readFileSync(join(folder, 'failed', `${name}.reason`), 'utf8');
}

export function untilRefused(folder: string, name: string): Promise<void> {
  return until(
    () => existsSync(join(folder, 'failed', name)),
    () =>
      `${name} is not in failed/; in the folder: ${left(folder)}, in processing: ${left(join(folder, 'processing'))}`,
  );
}

/** Waits until no file is left and none is being handled. */
export function untilGone(folder: string): Promise<void> {
  return until(
    () => left(folder).length === 0 && left(join(folder, 'processing')).length === 0,
    () => `left: ${left(folder)}; in processing: ${left(join(folder, 'processing'))}`,
  );
}

/** The signals from files, the oldest first. */
export async function fromFiles({ client }: Pick<TestEngine, 'client'>, plan?: string): Promise<SignalEntry[]> {
  const entries = await client.signals(plan === undefined ? {} : { project: 'demo', plan });
  return entries.filter(({ origin }) => origin === 'file').reverse();
}

/** An engine with a registered plan that is not started. */
export async function withPlan(plan = 'login', setup: Parameters<typeof startEngine>[0] = {}): Promise<TestEngine> {
  const engine = await startEngine(setup);
  await register(engine, plan, planText(['echo a > a.txt']));
  return engine;
}

/** Forces a plan into a status. */
export async function forceStatus(engine: TestEngine, plan: string, status: string): Promise<void> {
  await say(engine, plan, 'set_status', { status });
}
