/** The flags of `plan replay` for what would have become of a plan with other inputs. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { TypedArgs } from './operation.ts';

export const whatIfArgs = {
  policy: {
    type: 'string',
    valueHint: 'key=value',
    description: 'as if this had been configured: max_agents=6',
    read: policyOf,
  },
  answer: {
    type: 'string',
    valueHint: 'n=text',
    description: 'as if question n had been answered so, at once',
    field: 'answers',
    read: answersOf,
  },
  from: {
    type: 'string',
    valueHint: 'seq',
    description: 'use the other inputs only after this line',
    number: '--from',
  },
} as const;

/** Throws `usage` if a moment of the past is given with other inputs. */
export function checkWhatIf({ to, at, policy, answer, from }: TypedArgs): void {
  const isOther = policy !== undefined || answer !== undefined || from !== undefined;
  if (!isOther || (to === undefined && at === undefined)) return;
  throw new EngineError(
    'usage',
    `${to === undefined ? '--at' : '--to'} shows what was, and ${policy === undefined ? (answer === undefined ? '--from' : '--answer') : '--policy'} what would have been`,
    'give one of them; --from <seq> keeps the journal up to that line',
  );
}

/** `max_agents=6,auto_advance=false`. Throws `usage`. */
function policyOf(text: string): Record<string, string | number | boolean> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, value] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
      if (name === undefined || value === undefined)
        throw new EngineError(
          'usage',
          `--policy is "${text}"`,
          'give keys of the configuration: max_agents=6,coder.attempts=5',
        );
      const isNumber = /^\d{1,12}$/.test(value);
      return [name, value === 'true' || value === 'false' ? value === 'true' : isNumber ? Number(value) : value];
    }),
  );
}

/** `1=red,3=use tabs, not spaces`: a comma begins another answer only where a number follows. Throws `usage`. */
function answersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(/,(?=\s*\d+\s*=)/).map((part) => {
      const [, number, said] = /^\s*([1-9]\d{0,8})\s*=\s*(\S.*?)\s*$/s.exec(part) ?? [];
      if (number === undefined || said === undefined)
        throw new EngineError(
          'usage',
          `--answer is "${text}"`,
          'give the number of a question and its answer: 2=use port 8080',
        );
      return [number, said];
    }),
  );
}
