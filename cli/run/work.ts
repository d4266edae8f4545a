/** The part of a run that has an engine: it starts the plan and watches it to its end. Between planning and carrying out, a person may be asked. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import type { AfterPlanning } from '../planned.ts';
import { plain, plainLines } from '../text.ts';
import { beginPlan } from './begin.ts';
import type { Display } from './display.ts';
import type { Outcome } from './outcome.ts';
import { prepareRun, type RunRequest, startMs } from './prepare.ts';
import { createQuestions, type Questions } from './questions.ts';
import { createWarnings } from './warnings.ts';
import { type Ending, watchPlan } from './watch.ts';

export interface Worker {
  readonly call: Call;
  readonly request: RunRequest;
  readonly display: Display;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export interface Work {
  /** The number of the last fact that was shown with an earlier engine; 0: this is the first engine. */
  readonly since: number;
  readonly footer: string;
  /** Called with the number of the last fact that was shown. */
  onShown?(seq: number): void;
  /** Called when the plan has begun. */
  begun?(): void;
}

/** `of`: the plan that was watched; undefined: it had ended before. */
export type WorkEnding = (
  | Exclude<Ending, { kind: 'over' }>
  | { readonly kind: 'over'; readonly outcome: Exclude<Outcome, { kind: 'goes-on' }>; readonly plan: PlanShow }
) & { readonly of?: { readonly project: string; readonly plan: string } };

/** Throws the errors of preparing the run, and `interrupted` at Ctrl-C in the question about a planned document. */
export async function work(worker: Worker, client: Client, how: Work): Promise<WorkEnding> {
  const { call, request, display, interrupted } = worker;
  const warnings = createWarnings(client, (text) => call.out.note(text));
  const prepared = await prepareRun(call, client, { request, warnings });
  // A plan that was watched and has ended since then is shown to its end, although its engine has ended.
  if (prepared.kind === 'over' && how.since === 0) return prepared;
  const { project, plan } = prepared.kind === 'over' ? prepared.plan : prepared;
  const of = { project, plan };
  if (prepared.kind !== 'over') how.begun?.();
  let since = how.since === 0 && prepared.kind !== 'over' ? prepared.since : how.since;
  let planned = prepared.kind === 'planned' ? prepared.shown : null;
  let after: AfterPlanning = prepared.kind === 'over' ? 'as-configured' : prepared.after;
  for (;;) {
    if (planned !== null) {
      const isMeant = after === 'goes-on' || (after === 'asks' && (await isConsented({ ...worker, client }, planned)));
      if (!isMeant) return { kind: 'over', outcome: plannedOutcome(request, planned, after), plan: planned, of };
      await beginPlan(client, { shown: planned, file: request.file, waitMs: startMs });
      // Sent only once: if a person sets the status back to planned by hand, the plan stays planned.
      if (after === 'goes-on') after = 'as-configured';
    }
    const asking = createQuestions({ call, client, display, interrupted });
    const onShown = (seq: number) => how.onShown?.(seq);
    const { footer } = how;
    const ending = await watchPlan({
      client,
      project,
      plan,
      since,
      onShown,
      display,
      footer,
      interrupted,
      asking,
      warnings,
      waitLimitMs: request.waitLimitMs,
    });
    if (ending.kind !== 'over' || ending.outcome.kind === 'waited' || !isPlanned(ending.plan)) return { ...ending, of };
    planned = ending.plan;
    since = ending.since;
  }
}

function isPlanned({ status, phase, blocked, paused }: PlanShow): boolean {
  return status === 'ready' && phase === 'planned' && blocked === null && !paused;
}

/** With `--plan-only` the run ends here. */
function plannedOutcome(request: RunRequest, { plan }: PlanShow, after: AfterPlanning) {
  const kind = after === 'stops' ? ('planned' as const) : ('needs-person' as const);
  const name = shellWord(plan);
  const goOn = request.bound === null ? `stator plan advance ${name}` : `${runCommand(request)} --yes`;
  return { kind, text: `${plan} is planned`, steps: [`stator plan show ${name} --content`, goOn] };
}

/** The typed command, without flags that do not matter for going on. */
export function runCommand({ file, force }: Pick<RunRequest, 'file' | 'force'>): string {
  return `stator run ${shellWord(file)}${force ? ' --force' : ''}`;
}

/** The most lines of a document that are shown; another command shows the rest. */
const linesShown = 400;

/** Only `y` and `yes` agree; Ctrl-D does not. Throws `interrupted` at Ctrl-C. */
async function isConsented({ call, client, display, interrupted }: Questions, shown: PlanShow): Promise<boolean> {
  const { project, plan, waves, tasks } = shown;
  const { says } = await client.previewAct({ project, plan, type: 'implement_start' });
  display.say(documentText(shown));
  const sizes = `${counted(waves, 'wave')}, ${counted(tasks, 'task')}`;
  const question = [`${plan} is planned: ${sizes}; the document is above`, ...says.map(plain)].join('\n');
  const prompt = 'carry it out? y, or Enter for no> ';
  const said = await display.ask(call, { question, prompt, signal: interrupted, takes: () => true });
  if (interrupted.aborted)
    throw new EngineError('interrupted', `${plan} is planned, and was not carried out`, 'the same command asks again');
  return said !== null && /^y(es)?$/i.test(said);
}

function documentText({ plan, content }: PlanShow): string {
  const lines = plainLines(content).trimEnd().split(/\r?\n/);
  const more = lines.length - linesShown;
  const rest = more > 0 ? [`… and ${counted(more, 'line')} more: stator plan show ${shellWord(plan)} --content`] : [];
  return ['', ...lines.slice(0, linesShown), ...rest, ''].join('\n');
}
