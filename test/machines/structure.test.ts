/** Properties of every chart as it is written. */

import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { bindPlan } from '../../actors/plan.ts';
import { bindRepo } from '../../actors/repo.ts';
import { bindSupervisor } from '../../actors/supervisor.ts';
import { createTrees, noRequests, portsInto } from '../../actors/tree.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { nodesOf } from '../support/cells.ts';
import { contextOf, events } from '../support/family.ts';
import { planText, sha } from '../support/simulation.ts';

type Name = keyof typeof machines;
const names = Object.keys(machines) as Name[];

function wordsOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(wordsOf);
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && 'type' in value) return [String(value.type)];
  return [typeof value];
}

/** The names in a guard, which may combine several. */
function guardsOf(guard: unknown): string[] {
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards))
    return guard.guards.flatMap(guardsOf);
  return wordsOf(guard);
}

/** Actions that change nothing in the context that this test gives them. */
const silentByContext = ['noteAdvice', 'forgetMerged', 'forgetMergeRefusal', 'noteFixedFrom', 'forgetMend'];

function transitionsOf(node: AnyStateNode) {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

describe('every chart', () => {
  for (const name of names) {
    const machine: AnyStateMachine = machines[name];
    const nodes = [...nodesOf(machine.root)];

    it(`${name} has a version and describes each state in a line`, () => {
      expect(machine.version).toMatch(/^\d+$/);
      const silent = nodes.filter((node) => (node.description ?? node.config.description ?? '') === '');
      expect(silent.map((node) => node.id)).toEqual([]);
    });

    it(`${name} starts nothing by itself: no invoke, no delay, no promise`, () => {
      for (const node of nodes) {
        expect(node.invoke).toEqual([]);
        expect(node.after).toEqual([]);
        expect(node.config.after).toBe(undefined);
      }
      for (const [word, action] of Object.entries(machine.implementations.actions)) {
        const delay: unknown = typeof action === 'function' && 'delay' in action ? action.delay : undefined;
        expect(`${word}: ${String(delay)}`).toBe(`${word}: undefined`);
      }
      expect(machine.implementations.delays).toEqual({});
      for (const logic of Object.values(machine.implementations.actors)) expect(logic).toHaveProperty('root');
    });

    it(`${name} has a way out of each state that is not final`, () => {
      const stuck = nodes.filter((node) => {
        const isLeaf = Object.keys(node.states).length === 0;
        if (!isLeaf || node.type === 'final') return false;
        for (let one: AnyStateNode | undefined = node; one !== undefined; one = one.parent) {
          if (transitionsOf(one).some(({ target }) => target?.some((to) => to !== node) === true)) return false;
        }
        return true;
      });
      expect(stuck.map((node) => node.id)).toEqual([]);
    });

    it(`${name} uses named actions and guards only, and each of them exists`, () => {
      const { actions, guards } = machine.implementations;
      const used = { actions: new Set<string>(), guards: new Set<string>() };
      for (const node of nodes) {
        for (const action of [...wordsOf(node.entry), ...wordsOf(node.exit)]) used.actions.add(action);
        for (const transition of transitionsOf(node)) {
          for (const action of wordsOf(transition.actions)) used.actions.add(action);
          for (const guard of guardsOf(transition.guard)) used.guards.add(guard);
        }
      }
      expect([...used.actions].filter((word) => !Object.hasOwn(actions, word))).toEqual([]);
      expect([...used.guards].filter((word) => !Object.hasOwn(guards, word))).toEqual([]);
      // Six guards are called by actions.
      const asked = ['pullIsBehind', 'awaitsAnswer', 'leftWork', 'hasOwnWorktree', 'leftWorkToOthers', 'couldNotStart'];
      expect(Object.keys(guards).filter((word) => !used.guards.has(word) && !asked.includes(word))).toEqual([]);
    });

    it(`${name} writes nothing down in silence for an event that an action does not know`, () => {
      const context = JSON.parse(JSON.stringify(contextOf(name)));
      const silent = Object.entries(machine.implementations.actions).filter(([, action]) => {
        const assignment: unknown = typeof action === 'function' && 'assignment' in action ? action.assignment : null;
        if (typeof assignment !== 'function') return false;
        try {
          return Object.keys(assignment({ context, event: { type: 'unheard_of', at: 5 } }, 'x')).length === 0;
        } catch {
          return false;
        }
      });
      expect(silent.map(([word]) => word).filter((word) => !silentByContext.includes(word))).toEqual([]);
    });

    it(`${name} asks pure questions: the same situation gets the same answer twice and stays as it was`, () => {
      const context = JSON.parse(JSON.stringify(contextOf(name)));
      const before = JSON.stringify(context);
      // XState's own guards need the state of another region, so they get a snapshot.
      const own = Object.values(machine.implementations.guards).filter(
        (each) => each !== undefined && !('check' in each),
      );
      for (const guard of own) {
        for (const event of [...Object.values(events), ...planEvents()]) {
          const ask = guard as (args: unknown, params: unknown) => boolean; // builtin guards are not in this table
          const given = JSON.stringify(event);
          expect(ask({ context, event }, 'kill')).toBe(ask({ context, event }, 'kill'));
          expect(JSON.stringify(event)).toBe(given);
        }
      }
      expect(JSON.stringify(context)).toBe(before);
    });
  }

  it('binds every request that the machines name', () => {
    const ports = portsInto(noRequests);
    const bound: [AnyStateMachine, AnyStateMachine][] = [
      [bindPlan(ports), machines.plan],
      [bindRepo(ports), machines.repo],
      [bindSupervisor(ports), machines.supervisor],
    ];
    const asking = /^(ask|report(Re|Gr)|openRepo|stop(Run|Check)|freezeRun|thawRun)/;
    const silent: string[] = [];
    const compare = (mine: AnyStateMachine, plain: AnyStateMachine): void => {
      for (const [word, action] of Object.entries(plain.implementations.actions)) {
        const isRequest =
          asking.test(word) && typeof action === 'function' && !('type' in action) && !('resolve' in action);
        if (isRequest && mine.implementations.actions[word] === action) silent.push(`${plain.id}.${word}`);
      }
      for (const [child, logic] of Object.entries(plain.implementations.actors))
        compare(mine.implementations.actors[child] as AnyStateMachine, logic as AnyStateMachine);
    };
    for (const [mine, plain] of bound) compare(mine, plain);
    expect(silent).toEqual([]);
    expect(createTrees()).toBeDefined();
  });
});

/** Signals of people and agents to a plan, within bounds. */
function planEvents() {
  const by = { at: 5, origin: 'person' as const, run: null };
  const plain = [
    'plan_start',
    'planner_finished',
    'implement_start',
    'implement_finished',
    'elaborator_finished',
    'review_approved',
    'review_changes_requested',
    'verify_approved',
    'verify_failed',
    'retry_wave',
    'advance_wave',
    'start_over',
    'reimplement',
    'request_review',
    'cancel',
    'reopen',
    'mark_done',
    'pause',
    'resume',
    'agents_requeued',
    'resolve',
    'create_pr',
    'pr_wanted',
    'pr_merged',
    'pr_closed',
  ].map((type) => ({ type, ...by }));
  return [
    ...plain,
    { type: 'needs_decision', ...by, reason: 'tabs?' },
    { type: 'answer', ...by, questions: [1], body: 'tabs' },
    { type: 'implement_wave', ...by, wave_number: 2 },
    { type: 'plan_updated', ...by, content: '# nothing\n' },
    { type: 'plan_updated', ...by, content: planText([2, 1]) },
    { type: 'pr_opened', ...by, number: 1, url: 'https://example.com', server: 'example.com', head: 'a'.repeat(40) },
    { type: 'pr_changes_requested', ...by, body: 'no', ids: ['comment:1'] },
    { type: 'pr_failed', ...by, detail: '' },
    { type: 'set_status', ...by, status: 'reviewing' },
    { type: 'set_status', ...by, status: 'verifying' },
    { type: 'set_status', ...by, status: 'planning' },
    { type: 'set_status', ...by, status: 'implementing' },
    { type: 'branch_archived', at: 5, origin: 'engine', run: '#5', head: sha(4) },
  ];
}
