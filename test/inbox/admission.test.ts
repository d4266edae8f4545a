import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { defineMachine } from '../../actors/define-machine.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { type Origin, signals, signalTypes } from '../../machines/vocabulary/signal.ts';
import { admit, admitSignal } from '../../runtime/core/inbox/admission.ts';

const release = kindOf(
  defineMachine({
    name: 'release',
    machine: createMachine({ id: 'release', types: {} as { events: { type: 'approve'; by: string } } }),
    version: 1,
    signals: { approve: z.strictObject({ by: z.string() }) },
  }),
);
const kinds = kindsWith([release]);
const kindNamed = (name: string) => kinds.all.find((kind) => kind.name === name) ?? release;

function offered(type: string, payload: unknown, origin: Origin, dedupeKey: string | null = null) {
  const admission = admitSignal(kinds, { project: 'demo', plan: 'login', type, payload, origin, dedupeKey });
  return admission.kind === 'refused' ? admission.error.code : admission.signal.tree;
}

describe('admission', () => {
  it('reads from the kinds alone which signals there are, and each of the table is of one kind', () => {
    const named = kinds.all.filter(({ place }) => place !== null).flatMap((kind) => Object.keys(kind.signals));
    expect(named.sort()).toEqual([...signalTypes].sort());
    expect(Object.keys(release.signals)).toEqual(['approve']);
    for (const { name, birth, place, signals: own } of kinds.all)
      if (place !== null) expect(own[birth], name).toBe(signals[birth as keyof typeof signals]);
  });

  it('brings a signal to the tree of the kind that takes it, by name, by alias and by how people write it', () => {
    expect(offered('plan_start', {}, 'person')).toBe('plan:demo/login');
    expect(offered(' review-changes ', 'the tests are missing', 'person')).toBe('plan:demo/login');
    expect(offered('repo_paused', {}, 'person')).toBe('repo:demo');
    expect(offered('approve', { by: 'mia' }, 'person')).toBe('unknown_signal');
  });

  it('lets a machine of one’s own watch a plan, and nobody else', () => {
    const payload = { plan: 'login', watcher: 'release:1.2' };
    expect(offered('plan_watched', payload, 'machine:release:1.2')).toBe('repo:demo');
    for (const origin of ['person', 'file', 'agent:login-coder'] as const)
      expect(offered('plan_watched', payload, origin)).toBe('not_allowed');
    expect(offered('plan_unwatched', { watcher: 'release:1.2' }, 'machine:release:1.2')).toBe('not_allowed');
  });

  it('checks what a machine says to a plan as it checks what one says to another machine', () => {
    const origin = 'machine:release:1.2';
    const cancel = (payload: unknown) => admit(kindNamed('plan'), { type: 'cancel', payload, origin });
    expect(cancel({})).toMatchObject({ kind: 'admitted' });
    expect(cancel({ boddy: 'no' })).toMatchObject({
      error: { code: 'bad_payload', hint: expect.stringContaining('body?') },
    });
    const approve = (payload: unknown) => admit(release, { type: 'approve', payload, origin });
    expect(approve({ by: 'mia' })).toMatchObject({ kind: 'admitted', payload: { by: 'mia' } });
    expect(approve({ by: 'mia', bi: 'x' })).toMatchObject({
      error: { code: 'bad_payload', hint: expect.stringContaining('by?') },
    });
  });

  it('takes no key under which an effect of any tree reports, whatever tree the signal is for', () => {
    expect(offered('plan_start', {}, 'person', 'ci:build-812')).toBe('plan:demo/login');
    for (const key of ['plan:demo/login/x:done', 'repo:demo/x', 'supervisor/x', 'release:1.2/publish#1.1:done'])
      expect(offered('plan_start', {}, 'person', key)).toBe('bad_request');
  });
});
