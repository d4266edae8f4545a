/** `stator plan create`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../machines/vocabulary/ids.ts';
import { readStdin } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { planStateText } from './view.ts';

export default defineVerb({
  summary: 'Make a plan without a file; without content it is a draft for a planner.',
  args: {
    name: { type: 'positional', description: 'its name, or a title that makes one' },
    content: { type: 'string', valueHint: 'markdown', description: 'the document; - reads standard input' },
    branch: { type: 'string', description: 'the branch that it works on; default plan/<name>' },
    topic: { type: 'string', description: 'plans of one topic implement one at a time' },
  },
  examples: ["stator plan create login --content '# Log in with a passkey'", 'stator plan create login < draft.md'],
  async run({ name, content, branch, topic }, call) {
    const plan = planNameOf(name);
    if (plan === null) {
      throw new EngineError('usage', `"${name}" makes no name for a plan`, 'use letters, digits, ".", "_" and "-"');
    }
    const project = requireProject(call);
    // On a terminal nobody expects a prompt for a document.
    const isPiped = content === '-' || (content === undefined && call.stdin.isTTY !== true);
    const given = isPiped ? await readStdin(call, 'the document') : (content ?? '');
    const document = given.trim() === '' ? `# ${name}\n` : given;
    const more = { ...(branch === undefined ? {} : { branch }), ...(topic === undefined ? {} : { topic }) };
    const shown = await withClient(call, 'write', (client) =>
      client.registerPlan({ project, plan, content: document, ...more }),
    );
    if (call.out.json) call.out.print(JSON.stringify(shown));
    else call.out.say(`created ${shown.project}/${shown.plan}: ${planStateText(shown)}`);
    return 0;
  },
});
