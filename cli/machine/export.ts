/** `stator machine export`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'The statecharts that run, as Mermaid or JSON.',
  args: {
    name: { type: 'positional', description: 'supervisor, repo, plan, wave, task or agent' },
    format: { type: 'string', default: 'mermaid', valueHint: 'mermaid|json', description: 'default mermaid' },
  },
  examples: ['stator machine export plan --format mermaid > plan.mmd'],
  async run({ name, format = 'mermaid' }, call) {
    const { out } = call;
    const wanted = out.json ? 'json' : format;
    if (wanted !== 'mermaid' && wanted !== 'json') {
      throw new EngineError('usage', `--format is "${wanted}"`, 'give mermaid or json');
    }
    const quiet = { ...call, out: { ...out, note: () => undefined } }; // a definition is the same with and without an engine
    const text = await withClient(quiet, 'read', (client) => client.machine(name, wanted));
    out.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  },
});
