/** The response of every state of a plan to every signal: the table of the lifecycle, written out. */
import { describe, expect, it } from 'vitest';
import { acceptedSignals } from '../../actors/refusal.ts';
import type { Role } from '../../machines/vocabulary/ids.ts';
import {
  maySend,
  type Origin,
  originKind,
  publicSignalTypes,
  type SignalType,
  signals,
  signalTypes,
} from '../../machines/vocabulary/signal.ts';
import { betweenWaves, copyOf, killAll, someRun, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';

/** A payload of each kind that needs one. */
const samples: Partial<Record<SignalType, object>> = {
  choose: { draft: 1 },
  raise_budget: { scope: 'plan', usd: 5 },
  planner_draft_finished: { planner_id: 'a' },
  needs_decision: { reason: 'who pays?' },
  implement_wave: { wave_number: 2 },
  set_status: { status: 'ready' },
  plan_updated: { content: planText([2, 1]) },
};

/** The contract's table: from, event, to. `*` is for people only; every other signal is refused and changes nothing. */
const contract = `
  ready.draft                                 plan_start                planning.working
  ready.draft                                 implement_start           refused: not planned yet: run plan_start first
  ready.draft                                 implement_wave*           refused: not planned yet: run plan_start first
  ready.draft                                 mark_done*                done
  ready.draft                                 cancel*                   cancelled.ended
  ready.planned                               plan_start                planning.working
  ready.planned                               implement_start           underway.implementing.requesting
  ready.planned                               implement_wave*           underway.implementing.requesting
  ready.planned                               mark_done*                done
  ready.planned                               cancel*                   cancelled.ended
  planning.stuck                              plan_start                planning.working
  planning.stuck                              planner_finished          underway.implementing.requesting
  planning.stuck                              planner_draft_finished    underway.implementing.requesting
  planning.stuck                              resolve*                  planning.working
  planning.stuck                              cancel*                   cancelled.ended
  planning.working                            plan_start                planning.working
  planning.working                            planner_finished          underway.implementing.requesting
  planning.working                            planner_draft_finished    underway.implementing.requesting
  planning.working                            cancel*                   cancelled.ending
  planning.drafting                           plan_start                planning.drafting
  planning.drafting                           planner_finished          ready.planned
  planning.drafting                           planner_draft_finished    refused: no draft of that name is written; the drafts: 1 (writing), 2 (writing)
  planning.drafting                           choose                    refused: draft 1 is being written; the drafts: 1 (writing), 2 (writing)
  planning.drafting                           cancel*                   cancelled.ending
  planning.selecting                          plan_start                planning.drafting
  planning.selecting                          planner_finished          ready.planned
  planning.selecting                          choose                    ready.planned
  planning.selecting                          cancel*                   cancelled.ending
  planning.deciding                           plan_start                planning.drafting
  planning.deciding                           planner_finished          ready.planned
  planning.deciding                           choose                    ready.planned
  planning.deciding                           resolve*                  refused: choose one of its drafts: stator plan choose <plan> <number>
  planning.deciding                           cancel*                   cancelled.ended
  underway.implementing.stuck                 implement_finished        underway.reviewing.working
  underway.implementing.stuck                 resolve*                  underway.implementing.requesting
  underway.implementing.stuck                 cancel*                   cancelled.ended
  underway.implementing.requesting            implement_finished        underway.reviewing.working
  underway.implementing.requesting            resolve*                  refused: nothing waits for an answer
  underway.implementing.requesting            cancel*                   cancelled.ended
  underway.implementing.preparing.making      implement_finished        underway.reviewing.working
  underway.implementing.preparing.making      cancel*                   cancelled.ended
  underway.implementing.preparing.mending     implement_finished        underway.implementing.preparing.mending
  underway.implementing.preparing.mending     cancel*                   cancelled.ending
  underway.implementing.preparing.stuck       implement_finished        underway.reviewing.working
  underway.implementing.preparing.stuck       resolve*                  underway.implementing.preparing.making
  underway.implementing.preparing.stuck       cancel*                   cancelled.ended
  underway.implementing.architecting.working  implement_finished        underway.reviewing.working
  underway.implementing.architecting.working  elaborator_finished       underway.implementing.wave.running
  underway.implementing.architecting.working  cancel*                   cancelled.ending
  underway.implementing.architecting.stuck    implement_finished        underway.reviewing.working
  underway.implementing.architecting.stuck    elaborator_finished       underway.implementing.wave.running
  underway.implementing.architecting.stuck    resolve*                  underway.implementing.architecting.working
  underway.implementing.architecting.stuck    cancel*                   cancelled.ended
  underway.implementing.single.working        implement_finished        underway.implementing.single.working
  underway.implementing.single.working        cancel*                   cancelled.ending
  underway.implementing.single.stuck          implement_finished        underway.reviewing.working
  underway.implementing.single.stuck          resolve*                  underway.implementing.single.working
  underway.implementing.single.stuck          cancel*                   cancelled.ended
  underway.implementing.wave.running          implement_finished        suppressed
  underway.implementing.wave.running          implement_wave*           refused: wave_running
  underway.implementing.wave.running          retry_wave*               refused: wave_running
  underway.implementing.wave.running          advance_wave*             refused: wave_running
  underway.implementing.wave.running          cancel*                   cancelled.ending
  underway.implementing.wave.waiting          implement_finished        suppressed
  underway.implementing.wave.waiting          implement_wave*           underway.implementing.wave.running
  underway.implementing.wave.waiting          retry_wave*               underway.implementing.wave.running
  underway.implementing.wave.waiting          advance_wave*             underway.implementing.wave.running
  underway.implementing.wave.waiting          cancel*                   cancelled.ended
  underway.implementing.fixing.requesting     implement_finished        underway.reviewing.working
  underway.implementing.fixing.requesting     cancel*                   cancelled.ended
  underway.implementing.fixing.working        implement_finished        underway.implementing.fixing.working
  underway.implementing.fixing.working        cancel*                   cancelled.ending
  underway.implementing.fixing.stuck          implement_finished        underway.reviewing.working
  underway.implementing.fixing.stuck          resolve*                  underway.implementing.fixing.requesting
  underway.implementing.fixing.stuck          cancel*                   cancelled.ended
  underway.reviewing.stuck                    review_approved           underway.verifying.working
  underway.reviewing.stuck                    review_changes_requested  underway.implementing.fixing.requesting
  underway.reviewing.stuck                    resolve*                  underway.reviewing.working
  underway.reviewing.stuck                    cancel*                   cancelled.ended
  underway.reviewing.working                  review_approved           underway.verifying.working
  underway.reviewing.working                  review_changes_requested  underway.implementing.fixing.requesting
  underway.reviewing.working                  cancel*                   cancelled.ending
  underway.verifying.stuck                    verify_approved           done
  underway.verifying.stuck                    verify_failed             underway.implementing.fixing.requesting
  underway.verifying.stuck                    resolve*                  underway.verifying.working
  underway.verifying.stuck                    cancel*                   cancelled.ended
  underway.verifying.working                  verify_approved           done
  underway.verifying.working                  verify_failed             underway.implementing.fixing.requesting
  underway.verifying.working                  cancel*                   cancelled.ending
  done                                        start_over*               planning.working
  done                                        reimplement*              underway.implementing.requesting
  done                                        request_review*           underway.reviewing.working
  done                                        review_changes_requested  refused: nothing is under review
  done                                        cancel*                   cancelled.ended
  done                                        land*                     done
  done                                        merge*                    done
  done                                        create_pr*                done
  cancelled.ending                            reopen*                   held
  cancelled.ended                             reopen*                   planning.working
`;

/** Signals that every state accepts: they change a switch beside the lifecycle, or replace the status or the document. */
const everywhere: SignalType[] = ['needs_decision', 'pause', 'set_status', 'plan_updated', 'raise_budget'];

const cells = contract
  .trim()
  .split('\n')
  .map((line) => {
    const [from = '', event = '', ...to] = line.trim().split(/ +/);
    return { from, type: event.replace('*', '') as SignalType, isPersons: event.endsWith('*'), to: to.join(' ') };
  });

/** The signals that belong to an agent's role; no other agent may send them. */
const verdictsOf: Record<Role, readonly SignalType[]> = {
  planner: ['plan_start', 'planner_finished', 'planner_draft_finished', 'plan_updated', 'implement_start'],
  architect: ['elaborator_finished', 'plan_updated', 'choose'],
  coder: ['implement_finished', 'implement_task_finished'],
  fixer: ['implement_finished', 'implement_task_finished'],
  session: ['plan_start', 'implement_start', 'implement_finished', 'implement_task_finished'],
  reviewer: ['review_approved', 'review_changes_requested'],
  verifier: ['verify_approved', 'verify_failed'],
};

/** Agents may send it too, if their role permits it. */
const isAnyones = (type: SignalType) => maySend(signals[type], 'agent:hello-coder');

/** An answer belongs to its question, whatever the state of the plan. */
const planSignals = publicSignalTypes.filter((type) => signals[type].to === 'plan' && type !== 'answer');

describe('the table of a plan', () => {
  for (const [from, make] of Object.entries(worldsByState)) {
    it(`says what a person may do in ${from}`, () => {
      const world = make();
      expect(world.lifecycle()).toBe(from);
      const found = planSignals
        .filter((type) => !everywhere.includes(type))
        .map((type) => ({ type, to: copyOf(world).send(type, samples[type] ?? {}) }))
        .filter(({ to }) => to !== 'refused');
      const expected = cells.filter((cell) => cell.from === from).map(({ type, to }) => ({ type, to }));
      expect(sorted(found)).toEqual(sorted(expected));
      for (const type of everywhere) {
        const to = type !== 'set_status' ? from : 'ready.draft';
        const isDraft = type === 'plan_updated' && from === 'ready.draft';
        expect(`${type}: ${copyOf(world).send(type, samples[type] ?? {})}`).toBe(
          `${type}: ${isDraft ? 'ready.planned' : to}`,
        );
      }
    });

    it(`offers in ${from} what it takes, and nothing else`, () => {
      const world = make();
      const copy = copyOf(world);
      const offered = acceptedSignals(copy.tree.root, world.now()).filter((type) => !everywhere.includes(type));
      const taken = cells
        .filter(
          (cell) => cell.from === from && !['held', 'suppressed'].includes(cell.to) && !cell.to.startsWith('refused'),
        )
        .map((cell) => cell.type);
      expect([...offered].sort()).toEqual(taken.sort());
    });
  }

  it('marks exactly the signals that only a person may send, and a file only its wave', () => {
    const origins: Origin[] = ['person', 'agent:hello-coder', 'file', 'engine'];
    for (const type of signalTypes) {
      const isPublic = publicSignalTypes.includes(type);
      for (const origin of origins) {
        const kind = originKind(origin);
        const isTaken =
          kind === 'engine' ||
          (kind === 'person' && isPublic) ||
          (isAnyones(type) && !(kind === 'file' && type === 'choose')) ||
          (kind === 'file' && type === 'implement_wave');
        expect(`${type} of ${kind}: ${maySend(signals[type], origin)}`).toBe(`${type} of ${kind}: ${isTaken}`);
      }
    }
    const starred = new Set(cells.filter((cell) => cell.isPersons).map((cell) => cell.type));
    for (const { type } of cells) expect(`${type} ${isAnyones(type)}`).toBe(`${type} ${!starred.has(type)}`);
    const personOnly =
      'implement_wave retry_wave advance_wave start_over reimplement request_review cancel reopen mark_done merge land create_pr pause resume resolve answer';
    for (const type of personOnly.split(' ')) expect(isAnyones(type as SignalType)).toBe(false);
  });

  it('takes from the agent at work what it takes from a person, but for the words that a person or another role alone may say', () => {
    for (const [from, make] of Object.entries(worldsByState)) {
      const world = make();
      const agent = someRun(world);
      // One of several planners reports only its own draft.
      if (agent === null || from === 'planning.drafting') continue;
      const isHolding = copyOf(world).attention() === 'blocked';
      for (const type of planSignals.filter((one) => isAnyones(one) && one !== 'needs_decision')) {
        const byPerson = copyOf(world).send(type, samples[type] ?? {});
        const byAgent = copyOf(world).send(type, samples[type] ?? {}, agent);
        const isSpeaker = verdictsOf[agent.role].includes(type) || !Object.values(verdictsOf).flat().includes(type);
        const refused = `refused: not from ${agent.role === 'architect' ? 'an' : 'a'} ${agent.role}`;
        const chooses = from === 'planning.selecting' && type === 'plan_updated';
        const taken = chooses ? 'refused: not from an agent now' : byPerson;
        const expected = !isSpeaker ? refused : isHolding ? 'held' : taken;
        expect(`${from} ${type}: ${byAgent}`).toBe(`${from} ${type}: ${expected}`);
      }
    }
  });

  it('refuses by name what is not there', () => {
    const world = worldOf({ on: [], content: '# nothing yet\n' });
    expect(copyOf(world).send('plan_start', {})).toBe('refused: no_planner');
    expect(copyOf(worldOf({ on: [] })).send('plan_start', {})).toBe('ready.planned');
    expect(copyOf(worldOf()).send('implement_wave', { wave_number: 7 })).toBe('refused: no_such_wave');
    expect(copyOf(worldOf({ content: '# x\n' })).send('set_status', { status: 'planned' })).toBe(
      'refused: the document does not parse: line 1: no wave headers found in plan; add ## Wave N sections before implementing',
    );
    const waiting = worldsByState['underway.implementing.wave.waiting']?.();
    expect(waiting === undefined ? '' : copyOf(waiting).send('implement_wave', { wave_number: 7 })).toBe(
      'refused: no_such_wave',
    );
    const verifying = worldsByState['underway.verifying.working']?.();
    if (verifying === undefined) throw new Error('no such stand');
    verifying.post('plan:demo/hello', 'head_moved', { head: sha(7) });
    verifying.drain();
    expect(copyOf(verifying).send('verify_approved', { reviewed_sha: sha(8) })).toMatch(
      /^refused: stale_approval: .* plan\/hello is at [0-9a-f]{12}; /,
    );
    expect(copyOf(verifying).send('verify_approved', { reviewed_sha: sha(7) })).toBe('done');
    expect(copyOf(verifying).send('verify_approved', {})).toBe('done');
    expect(copyOf(verifying).send('verify_approved', {}, { origin: 'file' })).toMatch(
      /^refused: stale_approval: .* plan\/hello is at [0-9a-f]{12}; /,
    );
  });

  it('goes on from a wave that succeeded only when a person says so, where waves do not advance by themselves', () => {
    const world = betweenWaves();
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    expect(copyOf(world).send('retry_wave', {})).toBe('refused: no failed wave waits');
    expect(copyOf(world).send('advance_wave', {})).toBe('underway.implementing.wave.running');
  });

  it('forces every status from every state, and starts no agent and sets no timestamp', () => {
    const targets = {
      ready: 'ready.draft',
      planned: 'ready.planned',
      planning: 'planning.stuck',
      implementing: 'underway.implementing.stuck',
      reviewing: 'underway.reviewing.stuck',
      verifying: 'underway.verifying.stuck',
      done: 'done',
      cancelled: /^cancelled/,
    };
    for (const [from, make] of Object.entries(worldsByState)) {
      if (from === 'ready.draft') continue;
      const world = make();
      const before = JSON.stringify(world.context().timestamps);
      for (const [status, to] of Object.entries(targets)) {
        const copy = copyOf(world);
        expect(copy.send('set_status', { status })).toMatch(to);
        expect(copy.attention()).toBe('override');
        expect(JSON.stringify(copy.tree.root.getSnapshot().context.timestamps)).toBe(before);
        expect(copy.tree.root.getSnapshot().context.activeChildId).toBe(null);
      }
    }
  });

  it('blocks with the reason when the active one has failed for good, and starts one anew on resolve', () => {
    for (const from of Object.keys(worldsByState).filter((name) => name.endsWith('.working'))) {
      const world = worldsByState[from]?.();
      if (world === undefined) continue;
      killAll(world);
      expect(world.lifecycle()).toBe(from.replace('.working', '.stuck'));
      expect(world.context().blocked).toMatchObject({ source: 'failed', reason: expect.stringContaining('killed') });
      world.person('resolve');
      world.drain();
      expect(world.lifecycle()).toBe(from);
      expect(world.context().blocked).toBe(null);
      expect(world.open().filter((row) => row.effect.kind === 'agent.run')).toHaveLength(1);
    }
  });
});

function sorted<T extends { type: string }>(list: T[]): T[] {
  return [...list].sort((a, b) => a.type.localeCompare(b.type));
}
