/** `stator machine explain`. */
import { defineVerb } from '../command.ts';
import { fields } from '../table.ts';
import { clockTime, plain } from '../text.ts';
import { stateText, treeArgs, withMachines } from './own.ts';

export default defineVerb({
  summary: 'What a tree of a machine of your own waits for, what it would take, and what it refused last.',
  args: treeArgs,
  examples: ['stator machine explain release 1.2'],
  async run({ machine, id }, call) {
    const { out } = call;
    const explained = await withMachines(call, (client) => client.machineExplanation(machine, id));
    out.answer(explained, () => {
      const { effects, timers, plans, held, set_aside: aside, refused_last: refused } = explained;
      const waits = [
        ...effects.map(({ effect, status, tries, error }) => {
          const failed = error === null ? '' : `, failed ${tries} times: ${plain(error).split('\n')[0]}`;
          return `${effect}: ${status}${failed}`;
        }),
        ...timers.map(({ timer, due_at: dueAt }) => `${timer}: due ${clockTime(dueAt)}`),
        ...plans.map(({ project, plan, status }) => `plan ${plan} of ${project}: ${status ?? 'there is no such plan'}`),
        ...held.map(({ id: signal, type }) => `${type} (signal ${signal}) until its states take it`),
      ];
      const taken = explained.events.filter(({ accepted }) => accepted).map(({ type }) => type);
      const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
      return fields(
        [
          ['machine', `${machine} ${id}`],
          ['status', explained.status],
          ['state', stateText(explained.value)],
          ['waits for', waits.join('; ') || 'a message'],
          ['would take', taken.join(', ') || 'nothing'],
          ['set aside', aside.map(({ id: signal, error }) => `signal ${signal}: ${plain(error)}`).join('; ') || null],
          [
            'refused last',
            refused === null ? null : `${refused.event} of ${refused.origin}, ${clockTime(refused.at)}${guard}`,
          ],
        ],
        out.paint,
      );
    });
    return 0;
  },
});
