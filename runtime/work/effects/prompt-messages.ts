/**
 * People's messages in a run's prompt. They are read from the plan's tree when the prompt is written, and noted in the run's folder until the tree has the
 * signal.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { storedPlan } from '../../../actors/stored-tree.ts';
import { type AgentMessage, type GivenMessages, messagesFor } from '../../../machines/vocabulary/agent-message.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunBrief } from '../agents/run-brief.ts';
import { type RunFolder, writeStartFile } from '../agents/run-folder.ts';

interface Asked {
  readonly project: string;
  readonly plan: string;
  readonly title: string;
  readonly conversation: RunBrief['conversation'];
}

/** Throws `snapshot_unknown` for a tree that this version cannot read. */
export async function messagesOf(
  store: Pick<Store, 'tree'>,
  { project, plan, title, conversation }: Asked,
): Promise<GivenMessages> {
  return messagesFor(await storedMessages(store, { project, plan }), { title, isResumed: conversation !== null });
}

/** All messages that the plan stores, the oldest first; none if the plan no longer exists. */
export async function storedMessages(
  store: Pick<Store, 'tree'>,
  { project, plan }: Pick<Asked, 'project' | 'plan'>,
): Promise<readonly AgentMessage[]> {
  const address = planTree(project, plan);
  const row = await store.tree(address);
  return row === null ? [] : storedPlan(address, row.stored).context.words;
}

/** Written after the prompt: if an engine is killed between the two, the unnoted messages are sent once more. */
export function noteMessages(folder: RunFolder, { numbers }: GivenMessages): void {
  writeStartFile(file(folder), JSON.stringify(numbers));
}

/** The noted numbers; empty: the engine was killed before it noted them. */
export function notedMessages(folder: RunFolder): number[] {
  try {
    const numbers: unknown = JSON.parse(readFileSync(file(folder), 'utf8'));
    return Array.isArray(numbers) ? numbers.filter((number) => Number.isSafeInteger(number) && number > 0) : [];
  } catch {
    return [];
  }
}

function file({ path }: RunFolder): string {
  return join(path, 'words.json');
}
