/** The verbs that are one signal to a plan. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb, type Verb, type Verbs } from '../command.ts';
import { planArgs } from '../named-plan.ts';
import { wholeNumber } from '../number.ts';
import { planAndWord, saidPlan } from '../place.ts';
import { planOnlyArg } from '../planned.ts';
import { forceArgs, sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

/** They may start a planner. */
const planningTypes: ReadonlySet<string> = new Set(['plan_start', 'reopen', 'start_over']);

const planningHelp = `
What a planner has planned then waits for your word, unless you say --yes or the configuration says auto_advance = true. In a pipe auto_advance
decides, which is true where nobody wrote it.`;

function verbOf(name: string, { type, summary }: { type: string; summary: string }): Verb {
  const isPlanning = planningTypes.has(type);
  return defineVerb({
    summary,
    args: {
      ...planArgs,
      ...waitArg,
      ...sureArgs,
      ...(type === 'cancel' ? forceArgs : {}),
      ...(isPlanning ? planOnlyArg : {}),
    },
    examples: [`stator plan ${name} login`],
    more: `On a terminal it asks first where agents end, a branch moves or a turn is paid, and says which.${isPlanning ? planningHelp : ''}`,
    run({ plan, wait, yes = false, ...flags }, call) {
      const { force = false, 'plan-only': planOnly = false } = flags as { force?: boolean; 'plan-only'?: boolean }; // not each verb has them
      const sure = { yes, force, command: `plan ${name}` };
      const planning = isPlanning ? { planning: { yes, planOnly } } : {};
      return sendToPlan(call, { plan: saidPlan(call, plan), type, wait, sure, ...planning });
    },
  });
}

const implement = defineVerb({
  summary: 'Start implementing, or one wave of it; earlier waves count as done.',
  args: {
    ...planArgs,
    wave: { type: 'string', valueHint: 'N', description: 'begin with that wave' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan implement login', 'stator plan implement login --wave 2'],
  async run({ plan, wave, wait, yes = false }, call) {
    const word =
      wave === undefined
        ? { type: 'implement_start' }
        : { type: 'implement_wave', payload: { wave_number: wholeNumber('--wave', wave) } };
    return sendToPlan(call, { plan: saidPlan(call, plan), wait, sure: { yes, command: 'plan implement' }, ...word });
  },
});

const pause = defineVerb({
  summary: 'Pause a plan: its agents are stopped, no attempt is spent, nothing new starts.',
  args: {
    ...planArgs,
    wait: { type: 'boolean', description: 'let what runs end instead' },
    ...sureArgs,
    ...forceArgs,
  },
  examples: ['stator plan pause login', 'stator plan resume login'],
  async run({ plan, wait, yes = false, force = false }, call) {
    const payload = wait === true ? { payload: { wait: true } } : {};
    const sure = { yes, force, command: 'plan pause' };
    return sendToPlan(call, { plan: saidPlan(call, plan), type: 'pause', wait: true, sure, ...payload });
  },
});

const resolve = defineVerb({
  summary: 'Let a plan that is blocked go on; its one open question is answered by it.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file' },
    answer: { type: 'positional', required: false, description: 'what the agent is told; in quotes' },
    ...waitArg,
  },
  examples: ['stator plan resolve login "use the second design"'],
  more: 'Of several questions it answers none: stator plan answer <plan>#<number> "<your answer>" names the one.',
  async run({ plan, answer, wait }, call) {
    const [name, text] = planAndWord(call, plan, answer);
    const payload = text === undefined ? {} : { payload: { body: text } };
    return sendToPlan(call, { plan: name, type: 'resolve', wait, ...payload });
  },
});

const transition = defineVerb({
  summary: 'Send any lifecycle event, by its name or an alias.',
  args: {
    ...planArgs,
    event: { type: 'positional', required: false, description: 'such as implement_start' },
    ...waitArg,
    ...sureArgs,
    ...forceArgs,
  },
  examples: ['stator plan transition login review_approved', 'stator plan explain login    # what it would take'],
  more: `events: plan_start planner_finished implement_start implement_finished review_approved review_changes_requested
  verify_approved verify_failed mark_done start_over reimplement request_review cancel reopen pause resume resolve`,
  async run({ plan, event, wait, yes = false, force = false }, call) {
    const [name, type] = planAndWord(call, plan, event);
    if (type === undefined) {
      throw new EngineError('usage', 'which event?', `what ${name} would take: stator plan explain ${name}`);
    }
    return sendToPlan(call, { plan: name, type, wait, sure: { yes, force, command: 'plan transition' } });
  },
});

const setStatus = defineVerb({
  summary: 'Override the status, past every rule: agents are stopped and nothing starts.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    status: {
      type: 'positional',
      description: 'ready planned planning implementing reviewing verifying done cancelled',
    },
    force: { type: 'boolean', description: 'required: it goes past the lifecycle' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan set-status login planned --force', 'stator plan resolve login    # goes on from there'],
  async run({ plan, status, force, wait, yes = false }, call) {
    const name = saidPlan(call, plan);
    if (force !== true) {
      const hint = `if you mean it: stator plan set-status ${name} ${status} --force; what ${name} would take by itself: stator plan explain ${name}`;
      throw new EngineError('refused', 'set-status goes past the lifecycle and needs --force', hint);
    }
    return sendToPlan(call, {
      plan: name,
      type: 'set_status',
      payload: { status },
      wait,
      sure: { yes, command: 'plan set-status' },
    });
  },
});

export default {
  start: verbOf('start', {
    type: 'plan_start',
    summary: 'Start planning (plan_start); without a planner a document that parses is planned at once.',
  }),
  implement,
  pause,
  resume: verbOf('resume', { type: 'resume', summary: 'Go on after a pause.' }),
  resolve,
  'retry-wave': verbOf('retry-wave', {
    type: 'retry_wave',
    summary: 'Run again what failed in the wave; the rest stays done.',
  }),
  'advance-wave': verbOf('advance-wave', {
    type: 'advance_wave',
    summary: 'Go on to the next wave without what failed in this one.',
  }),
  cancel: verbOf('cancel', {
    type: 'cancel',
    summary: 'Stop a plan for good: its agents are ended, its branch is kept.',
  }),
  reopen: verbOf('reopen', { type: 'reopen', summary: 'Take a cancelled plan up again.' }),
  'start-over': verbOf('start-over', {
    type: 'start_over',
    summary: 'Plan a done plan anew on a new branch; the old one is kept under refs/stator/archive.',
  }),
  transition,
  'set-status': setStatus,
} satisfies Verbs;
