/** `stator issue prune`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { IssuesPruned } from '../../runtime/api/client/client.ts';
import { canAsk, confirm } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary:
    'Take away the sessions that are over, or whose worktree and branch or issue are gone; what has something to lose stays, and it says why.',
  args: {
    force: { type: 'boolean', description: 'do not ask' },
    'dry-run': { type: 'boolean', description: 'only say what would go' },
  },
  examples: ['stator issue prune', 'stator issue prune --force --json'],
  async run({ force, 'dry-run': dryRun }, call) {
    const { out, project } = call;
    const of = project === undefined ? {} : { project };
    const prune = (dry: boolean) => withClient(call, 'write', (client) => client.pruneIssues({ ...of, dry }));
    const tell = ({ destroyed, kept }: IssuesPruned, done: string): string[] => [
      ...destroyed.map((one) => `${done} ${one.project}/${one.plan}: ${one.why}`),
      ...kept.map((one) => `kept ${one.project}/${one.plan}: ${one.why}`),
    ];
    if (dryRun === true) {
      const planned = await prune(true);
      out.answer(planned, () => tell(planned, 'would destroy'));
      if (planned.destroyed.length === 0) out.remark('nothing to prune');
      return 0;
    }
    if (force !== true) {
      const planned = await prune(true);
      if (planned.destroyed.length === 0) {
        out.answer(planned, () => tell(planned, 'would destroy'));
        out.remark('nothing to prune');
        return 0;
      }
      if (!canAsk(call)) throw new EngineError('refused', 'nothing pruned: nobody can be asked here', 'say --force');
      out.print(...tell(planned, 'would destroy'));
      if (!(await confirm(call, `destroy ${planned.destroyed.length}?`))) {
        out.note('nothing pruned');
        return 1;
      }
    }
    const pruned = await prune(false);
    out.answer(pruned, () => tell(pruned, 'destroyed'));
    if (pruned.destroyed.length === 0) out.remark('nothing to prune');
    return 0;
  },
});
