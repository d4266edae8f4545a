/** What stands in `<name>.reason`: who refused, in which state, what would be taken, and what can be done. */

import type { Refusal } from '../../actors/refusal.ts';
import { isErrorDocument, withHint } from '../../machines/vocabulary/errors.ts';
import type { SignalRow } from '../store/rows.ts';
import { signalFileForms } from './file-name.ts';

/** Of a name that is no signal's. */
export function noSignal(): string {
  return withHint({
    message: 'no signal has this name',
    hint: `the names are ${signalFileForms.join(', ')}; rename the file and put it back into the folder above`,
  });
}

/** Of what is no file: links are not followed, pipes and devices not opened. */
export function noFile(what: string): string {
  return withHint({
    message: `it is ${what}, and a signal is an ordinary file`,
    hint: 'write the file beside it (staging/ is for that) and rename it into the folder above',
  });
}

/** Of a signal that was taken in and came to `failed`. */
export function failure({ id, plan, type, result }: SignalRow): string {
  const found = parse(result);
  const tell = `it is signal ${id}: stator signal show ${id}`;
  if (isRefusal(found)) {
    const who = found.by === 'plan' || found.by === '' ? plan : `${found.by} of ${plan}`;
    const guard = found.guard === null ? '' : `: ${found.guard}`;
    return [
      `refused: ${type}: ${who} is in ${found.state}${guard}`,
      `it would take: ${found.accepts.length === 0 ? 'nothing' : found.accepts.join(', ')}`,
      `${tell}; what the plan waits for: stator plan explain ${plan}; to send it again later: stator signal retry ${id}`,
    ].join('\n');
  }
  const why = isErrorDocument(found) ? withHint({ message: found.error, hint: found.hint }) : String(result);
  return `${why}\n${tell}; to send it again: stator signal retry ${id}`;
}

function parse(result: string | null): unknown {
  try {
    return JSON.parse(result ?? 'null');
  } catch {
    return null; // another program wrote into the row: its text is shown as it is
  }
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'accepts' in value && 'state' in value;
}
