/** Which conversation a run takes up: the one that the last run of the same agent had, if its program can still be asked for it. */

import { randomUUID } from 'node:crypto';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import type { Conversation, RunBrief } from '../agents/run-brief.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import type { Preset } from '../config/config.ts';
import { isProgramPreset } from '../config/preset-programs.ts';
import type { Projects } from '../repos/registry.ts';
import type { EffectRow } from '../store/rows.ts';
import type { Store } from '../store/sqlite/store.ts';
import { writeResumed } from './run-report.ts';
import { worktreePath } from './workplace.ts';

interface ConversationParts {
  readonly store: Pick<Store, 'runs' | 'plans'>;
  readonly projects: Projects;
}

interface Wanted {
  readonly effect: Pick<AgentRun, 'title' | 'place' | 'start'>;
  readonly row: Pick<EffectRow, 'key' | 'project' | 'plan'>;
  readonly preset: Preset;
}

/**
 * For the run's brief. Only the very last run that began counts: where that one could not take a conversation up, or lost it, a new one begins. Programs keep
 * conversations by the folder that they were held in, so another worktree has none. Asked again for the same run it answers the same, once it was noted.
 */
export function conversationFor(
  { store, projects }: ConversationParts,
  { effect, row, preset }: Wanted,
): Pick<RunBrief, 'conversation' | 'newConversation'> {
  const newConversation = store.runs.read(row.key)?.conversation ?? randomUUID();
  const none = { conversation: null, newConversation };
  if (effect.start === 'fresh' || !isProgramPreset(preset)) return none;
  // Runs of an earlier plan of this name are not this one's.
  const since = store.plans.read(row.project, row.plan)?.createdAt ?? 0;
  const last = store.runs
    .ofTitle(row.project, effect.title)
    .find((run) => run.key !== row.key && run.plan === row.plan && run.queued_at >= since && run.started_at !== null);
  if (last === undefined || last.conversation === null || last.preset !== preset) return none;
  if (last.worktree !== worktreePath(projects.get(row.project), effect.place)) return none;
  const conversation: Conversation = { id: last.conversation, run: last.run };
  return { conversation, newConversation };
}

/** Kept before the launch: what is launched and then killed, engine and all, is known by it. */
export function noteConversation(
  { store }: Pick<ConversationParts, 'store'>,
  {
    row,
    folder,
    brief,
  }: { readonly row: Pick<EffectRow, 'key'>; readonly folder: RunFolder; readonly brief: RunBrief },
): void {
  const { preset } = brief.profile;
  const { conversation, newConversation } = brief;
  const isChosen = preset === 'claude' || preset === 'gemini';
  store.runs.setPreset(row.key, preset, conversation?.id ?? (isChosen ? newConversation : null));
  if (conversation !== null) writeResumed(folder, conversation.id);
}
