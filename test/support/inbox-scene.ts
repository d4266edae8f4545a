/** An inbox with a store in memory whose batches are handled one by one, and the changes of each. */
import { onTestFinished } from 'vitest';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import type { HookEvent } from '../../machines/vocabulary/hook-event.ts';
import { planTree, repoTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Origin } from '../../machines/vocabulary/signal.ts';
import { type BatchParts, handleBatch } from '../../runtime/core/inbox/transaction.ts';
import { createTreeCache } from '../../runtime/core/inbox/tree-cache.ts';
import { type Change, insertSignal } from '../../runtime/core/store/port.ts';
import type { SignalRow } from '../../runtime/core/store/rows.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { openStoreInMemory } from './memory-store.ts';
import { defineRelease, type ReleaseParts } from './own-machine.ts';
import { policyWith } from './plan-states.ts';
import { planText } from './simulation.ts';

export const plan = planTree('demo', 'hello');
export const repo = repoTree('demo');
export const release = 'release:1.2' as TreeAddress;

export interface How {
  readonly tree?: TreeAddress;
  readonly origin?: Origin;
  readonly run?: string | null;
}

export interface Scene extends Partial<Pick<BatchParts, 'faults' | 'machineHooks'>> {
  readonly policy?: Policy | null;
  /** The events of the only hook of `demo`. */
  readonly hooked?: readonly HookEvent[];
  readonly machine?: ReleaseParts;
}

/** An inbox over a store in memory. Its time is 500 when the batches' time is 1,000. */
export async function openInbox({ policy = policyWith([]), hooked, machine = {}, machineHooks, faults }: Scene = {}) {
  const store = openStoreInMemory();
  onTestFinished(() => store.close());
  const trees = createTrees(kindsWith([kindOf(defineRelease(machine))]));
  const commits: (readonly Change[])[] = [];
  const parts: BatchParts = {
    store: {
      ...store,
      commit: (changes) => {
        commits.push(changes);
        return store.commit(changes);
      },
    },
    trees,
    cache: createTreeCache({ store, trees }),
    timeline: await openTimeline(store, { nowMs: () => 500, steadyMs: () => 7, boot: () => 'this' }),
    policyOf: () => policy,
    hooksOf: () =>
      hooked === undefined ? [] : [{ name: 'chat', type: 'command', enabled: true, events: [...hooked] }],
    machineHooks: machineHooks ?? (() => []),
    faults,
  };
  let at = 1_000;

  async function put(type: string, payload: object = {}, { tree = plan, origin = 'person', run = null }: How = {}) {
    return insertSignal(store, { tree, type, payload, origin, run, at });
  }
  async function rowAt(id: number): Promise<SignalRow> {
    const row = await store.signal(id);
    if (row === null) throw new Error(`there is no signal ${id}`);
    return row;
  }
  async function batch(...ids: number[]) {
    at += 1;
    const handled = await handleBatch(parts, await Promise.all(ids.map(rowAt)), at);
    if (handled.status === 'lost') throw new Error(`lost: ${JSON.stringify(handled.change)}`);
    return handled;
  }
  /** Sends one signal in its own batch; returns its outcome and that of the batch. */
  async function say(type: string, payload: object = {}, how: How = {}) {
    const id = await put(type, payload, how);
    const done = await batch(id);
    const { status, result } = await rowAt(id);
    return { ...done, id, is: `${status} ${result}`, changes: commits.at(-1) ?? [] };
  }
  /** The changes of one kind in the last commit. */
  function made<Name extends Change['do']>(name: Name): Extract<Change, { do: Name }>[] {
    return (commits.at(-1) ?? []).filter((change): change is Extract<Change, { do: Name }> => change.do === name);
  }
  const opened = { content: planText([2]), branch: 'plan/hello', topic: null, generation: 0 };
  return {
    store,
    parts,
    commits,
    put,
    batch,
    say,
    made,
    rowAt,
    now: () => at,
    async openPlan(content = opened.content, more: object = {}) {
      return say(
        'plan_opened',
        { ...opened, content, policy: policy ?? policyWith([]), ...more },
        { origin: 'engine' },
      );
    },
    /** Handles all of the engine's signals to the plan and the repo, in order. */
    async drain() {
      for (let round = 0; round < 50; round += 1) {
        const rows = (await store.claim({ keptMs: 500, wallMs: at }, { limit: 50 })) as readonly SignalRow[];
        if (rows.length === 0) return;
        for (const { id } of rows) await batch(id);
      }
      throw new Error('it does not come to rest');
    },
  };
}

/** A plan with two queued agents. */
export async function implementing(scene: Scene = {}) {
  const inbox = await openInbox(scene);
  await inbox.say('repo_opened', { policy: policyWith([]) }, { tree: repo, origin: 'engine' });
  await inbox.openPlan();
  await inbox.say('implement_start');
  await inbox.drain();
  return inbox;
}
