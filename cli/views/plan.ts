/** Plans, as a person reads them, where the answer of one operation is all that is shown. */
import type { PromptShow } from '../../runtime/api/client/client.ts';
import type { planOperations } from '../../runtime/api/operations/plan.ts';
import type { View } from '../operation-verb.ts';
import { plainLines } from '../text.ts';

const prompt: View<PromptShow> = {
  tell({ out }, shown) {
    if (out.json) {
      out.print(JSON.stringify(shown));
      return 0;
    }
    const about = shown.task === null ? shown.role : `${shown.role} of ${shown.task}`;
    out.note(`${about}, ${shown.source === 'built-in' ? 'the built-in prompt' : shown.source}`);
    out.stdout.write(plainLines(shown.prompt));
    return 0;
  },
};

export default { prompt } satisfies Partial<Record<keyof typeof planOperations, View<never>>>;
