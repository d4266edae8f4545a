/** The repositories of the supervisor, and the states of an engine: only the chart. */
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';

/** Sends these events in order. `opened`: the opened repositories, with their policies. */
function after(...events: readonly (readonly [type: string, project?: string])[]) {
  const opened: unknown[] = [];
  const machine = supervisorMachine.provide({ actions: { openRepo: (_, params) => opened.push(params) } });
  const actor = createActor(machine, { input: { at: 0 } }).start();
  for (const [at, [type, project]] of events.entries()) {
    const fields = project === undefined ? {} : { project, policy: defaultPolicy };
    actor.send({ at, origin: 'engine', run: null, type, ...fields } as never);
  }
  const { value, context, tags } = actor.getSnapshot();
  return { value, repos: context.repos, tags: [...tags], opened };
}

const registered = (project: string) => ['repo_registered', project] as const;

it('knows each repository once, the last registered one last, and opens it with its policy', () => {
  const found = after(registered('a'), registered('b'), registered('a'));
  expect(found.repos).toEqual(['b', 'a']);
  expect(found.opened).toEqual(['a', 'b', 'a'].map((project) => ({ project, policy: defaultPolicy })));
});

it('forgets the one that is removed, and no other; and one that it does not know is no matter', () => {
  expect(after(registered('a'), registered('b'), ['repo_removed', 'a']).repos).toEqual(['b']);
  expect(after(registered('a'), ['repo_removed', 'c']).repos).toEqual(['a']);
});

it.each([
  [[], 'running'],
  [['supervisor_draining'], 'draining'],
  [['supervisor_draining', 'supervisor_stopped'], 'stopped'],
  [['supervisor_draining', 'supervisor_started'], 'running'],
  [['supervisor_draining', 'supervisor_stopped', 'supervisor_started'], 'running'],
  [['supervisor_started'], 'running'],
  [['supervisor_stopped'], 'running'],
])('after %j the engine is %s, and says so by its tag', (types, value) => {
  const found = after(...types.map((type) => [type] as const));
  expect([found.value, found.tags, found.repos]).toEqual([value, [`engine:${value}`], []]);
});

it('takes repositories while it drains, and none once it is stopped', () => {
  expect(after(['supervisor_draining'], registered('a')).repos).toEqual(['a']);
  expect(after(['supervisor_draining'], ['supervisor_stopped'], registered('a')).repos).toEqual([]);
});
