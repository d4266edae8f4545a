#!/usr/bin/env node
/** The program `stator`: finds the verb, hands it the call, and ends with its exit code. */
import { statorVersion } from '../runtime/platform/version.ts';
import { type Entry, nouns, topUsage, verbs } from './commands.ts';
import { createOutput } from './output.ts';
import { nounUsage, UsageError } from './usage.ts';

interface Chosen {
  readonly name: string;
  readonly entry: Entry;
  readonly rest: readonly string[];
}

/** Flags may stand before the command; they are the verb's. */
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

/** The verb that is meant, or the page that is asked for. Throws `UsageError`. */
function choose(argv: readonly string[]): Chosen | { readonly page: string } {
  const { leading, words } = splitLeading(argv);
  const [first, second] = words;
  const asksHelp = leading.includes('--help') || leading.includes('-h');
  if (first === undefined) {
    if (leading.includes('--version') || leading.includes('-V')) return { page: statorVersion() };
    if (asksHelp) return { page: topUsage(statorVersion()) };
    const [flag] = leading.filter((arg) => !['--json', '--quiet', '-q', '--verbose'].includes(arg));
    const message = flag === undefined || flag.startsWith('--project') ? 'no command' : `unknown flag ${flag}`;
    throw new UsageError(message, { hint: 'say what to do', words: null, usage: topUsage(statorVersion()) });
  }
  if (first === 'help') return choose([...words.slice(1), '--help']);
  const verb = verbs.find(({ name }) => name === first);
  if (verb !== undefined) return { name: first, entry: verb, rest: [...leading, ...words.slice(1)] };
  const list = Object.hasOwn(nouns, first) ? nouns[first] : undefined;
  if (list === undefined) {
    const valid = [...verbs.map(({ name }) => name), ...Object.keys(nouns)];
    const words = { given: first, valid };
    throw new UsageError(`unknown command "${first}"`, { hint: '', words, usage: topUsage(statorVersion()) });
  }
  const usage = nounUsage(first, list, `stator ${first} ${list[0]?.name} --help`);
  if (second === '--help' || second === '-h' || (second === undefined && asksHelp)) return { page: usage };
  const found = list.find(({ name }) => name === second);
  if (found !== undefined) return { name: `${first} ${second}`, entry: found, rest: [...leading, ...words.slice(2)] };
  if (second === undefined)
    throw new UsageError(`stator ${first}: no verb`, { hint: 'say what to do', words: null, usage });
  const message = second.startsWith('-')
    ? `stator ${first}: no verb before ${second}`
    : `unknown verb "${first} ${second}"`;
  throw new UsageError(message, { hint: '', words: { given: second, valid: list.map(({ name }) => name) }, usage });
}

async function run(argv: readonly string[]): Promise<number> {
  const has = (...flags: string[]) => argv.some((arg) => flags.includes(arg));
  const streams = { stdout: process.stdout, stderr: process.stderr, env: process.env };
  // Read off the raw words, because a mistake in them must be told in the form that was asked for.
  const rough = createOutput({
    ...streams,
    json: has('--json'),
    quiet: has('--quiet', '-q'),
    verbose: has('--verbose'),
  });
  try {
    const chosen = choose(argv);
    if ('page' in chosen) {
      rough.print(chosen.page);
      return 0;
    }
    const verb = await chosen.entry.load();
    const read = verb.read(chosen.name, chosen.rest);
    if (read.wantsHelp) {
      rough.print(verb.usage(chosen.name));
      return 0;
    }
    const { json = false, quiet = false, verbose = false, project } = read.globals;
    const out = createOutput({ ...streams, json, quiet, verbose });
    if (project !== undefined) await (await import('./known-project.ts')).refuseUnknownProject(process.env, project);
    return await read.run({ env: process.env, cwd: process.cwd(), stdin: process.stdin, out, project });
  } catch (thrown) {
    const { reportFailure } = await import('./failure.ts');
    return reportFailure(thrown, { out: rough, argv, version: statorVersion() });
  }
}

/** Whoever reads us may go at any time (`| head`): then a verb has said enough, and one that does work goes on without words. */
function surviveClosedOutput(argv: readonly string[]): void {
  const doesWork = argv.some((arg) => arg === 'run' || arg === 'demo' || arg === '--foreground');
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (!doesWork) process.exit(0);
    });
  }
}

const argv = process.argv.slice(2);
surviveClosedOutput(argv);
const interrupt = () => process.exit(130);
// A verb that has something to finish first takes this away.
process.once('SIGINT', interrupt);
const exitCode = await run(argv);
process.exitCode = exitCode;
// What was written is out, and what may still be open (an idle connection) must not keep the shell waiting.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
