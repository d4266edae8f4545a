/** The machines, and the trees of user-defined machines, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { historyEntry } from './plans.ts';
import { count, lines, status, time } from './shared-shapes.ts';
import { signalAnswer } from './signals.ts';

export const machinePause = z
  .object({
    machine: z.string(),
    /** null: the whole machine. */
    lane: z.string().nullable(),
    since: time,
  })
  .meta({ id: 'MachinePause' });
/** A pause of a machine of your own, or of one lane of it: none of its effects and promises begins. */
export interface MachinePause extends z.infer<typeof machinePause> {}

export const machineEntry = z
  .object({
    name: z.string(),
    description: z.string(),
    /** The version of the persisted shape. */
    version: z.string(),
    states: count,
    /** The number of transitions, including those that only change the context. */
    transitions: count,
    /** A program defined it: its trees can be started and can receive signals. */
    own: z.boolean(),
    /** Its pauses; missing: neither it nor a lane of it is paused. */
    pauses: z.array(machinePause).optional(),
  })
  .meta({ id: 'Machine' });
/** A machine of this engine: its name and its version. */
export interface MachineEntry extends z.infer<typeof machineEntry> {}

export const machineScheduleEntry = z
  .object({
    machine: z.string(),
    name: z.string(),
    cron: z.string(),
    timezone: z.string(),
    missed: z.enum(['once', 'skip']),
    overlap: z.enum(['refuse', 'queue', 'allow']),
    /** null: the pattern has no further time. */
    next: time.nullable(),
    /** The last tree that it began, and the time for which; null: none. */
    last: z.object({ at: time, id: z.string() }).nullable(),
    /** The latest time that was looked at, if nothing began then; null: a tree began. */
    passed: z.object({ at: time, reason: z.string() }).nullable(),
    /** A time that has come and was not looked at yet: no engine ran, or it waits for the tree before; null: none. */
    due: time.nullable(),
    /** false: no engine has looked at this pattern yet, so its earlier times do not count. */
    seen: z.boolean(),
  })
  .meta({ id: 'MachineSchedule' });
/** A schedule of a machine of your own. */
export interface MachineScheduleEntry extends z.infer<typeof machineScheduleEntry> {}

export const machineSwitched = z
  .object({
    status: z.enum(['paused', 'resumed']),
    /** false: it was so already. */
    changed: z.boolean(),
    machine: z.string(),
    /** null: the whole machine. */
    lane: z.string().nullable(),
    /** The pauses of the machine that are in force now. */
    pauses: z.array(machinePause),
  })
  .meta({ id: 'MachineSwitched' });
/** The pauses of a machine of your own, after one of them began or ended. */
export interface MachineSwitched extends z.infer<typeof machineSwitched> {}

const treeStatus = z.enum(['active', 'done', 'error']);

/** A signal that is not handled any more; `stator signal retry` delivers it again. */
const setAsideSignal = z.object({ id: z.int(), type: z.string(), error: z.string() });

export const machineTreeEntry = z
  .object({
    machine: z.string(),
    id: z.string(),
    status: treeStatus,
    /** The state value of XState: a name, or an object of nested states. */
    value: z.unknown(),
    tags: lines,
    /** The view of the machine, for lists. */
    view: z.record(z.string(), z.unknown()),
    /** Why its stored state cannot be read; missing: it can be read. */
    problem: z.string().optional(),
    /** In a list: no effect of its machine begins; missing: its machine is not paused as a whole. */
    paused: z.boolean().optional(),
    /** In a list: quarantined signals to it, which threw or ended the engine; missing: there is none. */
    set_aside: z.array(setAsideSignal).optional(),
  })
  .meta({ id: 'MachineTree' });
/** A tree of a machine of your own, as lists show it: its id, its status, and the view that the machine defines. */
export interface MachineTreeEntry extends z.infer<typeof machineTreeEntry> {}

export const machineTreeShow = machineTreeEntry
  .extend({ context: z.unknown(), output: z.unknown() })
  .meta({ id: 'MachineTreeWithContext' });
/** A tree of a machine of your own with its whole context. */
export interface MachineTreeShow extends z.infer<typeof machineTreeShow> {}

export const machineTreeReplay = machineTreeShow.extend({ seq: count, at: time }).meta({ id: 'MachineTreeReplay' });
/** A tree of a machine of your own as it was after line `seq` of its journal. */
export interface MachineTreeReplay extends z.infer<typeof machineTreeReplay> {}

/** The verdict on a signal to a tree. */
export const machineVerdict = z
  .object({
    signal: signalAnswer.shape.signal,
    tree: machineTreeShow.nullable(),
  })
  .meta({ id: 'MachineVerdict' });
/** The outcome of a signal to a tree of a machine of your own, and the tree's state after it. */
export interface MachineVerdict extends z.infer<typeof machineVerdict> {}

export const machineTreeDeleted = z
  .object({ status: z.literal('deleted'), machine: z.string(), id: z.string() })
  .meta({ id: 'MachineTreeDeleted' });
/** A deleted tree of a machine of your own. */
export interface MachineTreeDeleted extends z.infer<typeof machineTreeDeleted> {}

export const machineExplanation = z
  .object({
    machine: z.string(),
    id: z.string(),
    status: treeStatus,
    value: z.unknown(),
    /** `accepted`: it would be taken with no payload. `in_state`: the present states have a transition for it; a guard decides about what it carries. */
    events: z.array(
      z.object({ type: z.string(), accepted: z.boolean(), in_state: z.boolean(), why_not: z.string().nullable() }),
    ),
    /** The effects that it waits for. */
    effects: z.array(
      z.object({
        effect: z.string(),
        key: z.string(),
        status: z.enum(['queued', 'running']),
        tries: count,
        next_at: time.nullable(),
        error: z.string().nullable(),
        /** The name or label of the hosts that may carry it out; null: any host may. */
        host: z.string().nullable(),
        /** It does not begin: its machine or its lane is paused. */
        paused: z.boolean(),
      }),
    ),
    timers: z.array(z.object({ timer: z.string(), due_at: time })),
    /** Trees whose outputs it waits for. */
    outputs: z.array(z.object({ machine: z.string(), id: z.string() })),
    /** Plans whose completion it waits for. `status` null: there is no such plan. */
    plans: z.array(z.object({ project: z.string(), plan: z.string(), status: status.nullable() })),
    /** Signals that wait until its states accept them. */
    held: z.array(z.object({ id: z.int(), type: z.string() })),
    /** Quarantined signals, which threw or ended the engine. */
    set_aside: z.array(setAsideSignal),
    refused_last: historyEntry.nullable(),
  })
  .meta({ id: 'MachineExplanation' });
/** Why a tree is in its state: the signals that it accepts, its timers, and the effects that it waits for. */
export interface MachineExplanation extends z.infer<typeof machineExplanation> {}
