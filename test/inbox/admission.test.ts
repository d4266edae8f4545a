import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { defineMachine } from '../../actors/define-machine.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { type Origin, publicSignalTypes, signals, signalTypes } from '../../machines/vocabulary/signal.ts';
import { admit, admitSignal, admitWord, keyProblem } from '../../runtime/core/inbox/admission.ts';

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
    const named = kinds.all.filter((kind) => kind !== release).flatMap((kind) => Object.keys(kind.signals));
    expect(named.sort()).toEqual([...signalTypes].sort());
    expect(Object.keys(release.signals)).toEqual(['approve']);
    for (const { name, birth, signals: own } of kinds.all)
      if (name !== release.name) expect(own[birth], name).toBe(signals[birth as keyof typeof signals]);
  });

  it('brings a signal to the tree of the kind that takes it, by name, by alias and by how people write it', () => {
    expect(offered('plan_start', {}, 'person')).toBe('plan:demo/login');
    expect(offered(' review-changes ', 'the tests are missing', 'person')).toBe('plan:demo/login');
    expect(offered('repo_paused', {}, 'person')).toBe('repo:demo');
    expect(offered('approve', { by: 'mia' }, 'person')).toBe('unknown_signal');
  });

  it('lets only a user-defined machine watch a plan', () => {
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

  it('leaves the keys of intakes and of answers in a chat to the engine, and to people whom it knows from a chat', () => {
    for (const key of ['intake:7', 'chat:7']) {
      for (const origin of ['person', 'person:mia', 'file', 'agent:mia@work'] as const)
        expect(offered('needs_decision', { reason: 'x' }, origin, key), origin).toBe('bad_request');
      expect(offered('plan_start', {}, 'person:mia@chat', key)).toBe('plan:demo/login');
      expect(offered('run_idle', {}, 'engine', key)).toBe('plan:demo/login');
      expect(offered('plan_start', {}, 'person:mia@chat', 'plan:demo/login/x:done')).toBe('bad_request');
    }
    expect(keyProblem(kinds, null)).toBeNull();
    expect(keyProblem(kinds, 'intake:7')?.message).toMatch(/"intake:" are the engine's own$/);
  });

  /** For a refusal its code and the proposal of its hint; for an admitted signal the payload. */
  function heard(
    type: string,
    payload: unknown,
    origin: Origin = 'person',
    place = { project: 'demo', plan: 'login' },
  ) {
    const admission = admitSignal(kinds, { ...place, type, payload, origin, dedupeKey: 'mine' });
    if (admission.kind === 'refused') {
      const { code, message, hint } = admission.error;
      return `${code}: ${message}; ${hint}`;
    }
    const { tree, dedupeKey, ...signal } = admission.signal;
    return `${admission.kind} ${tree} ${dedupeKey} ${JSON.stringify(signal)}`;
  }

  it('takes a payload as an object, as text, as white space or not at all', () => {
    const admitted = (payload: object) =>
      `admitted plan:demo/login mine ${JSON.stringify({ type: 'resolve', payload, origin: 'person' })}`;
    expect(heard('resolve', { body: 'tabs' })).toBe(admitted({ body: 'tabs' }));
    expect(heard('resolve', ' tabs ')).toBe(admitted({ body: ' tabs ' }));
    for (const none of ['', ' \n', undefined, null, {}]) expect(heard('resolve', none)).toBe(admitted({}));
    for (const other of [7, true, ['tabs']])
      expect(heard('resolve', other)).toMatch(/^bad_payload: the payload of resolve is no JSON object;/);
    expect(heard('resolve', { body: new Date(0) })).toMatch(
      /^bad_payload: the payload of resolve cannot be kept as JSON: body .*; give a time as a text/,
    );
  });

  it('takes a body of 64 KiB and no byte more, and a document beyond that', () => {
    const sized = (type: string, field: string, bytes: number) => {
      const frame = JSON.stringify({ [field]: '' }).length;
      return heard(type, { [field]: 'x'.repeat(bytes - frame) });
    };
    expect(sized('resolve', 'body', 65_536)).toMatch(/^admitted/);
    expect(sized('resolve', 'body', 65_537)).toMatch(
      /^too_large: the payload of resolve is 65537 bytes, at most 65536 /,
    );
    expect(sized('plan_updated', 'content', 65_537)).toMatch(/^admitted/);
  });

  it('bounds as well what the schema makes of a payload', () => {
    const longer = z.strictObject({ by: z.string() }).transform(({ by }) => ({ by: by.repeat(2) }));
    const type = 'approve';
    const kind = { ...release, signals: { [type]: { payload: longer, from: ['person'] as const } } };
    const said = (letters: number) => admit(kind, { type, payload: { by: 'x'.repeat(letters) }, origin: 'person' });
    expect(said(30_000)).toMatchObject({ kind: 'admitted', payload: { by: 'x'.repeat(60_000) } });
    expect(said(40_000)).toMatchObject({
      error: { code: 'too_large', message: expect.stringContaining('the payload of approve, as its schema reads it,') },
    });
  });

  it('refuses with the error that a user-defined schema throws; an error in a schema of stator’s own is thrown', () => {
    const failing = z.unknown().transform(() => {
      throw new Error('out of memory');
    });
    const kind = { ...release, signals: { approve: { payload: failing, from: ['person'] as const } } };
    const said = { type: 'approve', payload: {}, origin: 'person' } as const;
    expect(admit(kind, said)).toMatchObject({
      kind: 'refused',
      error: { code: 'bad_payload', message: 'the schema of approve threw: out of memory' },
    });
    expect(() => admit({ ...kind, keepsMemory: false }, said)).toThrow('out of memory');
  });

  it('says of a type that there is not what a person may send, and which of it was meant', () => {
    const all = publicSignalTypes.join(', ');
    const unknown = (type: string) => `unknown_signal: unknown signal type "${type}"; `;
    expect(heard('plan_strat', {})).toBe(`${unknown('plan_strat')}did you mean plan_start? the valid types: ${all}`);
    expect(heard('approve', {})).toBe(`${unknown('approve')}the valid types: ${all}`);
    expect(heard('Master-Aproved', {})).toBe(
      `${unknown('Master-Aproved')}did you mean master_approved? the valid types: ${all}`,
    );
  });

  it('says of a type that this kind of tree does not take what it takes', () => {
    const to = (kind: typeof release, type: string) => admit(kind, { type, payload: {}, origin: 'person' });
    expect(to(release, 'aprove')).toMatchObject({
      error: {
        code: 'unknown_signal',
        message: 'a release takes no "aprove" from outside',
        hint: 'did you mean approve? a release takes: approve',
      },
    });
    expect(to(release, 'toString')).toMatchObject({ error: { code: 'unknown_signal' } });
    const mute = { ...release, signals: { approve: { payload: z.strictObject({}), from: ['machine'] as const } } };
    expect(to(mute, 'x'.repeat(200))).toMatchObject({
      error: {
        message: `a release takes no "${'x'.repeat(100)}" from outside`,
        hint: 'a release takes: nothing from outside',
      },
    });
  });

  it('says who may send what this sender may not', () => {
    expect(heard('cancel', {}, 'agent:login-coder')).toMatch(
      /^not_allowed: only a person may send "cancel", not agent:login-coder; ask for it with: stator signal emit needs_decision/,
    );
    expect(heard('plan_watched', {})).toMatch(
      /^not_allowed: only a machine of your own sends "plan_watched"; .*valid types: /,
    );
    expect(heard('run_started', {})).toMatch(/^not_allowed: only the engine itself sends "run_started"; /);
  });

  it('says which field of a payload is not taken, and which there are', () => {
    expect(heard('cancel', { bdoy: 'no' })).toBe(
      'bad_payload: invalid payload: cancel: unknown field "bdoy"; did you mean body? cancel takes: body, fsm_applied',
    );
    expect(heard('choose', { draft: 'a' })).toBe(
      'bad_payload: invalid payload: choose: draft: must be a number; the fields of choose are in docs/signals.md',
    );
    expect(heard('review_approved', { reviewed_sha: 'c0ffee1' })).toMatch(
      /: reviewed_sha: must be a commit's full id, 40 or 64 digits of 0-9 and a-f; /,
    );
    for (const digits of [40, 64])
      expect(heard('review_approved', { reviewed_sha: 'c'.repeat(digits) })).not.toContain('bad_payload');
    expect(heard('needs_decision', {})).toMatch(
      /^bad_payload: invalid payload: needs_decision: reason: a reason is required; /,
    );
    expect(heard('needs_decision', { raeson: 'x' })).toMatch(
      /; did you mean reason\? needs_decision takes: reason, body, source$/,
    );
    expect(heard('repo_paused', { body: 'x' })).toMatch(/; repo_paused takes no payload$/);
    const list = z.strictObject({ steps: z.array(z.strictObject({ name: z.string() })) });
    const whole = z.strictObject({}).refine(() => false, { error: 'is not complete' });
    const said = (payload: z.ZodType, given: object) => {
      const kind = { ...release, signals: { approve: { payload, from: ['person'] as const } } };
      const admission = admit(kind, { type: 'approve', payload: given, origin: 'person' });
      return admission.kind === 'refused' ? admission.error.message : admission.kind;
    };
    expect(said(list, { steps: [{ name: 7 }] })).toBe('invalid payload: approve: steps.0.name: must be a text');
    expect(said(whole, {})).toBe('invalid payload: approve: payload: is not complete');
    expect(said(z.record(z.string(), z.never()), { a: 1 })).toMatch(/^invalid payload: approve: a: /);
  });

  it('names what cannot be found by such a place', () => {
    expect(heard('repo_paused', {}, 'person', { project: '', plan: '' })).toMatch(/^repo_not_found: /);
    expect(heard('cancel', {}, 'person', { project: 'demo', plan: 'No Plan' })).toMatch(/^plan_not_found: /);
    expect(heard('cancel', {}, 'person', { project: 'demo', plan: '' })).toMatch(
      /^bad_request: plan: .* none is named/,
    );
    expect(admitWord(kinds, { type: 'cancel', payload: 'no', origin: 'person' })).toMatchObject({
      kind: 'admitted',
      type: 'cancel',
      payload: { body: 'no' },
    });
  });
});
