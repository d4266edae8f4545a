/** Finds the conversation that a run resumes: that of the same agent's last run, if the program can still resume it. */

import { randomUUID } from 'node:crypto';
import { type AgentRun, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { sharesConversations } from '../agents/account.ts';
import { profileOf } from '../agents/accounts.ts';
import { knownProgram } from '../agents/presets/programs.ts';
import type { Conversation, RunBrief } from '../agents/run-brief.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import type { Projects } from '../repos/registry.ts';
import { writeResumed } from './run-report.ts';
import { worktreePath } from './workplace.ts';

interface ConversationParts {
  readonly store: Pick<Store, 'run' | 'runs' | 'plan'>;
  readonly projects: Projects;
  readonly env: NodeJS.ProcessEnv;
}

interface Wanted {
  readonly effect: Pick<AgentRun, 'title' | 'place' | 'role' | 'start'>;
  readonly row: Pick<EffectRow, 'key' | 'project' | 'plan'>;
  /** The profile of the agent that continues the conversation. */
  readonly profile: AgentProfile;
}

/**
 * The conversation for the run's brief. Only the last run that began counts: if it could not resume a conversation, or lost it, a new one begins. Programs
 * store conversations by their folder, so another worktree has none. Once stored, the result for a run stays the same.
 */
export async function conversationFor(
  { store, projects, env }: ConversationParts,
  { effect, row, profile }: Wanted,
): Promise<Pick<RunBrief, 'conversation' | 'newConversation'>> {
  const newConversation = (await store.run(row.key))?.conversation ?? randomUUID();
  const none = { conversation: null, newConversation };
  if (effect.start === 'restart' || !isProgramPreset(profile.preset)) return none;
  // Runs of an earlier plan of this name do not count.
  const since = (await store.plan(row.project, row.plan))?.createdAt ?? 0;
  const runs = await store.runs({ by: 'title', project: row.project, title: effect.title });
  const last = runs.find(
    (run) => run.key !== row.key && run.plan === row.plan && run.queued_at >= since && run.started_at !== null,
  );
  if (last === undefined || last.conversation === null || last.preset !== profile.preset) return none;
  const project = projects.get(row.project);
  if (last.worktree !== worktreePath(project, placeOfRun(effect))) return none;
  // Another account may store its conversations elsewhere.
  const before = profileOf(project.config.profiles, { role: profile.role, run: last });
  if (before !== profile && !sharesConversations(before, profile, { repo: project.path, env })) return none;
  const conversation: Conversation = { id: last.conversation, run: last.run };
  return { conversation, newConversation };
}

/** Stored before the launch, so that a run is known even if it and the engine are killed after the launch. */
export async function noteConversation(
  { store }: { readonly store: Pick<Store, 'commit'> },
  {
    row,
    folder,
    brief,
  }: { readonly row: Pick<EffectRow, 'key'>; readonly folder: RunFolder; readonly brief: RunBrief },
): Promise<void> {
  const { preset } = brief.profile;
  const { conversation, newConversation } = brief;
  const isChosen = knownProgram(preset)?.choosesConversation ?? false;
  const known = conversation?.id ?? (isChosen ? newConversation : null);
  await store.commit([{ do: 'run.note', key: row.key, set: { preset }, once: { conversation: known } }]);
  if (conversation !== null) writeResumed(folder, conversation.id);
}
