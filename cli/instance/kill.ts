/** `stator instance kill`. */
import { EngineError } from '../../machines/errors.ts';
import { defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { printVerdict } from '../verdict.ts';

export default defineVerb({
  summary: "End an agent's attempt; its task has failed.",
  args: { title: { type: 'positional', description: 'as stator instance list shows it' } },
  examples: ['stator instance kill login-w1-t2', 'stator plan retry-wave login    # runs it again'],
  async run({ title }, call) {
    const project = requireProject(call);
    const { connect } = await import('../../runtime/control/client.ts');
    // Without an engine nobody is there to see the process end.
    const client = await connect({ env: call.env, mode: 'read' });
    try {
      if (client.note !== null) {
        const hint = 'stator run <plan.md> runs one; or pause the plan: stator plan pause <plan>';
        throw new EngineError('no_daemon', `no engine runs, so nobody can end ${title}`, hint);
      }
      return printVerdict(call, await client.killInstance(project, title));
    } finally {
      await client.close();
    }
  },
});
