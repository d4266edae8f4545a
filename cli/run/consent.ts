/** The planned document, shown to the person at the terminal, and whether agents are to carry it out. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { counted, plain, plainLines } from '../text.ts';
import type { Display } from './display.ts';

export interface Consent {
  readonly call: Call;
  readonly client: Client;
  readonly display: Display;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** How many lines of a document are shown; another command shows the rest. */
const linesShown = 400;

/** Everything except y and yes means no, Ctrl-D too. Throws `interrupted` at Ctrl-C. */
export async function isConsented({ call, client, display, interrupted }: Consent, shown: PlanShow): Promise<boolean> {
  const { project, plan, waves, tasks } = shown;
  const { says } = await client.previewAct({ project, plan, type: 'implement_start' });
  display.say(documentText(shown));
  const sizes = `${counted(waves, 'wave')}, ${counted(tasks, 'task')}`;
  const question = [`${plan} is planned: ${sizes}; the document stands above`, ...says.map(plain)].join('\n');
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
