/** A program with claude's output format that does what the acts say: `node agent.js <acts.json>`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import type { Act, Acts, End } from './acts.ts';

const { STATOR_PROJECT, STATOR_PLAN, STATOR_TITLE, STATOR_ATTEMPT, STATOR_SOCKET, STATOR_TOKEN } = process.env;
const name = `${STATOR_PROJECT}/${STATOR_TITLE}#${STATOR_ATTEMPT}`;
const acts = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Acts; // written by stage.ts
const act = acts[name];
if (act === undefined) throw new Error(`there is no act for ${name}`);

function print(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function say({ says, tokens }: Act): void {
  const content = says.map((line) =>
    line.startsWith('$ ')
      ? { type: 'tool_use', name: 'Bash', input: { command: line.slice(2) } }
      : { type: 'text', text: line },
  );
  const usage = { input_tokens: tokens.input, output_tokens: tokens.output };
  print({ type: 'assistant', message: { id: 'msg_1', content, usage } });
}

function finish({ tokens, costUsd }: Act, problem: string | null, said = 'done'): void {
  const usage = { input_tokens: tokens.input, output_tokens: tokens.output };
  const outcome =
    problem === null ? { subtype: 'success', result: said } : { subtype: 'error_during_execution', result: problem };
  print({ type: 'result', is_error: problem !== null, ...outcome, total_cost_usd: costUsd, usage });
  process.exitCode = problem === null ? 0 : 1;
}

/** Works until it is ended. */
function stay(): void {
  setInterval(() => {}, 60_000);
}

/** Asks over the run's own socket, as the MCP server for questions does. */
function askPermission({ id, tool, detail }: Extract<End, { do: 'permission' }>): void {
  const path = `/v1/repos/${STATOR_PROJECT}/plans/${STATOR_PLAN}/permissions`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${STATOR_TOKEN}` };
  const asked = request({ socketPath: STATOR_SOCKET, method: 'POST', path, headers }, (answer) =>
    answer.pipe(process.stderr),
  );
  asked.on('error', (error) => console.error(error.message));
  asked.end(JSON.stringify({ id, tool, detail, wait_ms: 0 }));
}

print({ type: 'system', subtype: 'init', session_id: 'scene' });
say(act);
const { end } = act;
switch (end.do) {
  case 'write':
    for (const [file, text] of Object.entries(end.files)) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    finish(act, null);
    break;
  case 'work':
    stay();
    break;
  case 'fail':
    finish(act, end.why);
    break;
  case 'ask':
    execFileSync('stator', ['signal', 'emit', 'needs_decision', '--payload', end.question]);
    finish(act, null);
    break;
  case 'permission':
    askPermission(end);
    stay();
    break;
  case 'approve':
    finish(act, null, `${end.body}\n\nstator verdict: approved`);
    break;
  default:
    throw new Error(`no such end: ${JSON.stringify(end satisfies never)}`);
}
