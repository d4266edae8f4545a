/** `stator hook test`. */
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plain, plainLines } from '../text.ts';

export default defineVerb({
  summary: 'Send a hook of this repo one event of no plan, now and once, and say what came back.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook test deploy', 'stator hook test deploy --project shop --json'],
  more: 'It works while the hook is switched off, too. Its body says "test": 1. Exit code 1 where it was not delivered.',
  async run({ name }, call) {
    const { out } = call;
    const project = requireProject(call);
    const answer = await withClient(call, 'write', (client) => client.testHook(project, name));
    const { delivered, status, error, output } = answer;
    if (out.json) out.print(JSON.stringify(answer));
    else {
      const how = status === null ? '' : ` (${status})`;
      out.say(delivered ? `delivered${how}` : `not delivered${how}: ${plain(error ?? '')}`);
      if (output !== null && output.trim() !== '') out.say(plainLines(output.trimEnd()));
    }
    return delivered ? 0 : 1;
  },
});
