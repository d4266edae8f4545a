/** A plan and the file that it was registered from. */
import { EngineError } from './errors.ts';
import { planNameOf } from './ids.ts';

/** A plan is read whole, stored in a row and sent over the control API; people write a few dozen kilobytes. */
export const planDocumentLimitBytes = 1024 * 1024;

/** Two files that would get the same name are two plans. For the second, a name with its folder before it is proposed. */
export function otherFile(plan: string, { bound, given }: { bound: string; given: string }): EngineError {
  const folder = given.split('/').at(-2) ?? '';
  const own = folder === '' ? null : planNameOf(`${folder}-${plan}`);
  return new EngineError(
    'conflict',
    `plan ${plan} is the file ${bound}, and ${given} is another file`,
    `give this one a name of its own: --name ${own ?? '<plan>'}`,
  );
}
