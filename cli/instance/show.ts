/** `stator instance show`. */
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { findInstance, instanceLines } from './view.ts';

export default defineVerb({
  summary: 'One agent.',
  args: { title: { type: 'positional', description: 'as stator instance list shows it' } },
  examples: ['stator instance show login-w1-t2'],
  async run({ title }, call) {
    const { out } = call;
    const project = requireProject(call);
    const entries = await withClient(call, 'read', (client) => client.instances({ project }));
    const entry = findInstance(entries, title);
    out.answer(entry, () => instanceLines(entry, out.paint));
    return 0;
  },
});
