/** The verbs that carry out the journal once more: what a plan was, and whether what is stored follows from it. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { localDay } from '../../runtime/base/platform/local-time.ts';
import { defineVerb, type Verbs } from '../command.ts';
import { planArgs, withPlan } from '../named-plan.ts';
import { wholeNumber } from '../number.ts';
import { tableWidth } from '../output.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';
import { verificationLines } from '../verification.ts';
import { planLines } from './view.ts';

const replay = defineVerb({
  summary: 'Show a plan as it was at an earlier moment, rebuilt from its journal alone.',
  args: {
    ...planArgs,
    to: {
      type: 'string',
      valueHint: 'seq',
      description: 'after this line of its journal; plan history --verbose shows the numbers',
    },
    at: { type: 'string', valueHint: 'time', description: 'at this time: 14:30 today, or 2026-11-21T14:30' },
  },
  examples: ['stator plan replay login --to 120', 'stator plan replay login --at 14:30 --json'],
  more: 'Nothing is carried out. What only the present knows is left out: what it waits for, its budget, an estimate. The document is the present one.',
  async run({ plan, to, at }, call) {
    const { out } = call;
    if (to !== undefined && at !== undefined)
      throw new EngineError('usage', 'a moment is given twice: by --to and by --at', 'give one of them');
    const moment = {
      ...(to === undefined ? {} : { to: wholeNumber('--to', to) }),
      ...(at === undefined ? {} : { at: timeOf(at, new Date()) }),
    };
    const shown = await withPlan(call, 'read', plan, (client, { project, plan: name }) =>
      client.planReplay(project, name, moment),
    );
    out.answer(shown, () => [
      out.paint('dim', `as of line ${shown.seq}, ${localDay(new Date(shown.at))} ${clockTime(shown.at)}`),
      ...planLines(shown, { width: tableWidth(out), nowMs: Date.parse(shown.at), paint: out.paint }),
    ]);
  },
});

/** A time of this day, or a date with a time, where this terminal is; as ISO 8601 UTC. Throws `usage`. */
function timeOf(text: string, now: Date): string {
  const date = new Date(/^\d\d:\d\d(:\d\d)?$/.test(text) ? `${localDay(now)}T${text}` : text);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new EngineError(
    'usage',
    `--at is "${text}"`,
    'give a time such as 14:30, or a date with one such as 2026-11-21T14:30',
  );
}

const verify = defineVerb({
  summary: 'Check that the stored state of a plan is what its journal leads to.',
  args: {
    ...planArgs,
    all: { type: 'boolean', description: 'every plan, every repo, the supervisor, and trees of machines of your own' },
  },
  examples: ['stator plan verify --all'],
  more: 'Each tree is replayed and compared with its stored state, with what it asked for, with the signals that it took, and with what lists show of it. Exit 1 where something differs.',
  async run({ plan, all }, call) {
    const { out } = call;
    if (all === true && plan !== undefined)
      throw new EngineError('usage', `--all is for every plan, and "${plan}" is one`, 'give one of them');
    const found =
      all === true
        ? await withClient(call, 'read', (client) => client.verify())
        : await withPlan(call, 'read', plan, (client, { project, plan: name }) => client.verifyPlan(project, name));
    out.answer(found, () => verificationLines(found));
    return found.ok ? 0 : 1;
  },
});

export default { replay, verify } satisfies Verbs;
