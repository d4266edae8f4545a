/** The stator commands in texts for people, and the command line's verdict on them. */
import { checkCommand } from '../../cli/program.ts';
import { UsageError } from '../../cli/usage.ts';
import { signalTypeOf } from '../../machines/vocabulary/signal.ts';
import { nearest } from '../../runtime/base/config/nearest.ts';

export interface PrintedCommand {
  readonly words: readonly string[];
  /**
   * `pasted`: it is alone, behind a colon or at the beginning of a line. `named`: in backticks, where words that it needs may be left out. `prose`:
   * in the middle of a sentence, where it may be no command at all.
   */
  readonly how: 'pasted' | 'named' | 'prose';
}

/** A word of a shell, or a placeholder of several words. */
const word = /^(?:'(?:[^']|'\\'')*'|"[^"]*"|<[^<>\n]*>|\[[^[\]\n]*\]|[^\s;,`()'"<>|&[\]]+)+/;

/** Every `stator …` in a text, each up to the following prose or the next command. */
export function commandsIn(text: string): PrintedCommand[] {
  return [...text.matchAll(/(?<![\w/.@~-])stator (?=[a-z])/g)].map((match) => {
    const before = text.slice(0, match.index);
    let rest = text.slice(match.index + match[0].length);
    const words: string[] = [];
    for (let next = word.exec(rest); next !== null; next = word.exec(rest)) {
      words.push(next[0]);
      rest = rest.slice(next[0].length);
      const blank = /^ +/.exec(rest);
      if (blank === null || blank[0].length > 1 || next[0].endsWith(':')) break;
      rest = rest.slice(blank[0].length);
    }
    const last = words.at(-1) ?? '';
    if (/[^.][.:?]$/.test(last)) words[words.length - 1] = last.slice(0, -1);
    if (before.endsWith('`') && rest.startsWith('`')) return { words, how: 'named' };
    const isAtEnd = /^(?:[;,)`\n|]|$| ?&&| #| {2})/.test(rest);
    return { words, how: /(?::|&&|^|\n) *$/.test(before) && isAtEnd ? 'pasted' : 'prose' };
  });
}

/** null: the command line accepts it. Placeholders count as words. A computed part of a template (`x1`) may be a verb, or end a word. */
export async function commandProblem({ words, how }: PrintedCommand): Promise<string | null> {
  const argv = words.filter((each) => !each.startsWith('[')).map(bare);
  // A colon ends a speaker's name, or begins a judge's text.
  const isNone = argv[0] === 'x1' || /:$/.test(argv[0] ?? '') || argv.some((each) => /x1.|.x1$/.test(each));
  if (isNone) return null;
  for (let count = argv.length; count > 0; count -= 1) {
    const found = await problemOf(argv.slice(0, count));
    if (found === null && how === 'pasted' && lacksPlan(argv)) return `stator ${words.join(' ')}: <plan> is missing`;
    if (found === null) return null;
    const { message } = found;
    if (how !== 'pasted' && / is missing$|: no verb$/.test(message)) return null;
    if (/^unknown (?:command|verb)|: no verb before/.test(message) && how !== 'named') {
      const { given = '', valid = [] } = found.words ?? {};
      const isProse = given === 'x1' || /^(?:starts|runs|reads)$/.test(given) || nearest(given, valid) === null;
      if (how === 'prose' || isProse) return null;
    }
    if (how === 'named' || !message.includes('one word too many')) return `stator ${words.join(' ')}: ${message}`;
  }
  return null;
}

/** Outside of a run, these verbs need the plan that their pages of help call optional. */
const ofPlan =
  /^(?:show|prompt|update-content|export|start|advance|pause|resume|cancel|merge|land|push|pr|diff|explain|history|replay|verify)$/;

function lacksPlan([noun, verb = '', ...rest]: readonly string[]): boolean {
  return noun === 'plan' && ofPlan.test(verb) && rest.every((each) => each.startsWith('--') && each !== '--all');
}

/** Names that users of the earlier programs know; they are real names too. */
const kept: ReadonlySet<string> = new Set(['logs', 'delegate']);

function bare(text: string): string {
  return text.replace(/^'(.*)'$/s, '$1').replace(/^"(.*)"$/s, '$1');
}

async function problemOf(argv: readonly string[]): Promise<UsageError | null> {
  try {
    const isOld = (await checkCommand(argv)) === 'old' && !kept.has(argv[0] ?? '');
    if (isOld) return problem('it is an old name');
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown;
    throw thrown;
  }
  const [noun = '', verb = '', first = '', second = ''] = argv;
  const isOfMachine = noun === 'signal' && second.includes(':');
  const event = isOfMachine ? '' : noun === 'signal' && verb === 'emit' ? first : verb === 'advance' ? second : '';
  const isKnown = !/^[a-z][a-z_-]*$/.test(event) || signalTypeOf(event) !== null;
  return isKnown ? null : problem(`there is no signal ${event}`);
}

function problem(message: string): UsageError {
  return new UsageError(message, { hint: '', words: null, usage: '' });
}
