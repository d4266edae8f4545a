/** The comparison of a store with its journal, as lines. */
import { parseTree } from '../machines/vocabulary/ids.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { Verification } from '../runtime/api/client/client.ts';
import { cut, plain } from './text.ts';

const valueLimit = 100;
const ownCode =
  'code of the machine that changed since, or that reads a clock or draws a number in a step, leads to another state too; if neither is so, ';

export function verificationLines({ ok, checked, differs, skipped }: Verification): string[] {
  const value = (given: unknown) => cut(plain(typeof given === 'string' ? given : JSON.stringify(given)), valueLimit);
  return [
    ...differs.flatMap(({ tree, seq, path, stored, replayed }) =>
      path.startsWith('journal[')
        ? [`${tree}: line ${seq} of its journal does not fit the line before it: it was changed, or lines are gone`]
        : [`${tree}, from line ${seq} on: ${path}`, `  stored    ${value(stored)}`, `  replayed  ${value(replayed)}`],
    ),
    ...skipped.map(({ tree, why }) => `${tree} was not compared: ${withLocalTimes(why, Date.now())}`),
    differs.length > 0
      ? `${counted(differs.length, 'difference')}; ${differs.some(isOfOwnCode) ? ownCode : ''}keep the store as it is and report it: stator store backup`
      : `${counted(checked, 'tree')} replayed: what is stored is what the journal leads to${ok ? '' : '; not all of it could be compared'}`,
  ];
}

/** A user's machine may be another one now than it was when the journal was written. */
function isOfOwnCode({ tree, path }: Verification['differs'][number]): boolean {
  return parseTree(tree).kind === 'machine' && !path.startsWith('journal[');
}
