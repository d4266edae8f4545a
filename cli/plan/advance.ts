/** `stator plan advance`: the next step of a plan, or any step that a person may take. */
import type { ArgsDef } from 'citty';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { signalTypeOf } from '../../machines/vocabulary/signal.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { nearest } from '../../runtime/base/config/nearest.ts';
import { type Call, defineVerb, type Verb, type Verbs } from '../command.ts';
import { meantCommands } from '../meant.ts';
import { wholeNumber } from '../number.ts';
import { planAndWord, saidPlan } from '../place.ts';
import { planOnlyArg } from '../planned.ts';
import { planArgs, withPlan } from '../session.ts';
import { sureArgs } from '../sure.ts';
import { forceStatus, planningTypes, sendToPlan, waitArg } from './signals.ts';
import { planSteps, planStepsText } from './steps.ts';

const advance = defineVerb({
  summary: 'Take the next step of a plan, or the step that you name.',
  args: {
    ...planArgs,
    signal: { type: 'positional', required: false, description: 'a step of those below; default: the next one' },
    wave: { type: 'string', valueHint: 'N', description: 'implement from that wave on; earlier ones count as done' },
    to: { type: 'string', valueHint: 'status', description: 'set that status and ignore all rules; needs --force' },
    force: { type: 'boolean', description: 'for --to; and to cancel or pause a plan that is done' },
    ...planOnlyArg,
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan advance login', 'stator plan advance login retry-wave'],
  more: `A draft is planned, a planned plan is implemented, a paused plan continues. Steps: ${planStepsText()}.`,
  async run({ to, force = false, ...step }, call) {
    if (to === undefined) return takeStep(call, { ...step, force });
    if (step.signal !== undefined || step.wave !== undefined)
      throw new EngineError(
        'usage',
        '--to sets a status, and goes with no step and no --wave',
        'leave out one of them',
      );
    const { plan, wait, yes = false } = step;
    return forceStatus(call, { plan: saidPlan(call, plan), status: to, force, wait, yes });
  },
});

interface SaidStep {
  readonly plan: string | undefined;
  readonly signal: string | undefined;
  readonly wave?: string | undefined;
  readonly wait: boolean;
  readonly yes?: boolean | undefined;
  readonly force?: boolean;
  readonly 'plan-only'?: boolean | undefined;
}

/** Asks if necessary, sends the signal, prints the verdict, and returns the exit code. */
async function takeStep(call: Call, step: SaidStep): Promise<number> {
  const { plan, signal, wave, wait, yes = false, force = false, 'plan-only': planOnly = false } = step;
  const [name, said] = named(call, plan, signal);
  if (said === undefined && call.calledAs !== undefined)
    throw new EngineError('usage', 'which event?', `what ${name} accepts: stator plan explain ${shellWord(name)}`);
  const type = said ?? (wave === undefined ? await nextStep(call, name) : 'implement_start');
  const known = signalTypeOf(type);
  if (known === null) throw unknownStep(name, type);
  if (wave !== undefined && known !== 'implement_start')
    throw new EngineError('usage', `--wave is for implement-start, and not for ${type}`, 'leave out one of the two');
  const isPlanning = known !== null && planningTypes.has(known);
  if (planOnly && !isPlanning)
    throw new EngineError('usage', `--plan-only is for a step that plans, and not for ${type}`, 'leave it out');
  const what =
    wave === undefined ? { type } : { type: 'implement_wave', payload: { wave_number: wholeNumber('--wave', wave) } };
  const words = `${type.replaceAll('_', '-')}${wave === undefined ? '' : ` --wave ${wave}`}`;
  const sure = { yes, force, command: (planName: string) => `plan advance ${planName} ${words}` };
  return sendToPlan(call, { plan: name, wait, sure, ...what, ...(isPlanning ? { planning: { yes, planOnly } } : {}) });
}

function unknownStep(plan: string, given: string): EngineError {
  const near = nearest(given, [...planSteps.keys()]) ?? given;
  const commands = meantCommands({ noun: 'plan', given: near, rest: [plan] }, {});
  const hint =
    commands.length === 0
      ? `the steps: ${planStepsText()}`
      : `did you mean ${commands.map((command) => `stator ${command}`).join(' or ')}?`;
  return new EngineError('unknown_signal', `a plan has no step "${given}"`, hint);
}

/** A verb for one step. */
function oneStep(signal: string, more: ArgsDef = {}): Verb {
  return defineVerb({
    summary: 'Take that step of a plan.',
    args: { ...planArgs, ...waitArg, ...sureArgs, ...more },
    examples: [],
    run: (args, call) => takeStep(call, { ...args, signal }),
  });
}

/** Inside a run a single argument is the step, and the plan is that of the run. */
function named(call: Call, plan: string | undefined, signal: string | undefined): [string, string | undefined] {
  const isStepAlone =
    plan !== undefined && signal === undefined && !call.env.STATOR_PLAN && signalTypeOf(plan) !== null;
  if (isStepAlone) saidPlan(call, undefined);
  return signal === undefined ? planAndWord(call, plan, undefined) : [saidPlan(call, plan), signal];
}

/** Throws `refused` if only a person can decide the next step, or if an agent is at work. */
async function nextStep(call: Call, said: string): Promise<string> {
  const shown = await withPlan(call, 'read', said, (client, { project, plan }) => client.plan(project, plan));
  const { plan, status, phase, paused, blocked } = shown;
  if (paused) return 'resume';
  // A plan that a person has made ready holds nothing: its next step clears the block.
  if (blocked !== null && !(blocked.source === 'override' && status === 'ready'))
    throw undecided(`${plan} is blocked`, 'the ways on: stator status');
  if (status === 'ready') return phase === 'planned' ? 'implement_start' : 'plan_start';
  if (phase === 'wave_waiting' && !hasFailed(shown)) return 'advance_wave';
  const name = shellWord(plan);
  if (phase === 'wave_waiting') {
    const retry = `run the failed tasks again: stator plan advance ${name} retry-wave`;
    throw undecided(
      `a wave of ${plan} has failed`,
      `${retry}; or go on without them: stator plan advance ${name} advance-wave`,
    );
  }
  if (status === 'cancelled') throw undecided(`${plan} is cancelled`, `stator plan advance ${name} reopen`);
  if (status === 'done') throw undecided(`${plan} is done`, `merge it: stator plan merge ${name}`);
  throw undecided(`${plan} is ${status}`, `what it waits for, and takes: stator plan explain ${name}`);
}

function undecided(message: string, hint: string): EngineError {
  return new EngineError('refused', `${message}: there is no next step to take`, hint);
}

function hasFailed({ tasks_by_wave: waves, wave }: PlanShow): boolean {
  return waves.some(({ number, tasks }) => number === wave && tasks.some(({ status }) => status === 'failed'));
}

export default {
  advance,
  implement: oneStep('implement_start', { wave: { type: 'string', valueHint: 'N' } }),
  'start-over': oneStep('start_over', planOnlyArg),
  reopen: oneStep('reopen', planOnlyArg),
  'retry-wave': oneStep('retry_wave'),
  'advance-wave': oneStep('advance_wave'),
} satisfies Verbs;
