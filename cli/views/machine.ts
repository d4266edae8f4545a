/** Trees of user-defined machines, as a person reads them. */
import { clockTime, localStamp, localTime } from '../../machines/vocabulary/time-text.ts';
import type {
  HistoryEntry,
  MachineEntry,
  MachineExplanation,
  MachineScheduleEntry,
  MachineSwitched,
  MachineTreeDeleted,
  MachineTreeReplay,
  MachineTreeShow,
  MachineVerdict,
  Verification,
} from '../../runtime/api/client/client.ts';
import { asOfText } from '../as-of.ts';
import type { View } from '../operation-verb.ts';
import { fields } from '../output.ts';
import { plain } from '../text.ts';
import { verificationLines } from '../verification.ts';

const verdict: View<MachineVerdict> = { lines: (answer) => [verdictText(answer)] };

const machineExplanation: View<MachineExplanation> = {
  fields(explained) {
    const { machine, id, effects, timers, outputs, plans, held, refused_last: refused } = explained;
    const waits = [
      ...effects.map(({ effect, status, tries, error, host, paused }) => {
        const failed = error === null ? '' : `, failed ${tries} times: ${plain(error).split('\n')[0]}`;
        const where = host === null ? '' : `, for the host ${plain(host)}`;
        return `${effect}: ${paused ? 'paused' : status}${where}${failed}`;
      }),
      ...timers.map(({ timer, due_at: dueAt }) => `${timer}: due ${localTime(dueAt, Date.now())}`),
      ...outputs.map(({ machine: other, id: tree }) => `the output of ${other} ${tree}`),
      ...plans.map(({ project, plan, status }) => `plan ${plan} of ${project}: ${status ?? 'there is no such plan'}`),
      ...held.map(({ id: signal, type }) => `${type} (signal ${signal}) until its states take it`),
    ];
    const taken = explained.events.filter(({ accepted }) => accepted).map(({ type }) => type);
    const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
    return [
      ['machine', `${machine} ${id}`],
      ['status', explained.status],
      ['state', stateText(explained.value)],
      ['waits for', waits.join('; ') || (explained.status === 'active' ? 'a message' : 'nothing: it has ended')],
      ['would take', taken.join(', ') || 'nothing'],
      [
        'set aside',
        explained.set_aside.map(({ id: signal, error }) => `signal ${signal}: ${plain(error)}`).join('; ') || null,
      ],
      [
        'refused last',
        refused === null ? null : `${refused.event} from ${refused.origin}, ${clockTime(refused.at)}${guard}`,
      ],
    ];
  },
};

const machineHistory: View<HistoryEntry[]> = {
  list: {
    headings: ['seq', 'at', 'by', 'event', 'from', 'to'],
    row: ({ seq, at, origin, event, from, to, refused, emitted }) => [
      String(seq),
      localStamp(at),
      origin,
      event,
      from,
      emitted !== undefined
        ? plain(`emitted ${JSON.stringify(emitted)}`)
        : refused === null
          ? to
          : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
    ],
    empty: 'nothing happened yet',
  },
};

const machineSchedules: View<MachineScheduleEntry[]> = {
  list: {
    headings: ['schedule', 'pattern', 'next', 'last', 'note'],
    row: ({ machine, name, cron, timezone, next, last, passed, due, seen }) => {
      const nowMs = Date.now();
      const note = !seen
        ? 'no engine has looked at it yet'
        : due !== null
          ? `the time ${localTime(due, nowMs)} was not looked at yet`
          : passed !== null
            ? `nothing began at ${localTime(passed.at, nowMs)}: ${plain(passed.reason)}`
            : '';
      return [
        plain(`${machine}/${name}`),
        plain(`${cron} ${timezone}`),
        next === null ? 'never' : localTime(next, nowMs),
        last === null ? '' : plain(last.id),
        note,
      ];
    },
    empty: 'no machine has a schedule; docs/own-machines.md says how',
  },
};

const verifyMachine: View<Verification> = { lines: verificationLines };

const deleteMachineTree: View<MachineTreeDeleted> = { lines: ({ machine, id }) => [`deleted ${machine} ${id}`] };

const switched: View<MachineSwitched> = {
  lines({ status, changed, machine, lane, pauses }) {
    const what = lane === null ? plain(machine) : `lane ${plain(lane)} of ${plain(machine)}`;
    const unchanged = status === 'paused' ? 'was paused already' : 'was not paused';
    return [
      changed ? `${status}: ${what}` : `${what} ${unchanged}`,
      ...(status === 'paused' || pauses.length === 0 ? [] : [`still paused: ${pausesText(pauses)}`]),
    ];
  },
};

/** "all of it", or the names of its lanes. */
export function pausesText(pauses: NonNullable<MachineEntry['pauses']>): string {
  return pauses.map(({ lane }) => (lane === null ? 'all of it' : `lane ${plain(lane)}`)).join(', ');
}

/** One line about the outcome of a message. */
export function verdictText({ signal, tree }: MachineVerdict): string {
  const { type, status, result } = signal;
  const how = typeof result === 'string' && result !== 'done' ? ` (${result})` : '';
  const treeState = tree === null ? '' : `; ${tree.machine} ${tree.id} is in ${stateText(tree.value)}`;
  return `${status}${how}: ${type}${treeState}`;
}

/** A state value in dotted form. */
export function stateText(value: unknown): string {
  if (value === null) return 'unknown';
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${stateText(inner)}`)
    .join(' ');
}

const machineTree: View<MachineTreeShow | MachineTreeReplay> = {
  lines: (tree, { paint }) => [
    ...('seq' in tree ? [paint('dim', asOfText(tree))] : []),
    ...fields(
      [
        ['machine', `${tree.machine} ${tree.id}`],
        ['status', tree.status],
        ['state', stateText(tree.value)],
        ['tags', tree.tags.join(', ') || null],
        ['context', plain(JSON.stringify(tree.context))],
        ['output', tree.output === null ? null : plain(JSON.stringify(tree.output))],
      ],
      paint,
    ),
  ],
};

export default {
  ...{ machineTree, machineReplay: machineTree },
  machineSchedules,
  pauseMachine: switched,
  resumeMachine: switched,
  startMachine: verdict,
  sendMachine: verdict,
  machineExplanation,
  machineHistory,
  verifyMachine,
  deleteMachineTree,
};
