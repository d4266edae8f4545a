/**
 * Permissions that a run asks for. The question is a signal in the inbox; the run's actor keeps its deadline while it waits; the answer goes back to the
 * program.
 */
import { mkdirSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { effectKey, planTree, roles } from '../../../machines/vocabulary/ids.ts';
import { cutWithNote } from '../../../machines/vocabulary/permission-text.ts';
import { oneLine, spelledOut } from '../../base/platform/terminal-text.ts';
import { profileOf } from '../../work/agents/accounts.ts';
import { createFileWatch } from '../../work/agents/file-watch.ts';
import type { RunFolder } from '../../work/agents/run-folder.ts';
import { readAnswer } from '../../work/effects/permission-answer.ts';
import { readLaunch } from '../../work/effects/workplace.ts';
import type { PermissionState } from '../contract/permissions.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import type { RunQuota } from './run-quota.ts';
import { verdictWaitMs } from './signal-sender.ts';

export interface AskedPermission {
  readonly project: string;
  readonly plan: string;
  /** The run that asks, according to its token; null: the caller sent no token. */
  readonly run: string | null;
  /** Eight hex digits, chosen by the asking program; the same digits mean the same question. */
  readonly id: string;
}

/** A file watch can miss a change, so the file is also read at this interval. */
const lookMs = 1_000;
/** The most characters that a person is shown. The asking program has already cut longer texts, and says so. */
const detailLimit = 16_384;

export function createPermissionCommands(
  { home, store, projects, clock, views, addSignal }: CommandDependencies,
  quota: RunQuota,
) {
  async function folderOf({
    project,
    plan,
    run,
  }: AskedPermission): Promise<{ key: string; folder: RunFolder; run: string }> {
    if (run === null)
      throw new EngineError(
        'not_allowed',
        'only a run asks for permissions, and no token of one came along',
        'answer one with: stator agent allow <title>',
      );
    const key = effectKey(planTree(project, plan), run);
    const launch = await readLaunch({ home, store }, key);
    if (launch !== null) return { key, folder: launch.folder, run };
    throw new EngineError('not_found', `the run ${run} of ${project}/${plan} has no folder`, 'it has not started yet');
  }

  /** Throws `not_allowed` if the configuration does not let this agent ask. */
  async function limitOf(key: string, project: string): Promise<number> {
    const row = await store.run(key);
    const { profiles } = projects.get(project).config;
    const role = roles.find((each) => each === row?.role);
    const profile = role === undefined ? null : profileOf(profiles, { role, run: row });
    if (profile?.permissions === 'ask') return profile.permissionTimeoutMs;
    throw new EngineError(
      'not_allowed',
      `the ${row?.role ?? 'agent'} of ${project} is not configured to ask`,
      `permissions = "ask" under [agents.${row?.role ?? 'default'}] lets it; a question to a person is: stator signal emit needs_decision`,
    );
  }

  return {
    /** Returns the question with its answer so far, after at most `waitMs`. Throws `not_allowed`, `not_found`, `limit_reached`. */
    async askPermission(
      asked: AskedPermission & { readonly tool: string; readonly detail: string; readonly waitMs: number },
    ): Promise<PermissionState> {
      const { key, folder, run } = await folderOf(asked);
      const { id, project, plan, waitMs } = asked;
      const limitMs = await limitOf(key, project);
      mkdirSync(folder.answers, { recursive: true, mode: 0o700 });
      quota.take(key, asked.detail, id);
      const signal = await addSignal(
        {
          tree: planTree(project, plan),
          type: 'run_waiting',
          payload: {
            permission: id,
            tool: oneLine(asked.tool).slice(0, 256) || 'something',
            detail: shownDetail(asked.detail),
            limit_ms: limitMs,
          },
          origin: 'engine',
          run,
          dedupeKey: `${key}:permission:${id}`,
          at: clock.nowMs(),
        },
        verdictWaitMs,
      );
      const { status, result } = (await views.answer(signal)).signal;
      const ended = status === 'failed' || result === 'stale';
      if (ended)
        return {
          state: 'denied',
          message: 'no person can be asked now: the run is ending, or has too many open questions',
        };
      return waitFor(folder, id, waitMs);
    },
    /** The program no longer waits for the answer. Throws `limit_reached`. */
    async withdrawPermission(asked: AskedPermission): Promise<void> {
      const { key, run } = await folderOf(asked);
      const { id, project, plan } = asked;
      quota.take(key, '', `withdrawn ${id}`);
      await addSignal(
        {
          tree: planTree(project, plan),
          type: 'run_going',
          payload: { permission: id },
          origin: 'engine',
          run,
          dedupeKey: `${key}:withdrawn:${id}`,
          at: clock.nowMs(),
        },
        0,
      );
    },
  };
}

/** The person who allows it sees the whole text, or how much of it is missing. */
function shownDetail(detail: string): string {
  const text = spelledOut(detail);
  return text.length <= detailLimit ? text : cutWithNote(text, detailLimit - 100);
}

async function waitFor(folder: RunFolder, id: string, waitMs: number): Promise<PermissionState> {
  const watch = createFileWatch(folder.answers);
  const untilMs = performance.now() + waitMs;
  try {
    for (;;) {
      const answer = readAnswer(folder, id);
      if (answer !== null) return { state: answer.allowed ? 'allowed' : 'denied', message: answer.message };
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return { state: 'open', message: '' };
      await watch.wait(Math.min(leftMs, lookMs));
    }
  } finally {
    watch.stop();
  }
}
