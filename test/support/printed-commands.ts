/** The commands of stator in what people read, and what the real command line makes of them. */
import { checkCommand } from '../../cli/program.ts';
import { UsageError } from '../../cli/usage.ts';
import { publicSignalTypes, signalTypeOf } from '../../machines/vocabulary/signal.ts';

export interface PrintedCommand {
  readonly words: readonly string[];
  /** It stands alone: it may be pasted as it is. One in the middle of a sentence may be a mere name, and have prose behind it. */
  readonly isWhole: boolean;
}

/** A word of a shell, or a placeholder of several words. */
const word = /^(?:'(?:[^']|'\\'')*'|"[^"]*"|<[^<>\n]*>|\[[^[\]\n]*\]|[^\s;,`()'"<>|&[\]]+)+/;

/** Every `stator …` of a text, each read to where prose or another command begins. */
export function commandsIn(text: string): PrintedCommand[] {
  return [...text.matchAll(/(?<![\w/.@~-])stator (?=[a-z-])/g)].map((match) => {
    const before = text.slice(0, match.index);
    let rest = text.slice(match.index + match[0].length);
    const words: string[] = [];
    for (let next = word.exec(rest); next !== null; next = word.exec(rest)) {
      words.push(next[0]);
      rest = rest.slice(next[0].length);
      const blank = /^ +/.exec(rest);
      if (blank === null || blank[0].length > 1) break;
      rest = rest.slice(blank[0].length);
    }
    const last = words.at(-1) ?? '';
    const isAtEnd = /^(?:[;,)`\n|]|$| ?&&| #| {2})/.test(rest);
    if (/[.:?]$/.test(last) && !/^\.+$/.test(last)) words[words.length - 1] = last.slice(0, -1);
    const isPasted = /(?::|&&|^|\n) *$/.test(before);
    return { words, isWhole: isPasted && isAtEnd };
  });
}

/** null: the command line takes it. A word with `…` in it, or a placeholder, may be anything. */
export async function commandProblem({ words, isWhole }: PrintedCommand): Promise<string | null> {
  const argv = words.map(bare);
  for (let count = argv.length; count > 0; count -= 1) {
    const problem = await problemOf(argv.slice(0, count));
    if (problem === null) return null;
    const isTooMuch = problem.includes('one word too many');
    const isTooLittle = problem.includes('is missing');
    if (!isWhole && isTooLittle) return null;
    if (isWhole || !isTooMuch) return `stator ${words.join(' ')}: ${problem}`;
  }
  return null;
}

function bare(text: string): string {
  return text.replace(/^'(.*)'$/s, '$1').replace(/^"(.*)"$/s, '$1');
}

const events: ReadonlySet<string> = new Set(['emit', 'advance']);

async function problemOf(argv: readonly string[]): Promise<string | null> {
  try {
    if ((await checkCommand(argv)) === 'old') return 'an old name';
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    return thrown.message;
  }
  const [noun = '', verb = '', first = '', second = ''] = argv;
  const event = noun === 'signal' && verb === 'emit' ? first : noun === 'plan' && verb === 'advance' ? second : '';
  if (!events.has(verb) || !/^[a-z_-]+$/.test(event)) return null;
  return signalTypeOf(event) === null ? `there is no signal ${event}, but ${publicSignalTypes.join(' ')}` : null;
}
