/** One handler for each kind of effect: a new kind does not compile until someone handles it. */
import type { AgentFreeze, AgentType, Effect } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import { typedBytes } from '../../../machines/vocabulary/keys.ts';
import type { EffectContext, Handler, Handlers } from '../../core/outbox/handler.ts';
import { messageId, takesMessages, typedMessages } from '../agents/message-input.ts';
import { messageLine } from '../agents/relay/message-line.ts';
import { type RunFolder, readExit, runIdOf } from '../agents/run-folder.ts';
import { freezeTree, thawTree } from '../agents/stopping.ts';
import { hasInput, typeInto } from '../agents/terminal-input.ts';
import { withEnding } from '../git/ending.ts';
import { withNotes } from '../git/notes.ts';
import { type AgentRunParts, createAgentRun } from './agent-run.ts';
import { createBranchBase } from './branch-base.ts';
import { createCheck } from './check.ts';
import { createHookDeliver } from './hook-deliver.ts';
import type { HookParts } from './hook-senders.ts';
import { createLandingCheck, createLandingFind, createLandingMerge, createLandingPrepare } from './landing.ts';
import { createMachineEffect, type MachineEffectParts } from './machine-effect.ts';
import { createPermissionAnswer } from './permission-answer.ts';
import { createPlanMerge } from './plan-merge.ts';
import { createPlanPull } from './plan-pull.ts';
import { createPullMerge, type PullMergeParts } from './pull-merge.ts';
import { createRefsPush } from './refs-push.ts';
import { createBranchArchive, createCommit, createMerge, createUndo, createWorktreeRemove } from './work.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

type HandlerParts = AgentRunParts & HookParts & PullMergeParts & MachineEffectParts;

export function createHandlers(parts: HandlerParts): Handlers {
  const freeze = createFreeze(parts);
  const handlers: Handlers = {
    'agent.run': createAgentRun(parts),
    'agent.freeze': freeze,
    'agent.thaw': freeze,
    'agent.answer': createPermissionAnswer(parts),
    'agent.type': createTyping(parts),
    'work.commit': createCommit(parts),
    'work.check': createCheck(parts),
    'work.merge': createMerge(parts),
    'work.undo': createUndo(parts),
    'worktree.remove': createWorktreeRemove(parts),
    'branch.archive': createBranchArchive(parts),
    'branch.base': createBranchBase(parts),
    'plan.merge': createPlanMerge(parts),
    'landing.find': createLandingFind(parts),
    'landing.prepare': createLandingPrepare(parts),
    'landing.check': createLandingCheck(parts),
    'landing.merge': createLandingMerge(parts),
    'hook.deliver': createHookDeliver(parts),
    'plan.pull': createPlanPull(parts),
    'pull.merge': createPullMerge(parts),
    'refs.push': createRefsPush(parts),
    'machine.effect': createMachineEffect(parts),
  };
  const bound = Object.entries(handlers).map(([kind, handler]) => [kind, withGit(handler as Handler<Effect>, parts)]);
  return Object.fromEntries(bound) as Handlers; // each under its own kind, as above
}

/** Every git that a handler starts ends with the effect, however deep in the handler's calls it was started, and the log has git's repairs. */
function withGit(handler: Handler<Effect>, { log }: Pick<HandlerParts, 'log'>): Handler<Effect> {
  return (effect, context) =>
    withEnding(context.over, () =>
      withNotes(
        (text) => log.warn(`${effect.kind} ${context.row.key}: ${text}`),
        () => handler(effect, context),
      ),
    );
}

/** Freezes the processes of a run, and thaws them. A run that has ended meanwhile has nothing to freeze. */
function createFreeze(parts: EffectParts): Handler<AgentFreeze> {
  return async (effect, { row }) => {
    const key = effectKey(row.tree, effect.run);
    const folder = (await readLaunch(parts, key))?.folder;
    if (folder === undefined) return { type: null };
    const runId = runIdOf(parts.home, key);
    if (effect.kind === 'agent.freeze') await freezeTree(folder, runId);
    else thawTree(folder, runId);
    return { type: null };
  };
}

/**
 * Sends a person's input to a run: into its terminal, or as a message to its program; once, even if the effect runs again. If the run has ended, the plan
 * stores the input for the next run.
 */
function createTyping(parts: EffectParts): Handler<AgentType> {
  return async ({ run, typed, word }, { row, sendSignal }) => {
    const key = effectKey(row.tree, run);
    const folder = (await readLaunch(parts, key))?.folder;
    if (folder === undefined || !hasInput(folder)) return { type: null };
    if (takesMessages(folder)) {
      const title = (await parts.store.run(key))?.title ?? null;
      if ('text' in typed && title !== null) sayTo(folder, { title, text: typed.text, word }, { row, sendSignal });
    } else if (readExit(folder) === null) typeInto(folder, { key: row.key, text: typedBytes(typed) });
    return { type: null };
  };
}

/** Checks whether the run has ended and types in the same turn, because no process reads later input. */
function sayTo(
  folder: RunFolder,
  { title, text, word }: { readonly title: string; readonly text: string; readonly word: number | undefined },
  { row, sendSignal }: Pick<EffectContext, 'row' | 'sendSignal'>,
): void {
  const id = messageId(row.key);
  if (typedMessages(folder).some((message) => message.id === id)) return;
  if (readExit(folder) === null)
    typeInto(folder, { key: row.key, text: messageLine({ id, text, ...(word === undefined ? {} : { word }) }) });
  else if (word === undefined) sendSignal('late', 'agent_send', { title, body: text });
}
