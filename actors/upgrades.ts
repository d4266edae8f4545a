/** From the states that earlier versions stored to those of this one; each step is tested with a snapshot that its version wrote. */
import type { RunStart } from '../machines/vocabulary/effect.ts';
import type { Upgrades } from './compatibility.ts';

interface StoredActor {
  readonly context: object;
  readonly children?: Readonly<Record<string, { readonly src: string; readonly snapshot: StoredActor }>>;
}

/** The same tree with another context for every actor that was spawned as `src`. */
function withContexts(actor: StoredActor, src: string, change: (context: object) => object): StoredActor {
  const children = Object.entries(actor.children ?? {}).map(([id, child]) => {
    const snapshot = withContexts(child.snapshot, src, change);
    return [
      id,
      { ...child, snapshot: child.src === src ? { ...snapshot, context: change(snapshot.context) } : snapshot },
    ];
  });
  return { ...actor, children: Object.fromEntries(children) };
}

/** How a run starts, from what version 2 of an agent called it. */
const starts: Readonly<Record<string, RunStart>> = { anew: 'begin', on: 'continue', fresh: 'restart' };

export const upgrades: Upgrades = {
  plan: {
    // Agents took no messages, and every run began on its branch as it was before.
    'agent:1 plan:1 task:1 wave:1': {
      to: 'agent:2 plan:1 task:1 wave:1',
      upgrade: (snapshot) =>
        // Checked as a tree of this shape when it was stored, and again after the last upgrade.
        withContexts(snapshot as StoredActor, 'agent', (context) => ({
          messages: [],
          unread: 0,
          start: 'anew',
          ...context,
        })),
    },
    // An agent that a pause stopped was said to rest, and the starts of runs had other names.
    'agent:2 plan:1 task:1 wave:1': {
      to: 'agent:3 plan:1 task:1 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'agent', (context) => {
          const { start, ending } = context as { start: string; ending: string | null };
          return { ...context, start: starts[start] ?? start, ending: ending === 'rest' ? 'requeue' : ending };
        }),
    },
    // A review's approval was of no commit.
    'agent:3 plan:1 task:1 wave:1': {
      to: 'agent:3 plan:2 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        return { ...rest, context: { reviewedSha: null, ...context } };
      },
    },
    // No agent asked for permissions.
    'agent:3 plan:2 task:1 wave:1': {
      to: 'agent:4 plan:2 task:1 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'agent', (context) => ({ permissions: [], ...context })),
    },
    // A plan counted drafts of planners, of which there is one.
    'agent:4 plan:2 task:1 wave:1': {
      to: 'agent:4 plan:3 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        const { drafts: _drafts, ...kept } = context as { drafts?: unknown };
        return { ...rest, context: kept };
      },
    },
  },
};
