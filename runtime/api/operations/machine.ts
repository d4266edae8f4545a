/** The statecharts that run, and the trees of user-defined machines. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { machineTree } from '../../../machines/vocabulary/ids.ts';
import type { OperationParts } from '../commands/commands.ts';
import type {
  MachineEntry,
  MachineExplanation,
  MachineScheduleEntry,
  MachineSwitched,
  MachineTreeDeleted,
  MachineTreeEntry,
  MachineTreeReplay,
  MachineTreeShow,
  MachineVerdict,
} from '../contract/machines.ts';
import type { HistoryEntry, Verification } from '../contract/plans.ts';
import { answerOf, listOf, operationWith, plainText, type Schemas } from './operation.ts';
import { checkPointInTime, pointInTimeArgs, pointInTimeOf } from './point-in-time.ts';

const operation = operationWith<OperationParts>();

const named = ({ line }: Schemas) => ({ name: line(64) });
const ofTree = (schemas: Schemas) => ({ ...named(schemas), id: schemas.line(128) });
const lookErrors = ['machine_unknown', 'not_found', 'snapshot_unknown'] as const;
const verdict = answerOf<MachineVerdict>(({ shapes }) => shapes.machineVerdict);

const part = (schemas: Schemas) => ({ ...named(schemas), lane: schemas.line(128).optional() });
const switched = answerOf<MachineSwitched>(({ shapes }) => shapes.machineSwitched);
const switchErrors = ['machine_unknown'] as const;

const machineArg = {
  type: 'positional',
  valueHint: 'machine',
  description: 'its name under [machines] in daemon.toml',
} as const;
const partArgs = {
  name: machineArg,
  lane: {
    type: 'string',
    valueHint: 'lane',
    description: 'only this lane: the name of an action or a promise, or the lane that it has',
  },
} as const;

const treeArgs = {
  name: machineArg,
  id: { type: 'positional', description: 'the id of the tree' },
} as const;

interface Drawing {
  readonly name: string;
  readonly format: 'mermaid' | 'json' | 'layout' | 'svg';
  readonly theme?: 'light' | 'dark' | 'both';
  readonly project?: string;
  readonly plan?: string;
  readonly tree?: string;
}

export const machineOperations = {
  machines: operation({
    http: 'GET /v1/machines',
    does: 'the machines, each with its description and size',
    who: 'anyone',
    answer: listOf<MachineEntry>(({ shapes }) => shapes.machineEntry),
    run: ({ views }) => views.machines(),
  }),
  machineSchedules: operation({
    http: 'GET /v1/schedules',
    does: 'the schedules of user-defined machines: the next time, the last tree, and why none began',
    who: 'anyone',
    answer: listOf<MachineScheduleEntry>(({ shapes }) => shapes.machineScheduleEntry),
    run: ({ views }) => views.machineSchedules(),
    verb: {
      name: 'schedules',
      listed: 'list when trees begin by themselves',
      summary: 'List the schedules of your own machines: the next time, the last tree, and why none began.',
      needsEngine: true,
      examples: ['stator machine schedules', 'stator machine schedules --json'],
    },
  }),
  machine: operation({
    http: 'GET /v1/machines/:name',
    does: 'the chart of a machine; as `layout` with the positions of its states and arrows in JSON (of your own machine in one column); as `svg` with highlighted current states: of a plan, of all its actors of that machine, or of a `tree` of a user-defined machine',
    who: 'anyone',
    input: (schemas) => ({
      ...named(schemas),
      format: schemas.z.enum(['mermaid', 'json', 'layout', 'svg']).default('mermaid'),
      theme: schemas.z.enum(['light', 'dark', 'both']).optional(),
      project: schemas.line(255).optional(),
      plan: schemas.line(255).optional(),
      tree: schemas.line(128).optional(),
    }),
    answer: plainText,
    errors: ['machine_unknown', 'not_found', 'plan_not_found', 'snapshot_unknown', 'unavailable'],
    run: (parts, drawing) => draw(parts, drawing),
  }),
  pauseMachine: operation({
    http: 'POST /v1/machines/:name/pause',
    does: 'pauses a user-defined machine, or a `lane` of it: no effect or promise of it begins until it is resumed; what runs goes on, and signals and timers are taken',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: part,
    answer: switched,
    errors: switchErrors,
    run: ({ commands }, { name: machine, lane }) => commands.pauseMachine({ machine, lane }),
    verb: {
      name: 'pause',
      listed: 'begin no more of its effects, or resume',
      summary: 'Begin no more effects and promises of a machine of your own, until it is resumed.',
      needsEngine: true,
      args: partArgs,
      examples: ['stator machine pause release', 'stator machine pause release --lane publish'],
      more: 'What runs goes on. Signals and timers are taken. A pause outlives the daemon; stator machine list shows it.',
    },
  }),
  resumeMachine: operation({
    http: 'POST /v1/machines/:name/resume',
    does: 'ends that pause of a user-defined machine, or of its `lane`; other pauses stay',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: part,
    answer: switched,
    errors: switchErrors,
    run: ({ commands }, { name: machine, lane }) => commands.resumeMachine({ machine, lane }),
    verb: {
      name: 'resume',
      listed: { with: 'pause' },
      summary: 'End that pause of a machine of your own; other pauses stay.',
      needsEngine: true,
      args: partArgs,
      examples: ['stator machine resume release', 'stator machine resume release --lane publish'],
    },
  }),
  machineTrees: operation({
    http: 'GET /v1/machines/:name/trees',
    does: 'up to 1,000 trees of a user-defined machine, by their ids',
    who: 'anyone',
    input: (schemas) => ({ ...named(schemas), after: schemas.line(128).optional() }),
    answer: listOf<MachineTreeEntry>(({ shapes }) => shapes.machineTreeEntry),
    errors: lookErrors,
    run: ({ views }, { name, after = null }) => views.machineTrees(name, after),
  }),
  startMachine: operation({
    http: 'POST /v1/machines/:name/trees',
    does: 'begins a tree of a user-defined machine; an existing one stays unchanged',
    again: 'signal',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({
      ...ofTree(schemas),
      input: schemas.z.unknown().optional(),
      wait_ms: schemas.waitMs,
    }),
    answer: verdict,
    mayPend: true,
    errors: ['machine_unknown', 'bad_payload', 'too_large', 'refused'],
    run: ({ commands }, { name: machine, id, input, wait_ms: waitMs }) =>
      commands.startMachine({ machine, id, input, waitMs }),
    verb: {
      name: 'start',
      listed: 'start a tree of your own machine',
      summary: 'Start a tree of your own machine; an existing tree does not change.',
      needsEngine: true,
      args: {
        ...treeArgs,
        input: { type: 'string', json: true, valueHint: 'JSON', description: 'the input of the machine' },
      },
      examples: [`stator machine start release 1.2 --input '{"version": "1.2.0"}'`],
    },
  }),
  machineTree: operation({
    http: 'GET /v1/machines/:name/trees/:id',
    does: 'a tree of a user-defined machine, with its context',
    who: 'anyone',
    input: ofTree,
    answer: answerOf<MachineTreeShow>(({ shapes }) => shapes.machineTreeShow),
    errors: lookErrors,
    run: ({ views }, { name, id }) => views.machineTree(name, id),
    verb: {
      name: 'show',
      listed: 'show its state, what it waits for, its history',
      summary: 'Show a tree of your own machine, now or as it was.',
      needsEngine: true,
      args: treeArgs,
      instead: { name: 'machineReplay', args: pointInTimeArgs },
      check: checkPointInTime,
      examples: ['stator machine show release 1.2', 'stator machine show release 1.2 --to 3'],
    },
  }),
  machineReplay: operation({
    http: 'GET /v1/machines/:name/trees/:id/replay',
    does: 'a tree of a user-defined machine as it was after line `to` of its journal, or at the time `at`: rebuilt from the journal alone',
    who: 'anyone',
    input: (schemas) => ({ ...ofTree(schemas), ...schemas.pointInTime }),
    answer: answerOf<MachineTreeReplay>(({ shapes }) => shapes.machineTreeReplay),
    errors: [...lookErrors, 'bad_request'],
    run: ({ views }, { name, id, ...moment }) => views.machineReplay(name, id, pointInTimeOf(moment)),
  }),
  deleteMachineTree: operation({
    http: 'DELETE /v1/machines/:name/trees/:id',
    does: 'deletes a tree of a user-defined machine; 409 if it has not ended, unless `force` gives up everything that it waits for',
    who: 'person',
    input: (schemas) => ({ ...ofTree(schemas), force: schemas.flag.optional() }),
    answer: answerOf<MachineTreeDeleted>(({ shapes }) => shapes.machineTreeDeleted),
    errors: [...lookErrors, 'conflict'],
    run: ({ commands }, { name: machine, id, force = false }) => commands.deleteMachine({ machine, id, force }),
    verb: {
      name: 'delete',
      listed: 'delete it',
      summary: 'Delete a tree of your own machine. Old trees that have ended are deleted automatically.',
      needsEngine: true,
      args: {
        ...treeArgs,
        force: {
          type: 'boolean',
          description: 'delete it although it has not ended; its effects and timers are stopped',
        },
      },
      confirms: ({ name, id }) => ({ question: `delete ${name} ${id}?`, not: `not deleted: ${name} ${id}` }),
      more: 'Its journal is kept until it is older than `retention` (stator gc). A tree that you start later with the same id is a new tree.',
      examples: ['stator machine delete release 1.2 --yes', 'stator machine delete release 1.2 --force --yes'],
    },
  }),
  sendMachine: operation({
    http: 'POST /v1/machines/:name/trees/:id/signals',
    does: 'sends a signal to a tree of a user-defined machine and waits for the verdict: 200, 202 while it is pending, 409 refused',
    again: 'signal',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({
      ...ofTree(schemas),
      type: schemas.z.string().min(1).max(128),
      payload: schemas.z.unknown().optional(),
      dedupe_key: schemas.z.string().min(1).max(256).optional(),
      wait_ms: schemas.waitMs,
    }),
    answer: verdict,
    mayPend: true,
    errors: [...lookErrors, 'unknown_signal', 'bad_payload', 'too_large', 'refused', 'conflict'],
    run: ({ commands }, { name: machine, id, type, payload, dedupe_key: dedupeKey = null, wait_ms: waitMs }) =>
      commands.sendMachine({ machine, id, type, payload, dedupeKey, waitMs }),
    verb: {
      name: 'send',
      listed: 'send it a signal',
      summary: 'Send a signal to a tree of your own machine.',
      needsEngine: true,
      args: {
        ...treeArgs,
        type: { type: 'positional', description: 'a signal of its definition' },
        payload: { type: 'string', json: true, valueHint: 'JSON', description: 'its fields' },
      },
      examples: [
        'stator machine send release 1.2 approve',
        `stator machine send release 1.2 refuse --payload '{"reason": "late"}'`,
      ],
    },
  }),
  machineHistory: operation({
    http: 'GET /v1/machines/:name/trees/:id/history',
    does: "up to 1,000 lines of the journal of a user-defined machine's tree, those after `after`",
    who: 'anyone',
    input: (schemas) => ({ ...ofTree(schemas), after: schemas.digits.optional() }),
    answer: listOf<HistoryEntry>(({ shapes }) => shapes.historyEntry),
    errors: lookErrors,
    run: ({ views }, { name, id, after = 0 }) => views.machineHistory(name, id, after),
    verb: {
      name: 'history',
      listed: { with: 'show' },
      summary: 'Print what happened to a tree of your own machine, including refusals.',
      needsEngine: true,
      args: {
        ...treeArgs,
        after: {
          type: 'string',
          number: '--after',
          orZero: true,
          valueHint: 'seq',
          description: 'only events after that journal line',
        },
      },
      isPaged: true,
      examples: ['stator machine history release 1.2'],
    },
  }),
  verifyMachine: operation({
    http: 'GET /v1/machines/:name/trees/:id/verify',
    does: "whether the stored state of a user-defined machine's tree matches its journal; nothing is changed",
    who: 'anyone',
    input: ofTree,
    answer: answerOf<Verification>(({ shapes }) => shapes.verification),
    errors: ['machine_unknown', 'not_found'],
    run({ views }, { name, id }) {
      views.machineNamed(name);
      return views.verify(machineTree(name, id));
    },
    verb: {
      name: 'verify',
      listed: 'check its journal',
      summary: 'Check that the stored state of a tree of your own machine is what its journal leads to.',
      needsEngine: true,
      args: treeArgs,
      examples: ['stator machine verify release 1.2'],
      more: 'Exit code 1: something differs, a line of the journal does not fit the line before it, or it cannot be compared.',
      isDone: ({ ok }) => ok,
    },
  }),
  machineExplanation: operation({
    http: 'GET /v1/machines/:name/trees/:id/explain',
    does: 'what a tree of a user-defined machine waits for, and the signals that it accepts',
    who: 'anyone',
    input: ofTree,
    answer: answerOf<MachineExplanation>(({ shapes }) => shapes.machineExplanation),
    errors: lookErrors,
    run: ({ views }, { name, id }) => views.machineExplanation(name, id),
    verb: {
      name: 'explain',
      listed: { with: 'show' },
      summary: 'Explain what a tree of your own machine waits for, which signals it accepts, and what it refused last.',
      needsEngine: true,
      args: treeArgs,
      examples: ['stator machine explain release 1.2'],
    },
  }),
};

async function draw({ views }: OperationParts, drawing: Drawing): Promise<string> {
  const { name, format, theme = 'both', project, plan, tree } = drawing;
  if (format !== 'svg') {
    if ([drawing.theme, project, plan, tree].some((each) => each !== undefined))
      throw new EngineError(
        'bad_request',
        `${format} has no theme, no plan and no tree`,
        'ask for them with format=svg',
      );
    return views.chart(name, format);
  }
  if (tree !== undefined) {
    if (project !== undefined || plan !== undefined)
      throw new EngineError('bad_request', 'a picture shows a plan or a tree', 'give one of them');
    return views.picture(name, { theme, tree: await views.mustReadTree(name, tree) });
  }
  if ((project === undefined) !== (plan === undefined))
    throw new EngineError('bad_request', 'a plan is named by project and plan', 'give both, or none of them');
  if (project === undefined || plan === undefined) return views.picture(name, { theme, tree: null });
  return views.picture(name, { theme, tree: await views.litTree(name, project, plan) });
}
