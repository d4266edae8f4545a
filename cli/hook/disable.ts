/** `stator hook disable`. */
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Switch a hook off, until it is enabled; its configuration stays as it is.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook disable deploy'],
  more: 'What it is to be told meanwhile is dead at once, and kept: send it later with stator hook redeliver.',
  async run({ name }, call) {
    const { out } = call;
    const project = requireProject(call);
    const answer = await withClient(call, 'write', (client) => client.switchHook(project, name, 'disable'));
    const { status, changed, dead } = answer;
    if (out.json) out.print(JSON.stringify(answer));
    else {
      out.say(`${status}${changed ? '' : ' already'}`);
      if (dead > 0) out.say(`${dead} dead: stator hook deliveries --hook ${name} --state dead`);
    }
    return 0;
  },
});
