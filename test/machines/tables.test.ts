/** Every state × every signal of the machines of a plan and its repo; and no signal between them is ignored silently. */
import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../actors/addressee.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { cellOf, leavesOf, nodesOf, readTable, writeTable } from '../support/cells.ts';
import { alone, contextOf, doneEvent, events } from '../support/family.ts';
import { copyOf, worldsByState } from '../support/plan-states.ts';

/** A cell is the next state. `stays`: it acts and stays. `ignored`: by name it changes nothing. `-`: it is refused. */
const tables = {
  agent: `
event           queued     starting   running             permission  rateLimit  decision   paused     stopping    delivered   backingOff
accept          -          -          -                   -           -          -          -          -           succeeded   -
reject          -          -          -                   -           -          -          -          -           backingOff  -
finish          stopping   stopping   stopping            stopping    delivered  delivered  stopping   stays       succeeded   delivered
end             stopping   stopping   stopping            stopping    cancelled  cancelled  stopping   stays       cancelled   cancelled
requeue         stopping   stopping   stopping            stopping    ignored    ignored    stopping   ignored     ignored     ignored
answered        ignored    ignored    ignored             ignored     ignored    queued     ignored    ignored     ignored     ignored
run_starting    starting   -          -                   -           -          -          -          ignored     -           -
run_started     -          running    -                   -           -          -          -          stays       -           -
run_waiting     -          stays      waiting.permission  stays       -          -          stays      -           -           -
run_going       -          ignored    ignored             ignored     -          -          ignored    ignored     -           -
run_idle        -          ignored    stopping            ignored     -          -          ignored    ignored     -           -
run_exited      delivered  delivered  delivered           delivered   -          -          delivered  delivered   -           -
run_lost        backingOff backingOff backingOff          backingOff  -          -          backingOff backingOff  -           -
effect_failed   backingOff backingOff backingOff          backingOff  -          -          backingOff backingOff  -           -
timer_due       -          -          stopping            stopping    queued     -          -          -           -           queued
needs_decision  -          stopping   stopping            stopping    -          -          stopping   -           -           -
agent_allow     -          -          -                   -           -          -          -          -           -           -
agent_deny      -          -          -                   -           -          -          -          -           -           -
agent_kill      stopping   stopping   stopping            stopping    failed     failed     stopping   stays       -           failed
agent_restart   stopping   stopping   stopping            stopping    queued     -          stopping   stays       -           queued
agent_pause     -          -          paused              -           -          -          -          -           -           -
agent_resume    -          -          -                   -           -          -          running    -           -           -
agent_send      stays      stays      stays               stays       stays      stays      stays      stays       -           stays`,
  task: `
event                    pending    working     committing  asking   checking   merging    accepting  ending
start                    working    -           -           -        -          -          -          -
finish                   ignored    stays       ignored     ignored  ignored    ignored    -          ignored
end                      cancelled  ending      ending      ending   ending     stays      -          stays
requeue                  ignored    stays       ignored     ignored  ignored    ignored    -          ignored
answered                 ignored    stays       ignored     working  ignored    ignored    -          ignored
agent_delivered          -          committing  -           -        -          -          -          ignored
child_asked              -          stays       -           -        -          -          -          ignored
question_withdrawn       -          stays       -           -        -          -          -          stays
done_succeeded           -          done        -           -        -          -          done       cancelled
done_failed              -          failed      -           -        -          -          failed     cancelled
done_cancelled           -          cancelled   -           -        -          -          cancelled  cancelled
implement_task_finished  -          stays       ignored     ignored  ignored    ignored    -          ignored
work_committed           -          -           merging     -        -          -          -          -
work_merged              -          -           -           -        -          accepting  -          -
work_conflicted          -          -           -           -        -          working    -          -
check_passed             -          -           -           -        accepting  -          -          -
check_failed             -          -           -           -        working    -          -          -
effect_failed            -          -           working     -        working    working    -          -`,
  wave: `
event           running  settled  ending
retry           ignored  running  ignored
extend          stays    stays    ignored
finish          ignored  ignored  ignored
end             ending   ending   ignored
requeue         stays    ignored  ignored
answered        stays    ignored  ignored
child_asked     stays    -        ignored
question_withdrawn  stays  -      stays
done_succeeded  stays    stays    stays
done_failed     stays    stays    stays`,
  repo: `
event                active    paused    degraded
implement_requested  stays     stays     stays
implement_released   stays     stays     stays
plan_done            stays     stays     stays
plan_undone          stays     stays     stays
policy               stays     stays     stays
repo_degraded        degraded  degraded  stays
repo_recovered       ignored   ignored   active
repo_paused          paused    -         stays
repo_resumed         -         active    stays
repo_opened          -         -         -`,
  supervisor: `
event                running   draining  stopped
repo_registered      stays     stays     -
repo_removed         stays     stays     -
supervisor_draining  draining  -         -
supervisor_stopped   -         stopped   -
supervisor_started   ignored   running   running
supervisor_opened    -         -         -`,
} as const;

/** States that the machine leaves at once, so no event arrives there. */
const passing = new Set(['judging']);

/** Requests and reports for which a state has no transition, because they cannot occur there; each with the reason. */
const cannotMeet: Record<string, Record<string, string>> = {
  agent: {
    accept: 'said in answer to a report, in the same step: the agent is in `delivered`',
    reject: 'said in answer to a report, in the same step: the agent is in `delivered`',
  },
  task: {
    start: 'said once, to a task that is pending',
    'agent_delivered pending committing asking checking merging accepting':
      'its one agent is not there yet, or has delivered',
    'child_asked pending committing asking checking merging accepting':
      'its one agent is not there yet, or has delivered',
    'question_withdrawn pending committing asking checking merging accepting': 'its one agent asks nothing there',
    'done pending committing asking checking merging': 'its one agent is not there yet, or waits for a verdict',
    'end finish requeue answered accepting': 'left in the step that enters it',
  },
  wave: { 'child_asked question_withdrawn settled': 'no task of it runs' },
};

const output = { at: 5, run: 'x#1', runs: 1, reason: null, detail: '', head: null };

function computed(name: keyof typeof tables): Map<string, Map<string, string>> {
  const rows = new Map<string, Map<string, string>>();
  for (const row of readTable(tables[name]).keys()) {
    const cells = new Map<string, string>();
    for (const leaf of leavesOf(machines[name])) {
      const [outer = '', inner] = leaf.split('.');
      if (passing.has(leaf)) continue;
      const value = inner === undefined ? outer : { [outer]: inner };
      const context = { ...contextOf(name), ...situations[`${name}.${leaf}`], ...situations[name] };
      const event = row.startsWith('done_')
        ? doneEvent(name === 'task' ? 'agent' : 'task-1.1', { ...output, outcome: row.slice(5) })
        : events[row as keyof typeof events];
      cells.set(inner ?? outer, cellOf({ machine: alone[name], place: { value, context }, event }));
    }
    rows.set(row, cells);
  }
  return rows;
}

/** The context of an actor in a state, as far as a guard reads it. */
const situations: Record<string, object> = {
  'agent.stopping': { ending: 'timeout' },
  wave: { liveChildren: { 'task-1.1': 1, 'task-2.1': 2 }, started: [1, 2] },
};

describe('the table of', () => {
  for (const name of Object.keys(tables) as (keyof typeof tables)[]) {
    it(`${name} is as written`, () => {
      expect(writeTable(computed(name))).toBe(writeTable(readTable(tables[name])));
    });
  }

  it('an agent that is being stopped depends on what for', () => {
    const cell = (ending: string, type: keyof typeof events) => {
      const context = { ...contextOf('agent'), ending };
      return cellOf({ machine: alone.agent, place: { value: 'stopping', context }, event: events[type] });
    };
    expect(
      ['finish', 'cancel', 'kill', 'requeue', 'restart', 'decision', 'timeout', 'idle'].map((ending) =>
        [
          ending,
          cell(ending, 'finish'),
          cell(ending, 'answered'),
          cell(ending, 'agent_kill'),
          cell(ending, 'agent_restart'),
          cell(ending, 'run_exited'),
        ].join(' '),
      ),
    ).toEqual([
      // ending  finish  answered kill restart, and the result of the run's end (exit code 0)
      'finish stays ignored stays - delivered',
      'cancel ignored ignored - - cancelled',
      'kill ignored ignored stays stays failed',
      'requeue stays ignored stays stays delivered',
      'restart stays ignored stays stays queued',
      'decision stays stays stays - waiting.decision',
      'timeout stays ignored stays stays delivered',
      'idle stays ignored stays stays delivered',
    ]);
  });

  it('how a run ended says what follows', () => {
    const next = (ended: object, more: object = {}) => {
      const context = { ...contextOf('agent'), ...more };
      const event = { ...events.run_exited, ...ended };
      return cellOf({ machine: alone.agent, place: { value: 'running', context }, event });
    };
    expect(next({ code: 0 })).toBe('delivered');
    expect(next({ code: 1 })).toBe('backingOff');
    expect(next({ code: 1 }, { speaksByExit: true })).toBe('delivered');
    expect(next({ code: 2 }, { speaksByExit: true })).toBe('backingOff');
    expect(next({ code: 1 }, { failures: 2 })).toBe('failed');
    expect(next({ code: 1, cause: 'rate-limited' })).toBe('waiting.rateLimit');
    expect(next({ code: null, cause: 'start-failed' })).toBe('backingOff');
    expect(next({ code: null, cause: 'unusable' })).toBe('failed');
    expect(next({ code: 143, cause: 'stopped' }, { failures: 2 })).toBe('queued');
    expect(next({ code: null, cause: 'withdrawn' })).toBe('queued');
    for (const ending of ['timeout', 'idle']) {
      expect(next({ code: 0 }, { ending })).toBe('delivered');
      expect(next({ code: 1 }, { ending, speaksByExit: true })).toBe('delivered');
      expect(next({ code: 1 }, { ending })).toBe('backingOff');
      expect(next({ code: 0, cause: 'stopped' }, { ending })).toBe('backingOff');
    }
  });

  it('a merge that runs is awaited before a task ends', () => {
    const merging = (type: keyof typeof events) =>
      cellOf({
        machine: alone.task,
        place: { value: 'merging', context: { ...contextOf('task'), wantsEnd: true } },
        event: events[type],
      });
    expect(merging('work_merged')).toBe('accepting');
    expect(merging('work_conflicted')).toBe('ending');
    expect(merging('effect_failed')).toBe('ending');
  });

  it('a task is done without a merge, sent back or checked first as its run and its document say', () => {
    const committed = (event: object, more: object) =>
      cellOf({
        machine: alone.task,
        place: { value: 'committing', context: { ...contextOf('task'), ...more } },
        event: { ...events.work_committed, ...event },
      });
    expect(committed({ changed: true }, {})).toBe('merging');
    expect(committed({ changed: false }, {})).toBe('working');
    expect(committed({ changed: false }, { requireChange: false })).toBe('accepting');
    expect(committed({ changed: false }, { hasCheck: true })).toBe('checking');
    expect(committed({ changed: true }, { hasCheck: true })).toBe('checking');
  });
});

describe('inside a family', () => {
  const familyWords = {
    agent: ['accept', 'reject', 'finish', 'end', 'requeue', 'answered'],
    task: [
      'start',
      'finish',
      'end',
      'requeue',
      'answered',
      'agent_delivered',
      'child_asked',
      'question_withdrawn',
      'done_succeeded',
    ],
    wave: [
      'retry',
      'extend',
      'finish',
      'end',
      'requeue',
      'answered',
      'child_asked',
      'question_withdrawn',
      'done_succeeded',
    ],
  } as const;

  it('every order and report meets a transition, a named ignore, or a reason why it cannot arrive', () => {
    const deaf: string[] = [];
    for (const [name, words] of Object.entries(familyWords) as [keyof typeof familyWords, readonly string[]][]) {
      for (const word of words) {
        for (const [state, cell] of computed(name).get(word) ?? []) {
          if (cell === '-' && !isExcused(name, word.replace('_succeeded', ''), state))
            deaf.push(`${name} ${state}: ${word}`);
        }
      }
    }
    expect(deaf).toEqual([]);
  });

  it('a plan handles every report in each of its states, from the active child and from any other', () => {
    const deaf: string[] = [];
    for (const [stand, make] of Object.entries(worldsByState)) {
      const { tree } = copyOf(make());
      const snapshot = snapshotOf(tree.root);
      for (const id of [String(snapshot.context.activeChildId), 'wave-9.9']) {
        const reports = [
          { ...events.agent_delivered, id },
          { ...events.child_asked, id },
          { ...events.question_withdrawn, id },
          { ...events.wave_failed, id },
          doneEvent(id, { ...output, outcome: 'failed' }),
        ];
        for (const report of reports) {
          const transitions = snapshot.machine.getTransitionData(snapshot, report);
          if (transitions.length === 0) deaf.push(`${stand}: ${report.type} of ${id}`);
        }
      }
    }
    expect(deaf).toEqual([]);
  });

  it('ignores by name, and says why', () => {
    const ignores: string[] = [];
    for (const machine of Object.values(machines)) {
      for (const node of nodesOf(machine.root)) {
        for (const [type, transitions] of node.transitions) {
          for (const { target, actions, guard, description } of transitions) {
            if (target !== undefined || actions.length > 0) continue;
            // A guard that never holds gives the refusal a name.
            if (guard !== undefined && description === undefined) continue;
            ignores.push(`${[machine.id, ...node.path].join('.')} ${type}: ${description}`);
          }
        }
      }
    }
    expect(ignores.filter((line) => line.endsWith('undefined'))).toEqual([]);
    expect(ignores.sort()).toMatchInlineSnapshot(`
      [
        "agent.backingOff answered: no question of this agent is open",
        "agent.backingOff requeue: nothing runs",
        "agent.delivered answered: no question of this agent is open",
        "agent.delivered requeue: nothing runs",
        "agent.paused answered: no question of this agent is open",
        "agent.paused run_going: it is not open any more",
        "agent.paused run_idle: it changes nothing now",
        "agent.queued answered: no question of this agent is open",
        "agent.running answered: no question of this agent is open",
        "agent.running run_going: it is not open any more",
        "agent.starting answered: no question of this agent is open",
        "agent.starting run_going: it is not open any more",
        "agent.starting run_idle: it changes nothing now",
        "agent.stopping answered: no question of this agent is open",
        "agent.stopping finish: it is not wanted",
        "agent.stopping requeue: it is being stopped",
        "agent.stopping run_going: it is not open any more",
        "agent.stopping run_idle: it changes nothing now",
        "agent.stopping run_starting: the slot was taken before the stop",
        "agent.waiting.decision requeue: nothing runs",
        "agent.waiting.permission answered: no question of this agent is open",
        "agent.waiting.permission run_going: it is not open any more",
        "agent.waiting.permission run_idle: it changes nothing now",
        "agent.waiting.rateLimit answered: no question of this agent is open",
        "agent.waiting.rateLimit requeue: nothing runs",
        "landing landing_left: it has left, or it is being merged, and then the result is sent to it",
        "landing landing_opened: it is there already",
        "landing.gate.open landing_resumed: it is open",
        "landing.gate.paused landing_paused: it is paused already",
        "plan budget_reached: it needs a person already, or that limit was raised meanwhile",
        "plan budget_restored: it does not wait for its budget",
        "plan head_moved: its branch is already there",
        "plan implement_granted: it no longer asks, or asked again since",
        "plan line_left: it has left the line meanwhile",
        "plan merge_refused: it has left the line meanwhile",
        "plan plan_merged: it has left the line meanwhile",
        "plan pr_merge_refused: it was not wanted any more",
        "plan pr_merge_scheduled: it was not wanted any more",
        "plan wave_failed: it is no longer the active wave",
        "plan work_lost: it is known, no longer the plan’s, or was looked for before it was brought back",
        "plan.gate.paused pause: it is paused already",
        "plan.lifecycle.done create_pr: it is open and shows the branch as it is, is merged, or is being made",
        "plan.lifecycle.done land: its present work is merged, or waits in line",
        "plan.lifecycle.done merge: its present work is merged, or being merged",
        "plan.lifecycle.underway.reviewing work_lost: it is known, no longer the plan’s, or was looked for before it was brought back",
        "plan.lifecycle.underway.verifying work_lost: it is known, no longer the plan’s, or was looked for before it was brought back",
        "plan.merge.awaiting land: it waits already",
        "repo.active repo_recovered: it could be used all along",
        "repo.paused repo_recovered: it could be used all along",
        "supervisor.running supervisor_started: it was not stopped in order",
        "task.asking finish: it is finished",
        "task.asking implement_task_finished: it is finished",
        "task.asking requeue: none of its runs is alive",
        "task.checking answered: no question of its agent is open",
        "task.checking finish: it is finished",
        "task.checking implement_task_finished: it is finished",
        "task.checking requeue: none of its runs is alive",
        "task.committing answered: no question of its agent is open",
        "task.committing end: what it did is kept first",
        "task.committing finish: it is finished",
        "task.committing implement_task_finished: it is finished",
        "task.committing requeue: none of its runs is alive",
        "task.ending agent_delivered: it is no longer wanted",
        "task.ending answered: no question of its agent is open",
        "task.ending child_asked: nobody will answer",
        "task.ending conclude: it is being ended",
        "task.ending finish: it is finished",
        "task.ending implement_task_finished: it is finished",
        "task.ending requeue: none of its runs is alive",
        "task.merging answered: no question of its agent is open",
        "task.merging conclude: a merge that runs ends first",
        "task.merging finish: it is finished",
        "task.merging implement_task_finished: it is finished",
        "task.merging requeue: none of its runs is alive",
        "task.pending answered: nobody asked",
        "task.pending finish: nothing was begun",
        "task.pending requeue: nothing runs",
        "wave.ending answered: nobody will go on",
        "wave.ending child_asked: nobody will answer",
        "wave.ending end: it is being ended",
        "wave.ending extend: nothing new is begun",
        "wave.ending finish: its tasks say when it is finished",
        "wave.ending requeue: everything is being stopped",
        "wave.ending retry: nothing new is begun",
        "wave.running finish: its tasks say when it is finished",
        "wave.running retry: it runs",
        "wave.settled answered: nobody asked",
        "wave.settled finish: its tasks say when it is finished",
        "wave.settled requeue: nothing runs",
      ]
    `);
  });
});

function isExcused(name: string, word: string, state: string): boolean {
  return Object.keys(cannotMeet[name] ?? {}).some((key) => {
    const parts = key.split(' ');
    return parts.includes(word) && (parts.length === 1 || parts.includes(state));
  });
}
