/** One call of the program: finds the verb, runs it, and returns its exit code. It touches no global of the process. */
import { statorVersion } from '../runtime/base/platform/version.ts';
import type { Call } from './command.ts';
import { type Entry, isOtherNoun, listed, nounPage, nouns, pageOf, todayOf, topUsage, verbs } from './commands.ts';
import { createOutput, type Stream, saysJson } from './output.ts';
import { UsageError } from './usage.ts';

export interface Invocation extends Pick<Call, 'env' | 'cwd' | 'stdin'> {
  readonly argv: readonly string[];
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** Returns the exit code. Failures are printed on standard error; nothing is thrown. */
export async function runProgram({ argv, env, cwd, stdin, stdout, stderr }: Invocation): Promise<number> {
  const has = (...flags: string[]) => argv.some((arg) => flags.includes(arg));
  const streams = { stdout, stderr, env };
  // Read from the raw arguments, because a mistake in them must be reported in the requested form.
  let out = createOutput({
    ...streams,
    json: saysJson(argv),
    quiet: has('--quiet', '-q'),
    verbose: has('--verbose'),
  });
  let hasStartCodes = false;
  try {
    const chosen = choose(argv);
    hasStartCodes = 'entry' in chosen && chosen.entry.hasStartCodes === true;
    if ('page' in chosen) {
      out.print(chosen.page);
      return 0;
    }
    const { noun, entry } = chosen;
    const { name, read } = await readVerb(chosen);
    if (read.wantsHelp) {
      out.print(await pageOf(noun, entry));
      return 0;
    }
    const { json = false, quiet = false, verbose = false, project } = read.globals;
    const fields = typeof json === 'string' ? { fields: json.split(',') } : {};
    out = createOutput({ ...streams, json: json !== false, quiet, verbose, ...fields });
    if (project !== undefined) out.about(project);
    if (project !== undefined) await (await import('./known-project.ts')).refuseUnknownProject(env, project);
    const calledAs = entry.now === undefined ? {} : { calledAs: name };
    return await read.run({ env, cwd, stdin, out, project, ...calledAs });
  } catch (thrown) {
    const { reportFailure } = await import('./failure.ts');
    const exitCode = reportFailure(thrown, { out, argv, version: statorVersion() });
    return hasStartCodes && !startCodes.has(exitCode) ? 1 : exitCode;
  }
}

async function readVerb({ noun, entry, rest }: Chosen) {
  const name = noun === null ? entry.name : `${noun} ${entry.name}`;
  const [usageName, given] = entry.words === undefined ? [name, rest] : [todayOf(entry), entry.words(rest)];
  return { name, read: (await entry.load()).read(usageName, given) };
}

/** Checks a command line without running it. null: it is a command; `old`: it uses an old name. Throws `UsageError` if it is no command. */
export async function checkCommand(argv: readonly string[]): Promise<'old' | null> {
  const chosen = choose(argv);
  if ('page' in chosen) return null;
  await readVerb(chosen);
  return chosen.entry.now === undefined ? null : 'old';
}

/** An interrupted verb has neither started nor failed. */
const startCodes: ReadonlySet<number> = new Set([1, 2, 130]);

interface Chosen {
  readonly noun: string | null;
  readonly entry: Entry;
  readonly rest: readonly string[];
}

/** Flags before the command, or before its verb, belong to the verb. */
function splitLeading(argv: readonly string[]): { leading: string[]; words: string[] } {
  const leading: string[] = [];
  let index = 0;
  for (; index < argv.length; index += 1) {
    const arg = argv[index] ?? '';
    if (!arg.startsWith('-') || arg === '--') break;
    leading.push(arg);
    if (arg === '--project') {
      index += 1;
      leading.push(...argv.slice(index, index + 1));
    }
  }
  return { leading, words: argv.slice(index) };
}

/** The verb to run, or the help page to print. Throws `UsageError`. */
function choose(argv: readonly string[]): Chosen | { readonly page: string } {
  const { leading, words } = splitLeading(argv);
  const [first, second] = words;
  const asksHelp = leading.includes('--help') || leading.includes('-h');
  if (first === undefined) {
    if (leading.some((flag) => ['--version', '-V', '-v'].includes(flag))) return versionPage(leading);
    if (leading.length === 0) return { page: topUsage(statorVersion()) };
    if (asksHelp) return { page: topUsage(statorVersion(), { all: leading.includes('--all') }) };
    const [flag] = leading.filter((arg) => !['--json', '--quiet', '-q', '--verbose'].includes(arg));
    const message = flag === undefined || flag.startsWith('--project') ? 'no command' : `unknown flag ${flag}`;
    throw new UsageError(message, { hint: 'say what to do', words: null, usage: topUsage(statorVersion()) });
  }
  if (first === 'help') return choose([...words.slice(1), '--help']);
  if (first === 'version' && words.slice(1).every((arg) => arg.startsWith('-'))) return versionPage(argv);
  const list = Object.hasOwn(nouns, first) ? (nouns[first] ?? []) : [];
  const inner = splitLeading(words.slice(1));
  const [typed, ...rest] = inner.words;
  const found = list.find(({ name }) => name === typed) ?? shortName(list, typed);
  if (found !== undefined) return { noun: first, entry: found, rest: [...leading, ...inner.leading, ...rest] };
  const verb = verbs.find(({ name }) => name === first);
  if (verb !== undefined) return { noun: null, entry: verb, rest: [...leading, ...words.slice(1)] };
  if (list.length === 0) {
    const valid = [...new Set([...listed(verbs).map(({ name }) => name), ...Object.keys(nouns).filter(isOfToday)])];
    const message = `unknown command "${first}"`;
    // The whole help page would push the error message off a small terminal.
    const usage = 'usage: stator <command>; all commands: stator help';
    const verbOf = { noun: '', rest: words.slice(1) };
    throw new UsageError(message, { hint: '', words: { given: first, valid, verbOf }, usage });
  }
  const usage = nounPage(first, list);
  if (second === '--help' || second === '-h' || (second === undefined && asksHelp)) return { page: usage };
  if (second === undefined)
    throw new UsageError(`stator ${first}: no verb`, { hint: 'say what to do', words: null, usage });
  const message = second.startsWith('-')
    ? `stator ${first}: no verb before ${second}`
    : `unknown verb "${first} ${second}"`;
  const valid = list.filter(({ now }) => now === undefined || isOtherNoun(list)).map(({ name }) => name);
  const line = `usage: stator ${first} <verb>; all verbs: stator ${first} --help`;
  const verbOf = { noun: first, rest: words.slice(2) };
  throw new UsageError(message, { hint: '', words: { given: second, valid, verbOf }, usage: line });
}

function versionPage(argv: readonly string[]): { readonly page: string } {
  return {
    page: argv.some((arg) => /^--json(=|$)/.test(arg)) ? JSON.stringify({ version: statorVersion() }) : statorVersion(),
  };
}

/** Short names as in shells: `ls` lists, `rm` deletes or removes. */
function shortName(list: readonly Entry[], typed: string | undefined): Entry | undefined {
  const names = typed === 'ls' ? ['list'] : typed === 'rm' ? ['delete', 'remove'] : [];
  return names.map((name) => list.find((one) => one.name === name)).find((one) => one !== undefined);
}

function isOfToday(noun: string): boolean {
  return !isOtherNoun(nouns[noun] ?? []);
}
