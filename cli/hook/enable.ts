/** `stator hook enable`. */
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Switch a hook on that was switched off: by you, by its receiver (410), or since it had only failed.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook enable deploy'],
  more: 'What it was not told meanwhile is dead, and kept: send it with stator hook redeliver.',
  async run({ name }, call) {
    const { out } = call;
    const project = requireProject(call);
    const answer = await withClient(call, 'write', (client) => client.switchHook(project, name, 'enable'));
    const { status, changed, dead } = answer;
    if (out.json) out.print(JSON.stringify(answer));
    else {
      out.say(`${status}${changed ? '' : ' already'}`);
      if (dead > 0) out.say(`${dead} dead: stator hook deliveries --hook ${name} --state dead`);
    }
    return 0;
  },
});
