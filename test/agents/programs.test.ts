/** The presets that are programs of others: what is started, and what is understood of their output. The programs are fakes that know the real options. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamPreset } from '../../runtime/base/config/preset-programs.ts';
import { commandLine } from '../../runtime/work/agents/preset-own.ts';
import { programOf } from '../../runtime/work/agents/presets/programs.ts';
import { relayWords } from '../../runtime/work/agents/relay-words.ts';
import { reportOf } from '../../runtime/work/agents/reports/read-log.ts';
import { readableLog } from '../../runtime/work/agents/reports/readable-log.ts';
import type { CommandPlaces } from '../../runtime/work/agents/run-brief.ts';
import { type RunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { briefOf, createFolder, type Differences } from '../support/agent.ts';
import { callsIn, fakeEnv, programPresets } from '../support/program.ts';

const content = '## Wave 1\n### Task 1: one\n';
const each = it.each(programPresets);

/** What claude says about a limit, and when (in ms). */
interface Said {
  readonly error?: string;
  readonly resetsAt?: number;
  readonly at?: number;
}

interface Played {
  readonly code: number | null;
  readonly output: string;
  readonly folder: RunFolder;
}

function placesIn(root: string, env: NodeJS.ProcessEnv): CommandPlaces {
  const worktree = join(root, 'worktree');
  mkdirSync(worktree, { recursive: true });
  const known = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return {
    prompt: join(root, 'prompt'),
    script: join(root, 'script.sh'),
    servers: join(root, 'servers.json'),
    lastMessage: join(root, 'last-message'),
    loadsProject: true,
    worktree,
    repo: root,
    env: known,
  };
}

const folderAt = (root: string) => runFolderAt(dirname(root), basename(root));

/** Starts what the preset says, as a run would, and keeps its output as a log. */
function play(
  preset: StreamPreset,
  says: string,
  more: Differences & { root?: string; prompt?: string; resetMs?: number } = {},
): Played {
  const { root = createFolder(), prompt = 'do it', resetMs, ...differences } = more;
  const env = fakeEnv(process.env, { root, says, ...(resetMs === undefined ? {} : { resetMs }) });
  const places = placesIn(root, env);
  const brief = briefOf(content, { ...differences, profile: { ...differences.profile, preset } });
  const line = commandLine(brief, places);
  const [program = '', ...args] = [
    ...(line.messages === undefined ? [] : relayWords(line.messages, places.env)),
    ...line.argv,
  ];
  writeFileSync(places.prompt, prompt);
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: places.worktree,
    env: { ...env, STATOR_PROMPT_FILE: places.prompt },
    input: line.messages === undefined ? prompt : '',
    encoding: 'utf8',
  });
  const folder = folderAt(root);
  writeFileSync(folder.log, stderr + stdout);
  return { code: status, output: stderr + stdout, folder };
}

describe('what is started', () => {
  it('is the headless form of each program, without a question, with the model and the flags of the profile', () => {
    const profile = { model: 'a-model' };
    const flagsOf = {
      claude: ['--effort', 'high'],
      codex: ['-c', 'model_reasoning_effort=high'],
      opencode: ['--variant', 'high'],
      gemini: ['-d'],
    };
    const lines = programPresets.map((preset) => {
      const root = createFolder();
      expect(play(preset, 'ok', { root, profile: { ...profile, flags: flagsOf[preset] } }).code).toBe(0);
      return [preset, ...(callsIn(root)[0]?.args ?? [])].join(' ');
    });
    expect(lines).toMatchInlineSnapshot(`
      [
        "claude --print --output-format stream-json --verbose --input-format stream-json --replay-user-messages --settings {"sandbox":{"enabled":false}} --dangerously-skip-permissions --model a-model --session-id 00000000-0000-4000-8000-000000000000 --effort high",
        "codex exec --json --dangerously-bypass-approvals-and-sandbox --config allow_login_shell=false --model a-model -c model_reasoning_effort=high -",
        "opencode run --format json --auto --print-logs --log-level ERROR --model a-model --variant high",
        "gemini --output-format stream-json --approval-mode yolo --skip-trust --model a-model --session-id 00000000-0000-4000-8000-000000000000 -d",
      ]
    `);
  });

  it('takes up a conversation with the same flags', () => {
    const profile = { flags: ['--add-dir', '/x'] };
    const conversation = { id: '22222222-2222-4222-8222-222222222222', run: 'r' };
    const lines = programPresets.map((preset) => {
      const brief = briefOf(content, { conversation, profile: { preset, ...profile } });
      return commandLine(brief, placesIn(createFolder(), { IS_SANDBOX: '1' })).argv.join(' ');
    });
    expect(lines).toMatchInlineSnapshot(`
      [
        "claude --print --output-format stream-json --verbose --input-format stream-json --replay-user-messages --settings {"sandbox":{"enabled":false}} --dangerously-skip-permissions --resume 22222222-2222-4222-8222-222222222222 --add-dir /x",
        "codex exec --json --dangerously-bypass-approvals-and-sandbox --config allow_login_shell=false --add-dir /x resume 22222222-2222-4222-8222-222222222222 -",
        "opencode run --format json --auto --print-logs --log-level ERROR --session 22222222-2222-4222-8222-222222222222 --add-dir /x",
        "gemini --output-format stream-json --approval-mode yolo --skip-trust --resume 22222222-2222-4222-8222-222222222222 --add-dir /x",
      ]
    `);
  });

  it('asks codex for its last message in a file as well where it judges, unless its user does', () => {
    const lineOf = (profile: Differences['profile']) => {
      const places = placesIn(createFolder(), { IS_SANDBOX: '1' });
      const { argv, writesLastMessage = false } = commandLine(
        briefOf(content, { profile: { preset: 'codex', ...profile } }),
        places,
      );
      return [writesLastMessage, argv.includes('--output-last-message') && argv.includes(places.lastMessage)];
    };
    expect(lineOf({ role: 'reviewer' })).toEqual([true, true]);
    expect(lineOf({ role: 'verifier' })).toEqual([true, true]);
    expect(lineOf({ role: 'coder' })).toEqual([false, false]);
    expect(lineOf({ role: 'reviewer', flags: ['-o', 'x'] })).toEqual([false, false]);
    expect(lineOf({ role: 'reviewer', flags: ['--output-last-message=x'] })).toEqual([false, false]);
  });

  it('gives claude messages on its standard input, but not where it judges or its user wants another format', () => {
    const lineOf = (profile: Differences['profile']) =>
      commandLine(
        briefOf(content, { profile: { preset: 'claude', ...profile } }),
        placesIn(createFolder(), { IS_SANDBOX: '1' }),
      );
    expect(lineOf({}).messages).toBe('claude');
    for (const profile of [
      { role: 'reviewer' as const },
      { role: 'verifier' as const },
      { flags: ['--input-format', 'text'] },
      { flags: ['--output-format=json'] },
    ]) {
      const { argv, messages } = lineOf(profile);
      expect([messages, argv.includes('--replay-user-messages')]).toEqual([undefined, false]);
    }
  });

  it("switches claude's own sandbox off, and a later --settings of the profile counts instead", () => {
    const brief = briefOf(content, { profile: { preset: 'claude', flags: ['--settings', 'mine.json'] } });
    const { argv } = commandLine(brief, placesIn(createFolder(), { IS_SANDBOX: '1' }));
    const given = argv.filter((_, at) => argv[at - 1] === '--settings');
    expect(given).toEqual(['{"sandbox":{"enabled":false}}', 'mine.json']);
  });

  it("switches gemini's own sandbox off, unless the flags of the profile ask for it", () => {
    const envOf = (flags: readonly string[]) => {
      const brief = briefOf(content, { profile: { preset: 'gemini', flags } });
      return commandLine(brief, placesIn(createFolder(), {})).env;
    };
    expect(envOf([])).toEqual({ GEMINI_SANDBOX: 'false' });
    for (const flags of [['--sandbox'], ['-s'], ['--sandbox=docker']]) expect(envOf(flags)).toEqual({});
  });

  it('opencode and gemini by the protocol are the same programs, with what each of them needs to be asked and to ask', () => {
    const lineOf = (preset: 'opencode-acp' | 'gemini-acp', permissions: 'skip' | 'ask', loadsProject = true) => {
      const places = { ...placesIn(createFolder(), {}), loadsProject };
      const { argv, env } = commandLine(briefOf(content, { profile: { preset, permissions, model: 'm' } }), places);
      return [basename(argv[0]), ...argv.slice(1), env];
    };
    expect(lineOf('gemini-acp', 'skip')).toEqual([
      ...['gemini', '--acp', '--skip-trust', '--model', 'm'],
      { GEMINI_SANDBOX: 'false' },
    ]);
    expect(lineOf('opencode-acp', 'skip')).toEqual(['opencode', 'acp', {}]);
    expect(lineOf('opencode-acp', 'ask', false)).toEqual([
      ...['opencode', 'acp'],
      {
        OPENCODE_PERMISSION: '{"bash":"ask","edit":"ask","webfetch":"ask"}',
        OPENCODE_DISABLE_PROJECT_CONFIG: '1',
      },
    ]);
  });

  each('%s is given no flag that is not looked for in its help', (preset) => {
    const places = placesIn(createFolder(), { IS_SANDBOX: '1' });
    const conversation = { id: '22222222-2222-4222-8222-222222222222', run: 'r' };
    const asks = preset === 'claude' ? (['skip', 'ask'] as const) : (['skip'] as const);
    const given = asks.flatMap((permissions) =>
      [null, conversation].flatMap((talk) =>
        [true, false].flatMap((loadsProject) => {
          // A judge loads no settings of the project.
          const role = loadsProject ? 'coder' : 'reviewer';
          const brief = briefOf(content, { conversation: talk, profile: { preset, role, model: 'm', permissions } });
          return commandLine(brief, { ...places, loadsProject }).argv.filter((word) => /^--[a-z]/.test(word));
        }),
      ),
    );
    // 2.1.197 does not list it.
    const looked = [...programOf(preset).flags.flags, ...(preset === 'claude' ? ['--permission-prompt-tool'] : [])];
    expect([...new Set(given)].sort()).toEqual(looked.sort());
  });

  each('%s gets a prompt of 300 KiB, which no argument could hold', (preset) => {
    const root = createFolder();
    const prompt = 'word '.repeat(60_000);
    expect(play(preset, 'ok', { root, prompt }).code).toBe(0);
    const [call] = callsIn(root);
    expect(call?.stdin).toBe(prompt);
    expect(call?.args.join(' ').length).toBeLessThan(1_000);
  });

  each('%s does not take a flag that it does not know, which the run shows in its words', async (preset) => {
    const { code, folder } = play(preset, 'ok', { profile: { flags: ['--no-such-flag'] } });
    const words = preset === 'opencode' ? 'prints its help' : 'no-such-flag';
    const { problem, refusedArgument } = await reportOf(preset, folder, code);
    expect([problem, refusedArgument]).toEqual([refusedArgument, expect.stringContaining(words)]);
  });
});

describe('what is understood', () => {
  it('of a run that ended well: conversation, tokens, cost, the last message', async () => {
    const found = await Promise.all(
      programPresets.map(async (preset) => {
        const { inputTokens, outputTokens, costUsd, lastMessage, rateLimit } = await reportOf(
          preset,
          play(preset, 'ok').folder,
        );
        return {
          preset,
          inputTokens,
          outputTokens,
          costUsd,
          lastMessage,
          rateLimit,
        };
      }),
    );
    expect(found).toEqual([
      {
        preset: 'claude',
        inputTokens: 6240,
        outputTokens: 84,
        costUsd: 0.00388,
        lastMessage: 'It is done.',
        rateLimit: null,
      },
      {
        preset: 'codex',
        inputTokens: 6240,
        outputTokens: 84,
        costUsd: null,
        lastMessage: 'It is done.',
        rateLimit: null,
      },
      {
        preset: 'opencode',
        inputTokens: 6240,
        outputTokens: 84,
        costUsd: 0.001008,
        lastMessage: 'It is done.',
        rateLimit: null,
      },
      {
        preset: 'gemini',
        inputTokens: 6240,
        outputTokens: 84,
        costUsd: null,
        lastMessage: 'It is done.',
        rateLimit: null,
      },
    ]);
  });

  each('of %s: the same conversation when it is taken up again', async (preset) => {
    const root = createFolder();
    const first = await reportOf(preset, play(preset, 'ok', { root }).folder);
    const id = first.conversation ?? '';
    expect(id).not.toBe('');
    const second = play(preset, 'ok', { root, conversation: { id, run: 'r' } });
    expect(second.code).toBe(0);
    expect((await reportOf(preset, second.folder)).conversation).toBe(id);
  });

  each('of %s: when its limit is over', async (preset) => {
    const resetMs = Date.now() + 3 * 3_600_000;
    const { code, folder } = play(preset, 'limit', { resetMs });
    expect(code).not.toBe(0);
    const { rateLimit, hasSpoken } = await reportOf(preset, folder);
    expect(hasSpoken).toBe(false);
    // codex names the minute only, and the one after is the first that is surely late enough.
    const off = (rateLimit?.untilMs ?? 0) - resetMs;
    expect(off).toBeGreaterThanOrEqual(-1_000);
    expect(off).toBeLessThanOrEqual(90_000);
  });

  each('of %s: a limit without a time', async (preset) => {
    expect((await reportOf(preset, play(preset, 'unlimited').folder)).rateLimit).toEqual({ untilMs: null });
  });

  it.each([
    ['its error', { error: 'rate_limit' }, {}, null],
    ['the event of a rejected request', { error: 'unknown', resetsAt: 1_900_000_000 }, {}, 1_900_000_000_000],
    [
      'a line alone',
      {},
      { result: "You've hit your weekly limit · resets Jun 9 at 1am (America/Sao_Paulo)" },
      Date.UTC(2031, 5, 9, 4),
    ],
    [
      'a line without a day',
      {},
      { result: '5-hour limit reached ∙ resets 1:30pm (UTC)' },
      Date.UTC(2031, 5, 8, 13, 30),
    ],
    [
      'a line about the old year, which is the new one elsewhere',
      { at: Date.UTC(2032, 0, 1, 3) },
      { result: "You've hit your limit · resets Dec 31 at 11pm (America/Los_Angeles)" },
      Date.UTC(2032, 0, 1, 7),
    ],
    [
      'a line about the night in which summer time ends',
      { at: Date.UTC(2031, 9, 25, 12) },
      { result: "You've hit your limit · resets 1:30am (Europe/Berlin)" },
      Date.UTC(2031, 9, 25, 23, 30),
    ],
    [
      'a line about the next year',
      { at: Date.UTC(2031, 11, 29) },
      { result: "You've hit your weekly limit · resets Jan 2, 2032, 1:30am (UTC)" },
      Date.UTC(2032, 0, 2, 1, 30),
    ],
    [
      'its status, with a reset in other words',
      {},
      { api_error_status: 429, result: 'No more today · resets 1:30pm (UTC)' },
      Date.UTC(2031, 5, 8, 13, 30),
    ],
    [
      'a line about extra usage',
      {},
      { result: "You're out of extra usage · resets 1:30pm (UTC)" },
      Date.UTC(2031, 5, 8, 13, 30),
    ],
    ["a line about an organization's limit", {}, { result: "You've hit your org's monthly spend limit" }, null],
    ['the event with a fraction of a second', { resetsAt: 1_900_000_000.0001 }, {}, 1_900_000_000_001],
    ['the event with no time that a date can hold', { error: 'rate_limit', resetsAt: 9_007_199_254_740_991 }, {}, null],
    ['a line with a zone that nobody knows', {}, { result: "You've hit your limit · resets 1pm (Nowhere/Land)" }, null],
  ])(
    'of claude: a limit that it tells by %s',
    async (_what, { error, resetsAt, at = Date.UTC(2031, 5, 8, 12) }: Said, more, untilMs) => {
      const root = createFolder();
      const folder = folderAt(root);
      const events = [
        ...(resetsAt === undefined
          ? []
          : [{ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt } }]),
        ...(error === undefined ? [] : [{ type: 'assistant', error, message: { content: [] } }]),
        { type: 'result', subtype: 'success', is_error: true, api_error_status: null, result: 'no more', ...more },
      ];
      writeFileSync(folder.log, events.map((event) => JSON.stringify(event)).join('\n'));
      utimesSync(folder.log, new Date(at), new Date(at));
      expect((await reportOf('claude', folder, 1)).rateLimit).toEqual({ untilMs });
    },
  );

  it('of claude: a limit in a plain line counts where the program wrote no event', async () => {
    const root = createFolder();
    const folder = folderAt(root);
    const line = "You've hit your weekly limit · resets later";
    writeFileSync(folder.log, `${line}\n`);
    expect((await reportOf('claude', folder, 1)).rateLimit).toEqual({ untilMs: null });
    expect((await reportOf('claude', folder, 0)).rateLimit).toBeNull();
    writeFileSync(folder.log, `{"type":"system","subtype":"init"}\n${line}\n`);
    expect((await reportOf('claude', folder, 1)).rateLimit).toBeNull();
  });

  each('of %s: a login that the service refuses, and no other end', async (preset) => {
    if (preset === 'claude') {
      // The program goes on asking: what it has printed by then.
      const root = createFolder();
      const folder = folderAt(root);
      const asked = (attempt: number) =>
        JSON.stringify({
          type: 'system',
          subtype: 'api_retry',
          attempt,
          error_status: 401,
          error: 'authentication_failed',
        });
      writeFileSync(folder.log, [1, 2].map(asked).join('\n'));
      expect(await reportOf(preset, folder)).toMatchObject({ denied: false, problem: null });
      writeFileSync(folder.log, [1, 2, 3].map(asked).join('\n'));
      expect(await reportOf(preset, folder)).toMatchObject({ denied: true, hasSpoken: false });
    } else {
      const { code, folder } = play(preset, 'denied');
      expect(await reportOf(preset, folder, code)).toMatchObject({ denied: true, hasSpoken: false });
    }
    for (const other of ['ok', 'talk', 'unlimited']) {
      const { code, folder } = play(preset, other);
      expect(await reportOf(preset, folder, code), other).toMatchObject({ denied: false });
    }
  });

  it('of codex: a login that is over and cannot be renewed', async () => {
    const root = createFolder();
    const folder = folderAt(root);
    for (const message of [
      'Your access token could not be refreshed because your refresh token has expired. Please log out and sign in again.',
      'Your authentication session could not be refreshed automatically. Please log out and sign in again.',
    ]) {
      writeFileSync(folder.log, `${JSON.stringify({ type: 'turn.failed', error: { message } })}\n`);
      expect(await reportOf('codex', folder, 1)).toMatchObject({ denied: true, problem: message });
    }
  });

  it('of opencode: no login for its provider', async () => {
    const root = createFolder();
    const folder = folderAt(root);
    const message = "Anthropic API key is missing. Pass it using the 'apiKey' parameter";
    const error = { name: 'ProviderAuthError', data: { providerID: 'anthropic', message } };
    writeFileSync(folder.log, `${JSON.stringify({ type: 'error', error })}\n`);
    expect(await reportOf('opencode', folder, 1)).toMatchObject({ denied: true, problem: message });
  });

  each('of %s: no limit in what its agent says about limits', async (preset) => {
    const { folder } = play(preset, 'talk');
    const { rateLimit, problem } = await reportOf(preset, folder);
    expect(rateLimit).toBeNull();
    expect(problem).toContain('something broke');
  });

  each('of %s: a conversation that is not there any more', async (preset) => {
    const conversation = { id: '22222222-2222-4222-8222-222222222222', run: 'r' };
    const { code, folder } = play(preset, 'ok', { conversation });
    expect(code).not.toBe(0);
    const { conversation: seen, hasSpoken, problem } = await reportOf(preset, folder);
    expect({ seen, hasSpoken }).toEqual({ seen: null, hasSpoken: false });
    expect(problem).toMatch(/No conversation found|no rollout found|Session not found|Invalid session identifier/);
  });

  it('of a run of claude that was killed in the middle: at least what its messages took', async () => {
    const { folder, output } = play('claude', 'ok');
    writeFileSync(folder.log, output.split('\n').slice(0, 3).join('\n'));
    expect(await reportOf('claude', folder)).toMatchObject({
      inputTokens: 6240,
      outputTokens: 84,
      costUsd: null,
      problem: null,
    });
  });

  it('of a turn of claude after its first result: its messages count while it works, and its own result then', async () => {
    const folder = folderAt(createFolder());
    const usage = { input_tokens: 10, output_tokens: 4 };
    const message = (id: string) => ({ type: 'assistant', message: { id, content: [], usage } });
    const result = { type: 'result', subtype: 'success', is_error: false, result: 'done', usage, total_cost_usd: 1 };
    const models = {
      ...result,
      model_usage_since_last_result: { opus: { inputTokens: 10, outputTokens: 4, costUSD: 1 } },
    };
    const tokens = async (...events: readonly object[]) => {
      writeFileSync(folder.log, events.map((event) => JSON.stringify(event)).join('\n'));
      const { inputTokens, outputTokens, costUsd } = await reportOf('claude', folder);
      return [inputTokens, outputTokens, costUsd];
    };
    for (const end of [result, models]) {
      expect(await tokens(message('a'), end)).toEqual([10, 4, 1]);
      expect(await tokens(message('a'), end, message('b'), message('b'), message('c'))).toEqual([30, 12, 1]);
    }
    expect(await tokens(message('a'), models, message('b'), models)).toEqual([20, 8, 2]);
  });

  it('of the times that codex names: today, another day, a while', async () => {
    const folder = folderAt(createFolder());
    const untilOf = async (message: string) => {
      writeFileSync(folder.log, `${JSON.stringify({ type: 'turn.failed', error: { message } })}\n`);
      return (await reportOf('codex', folder)).rateLimit?.untilMs ?? null;
    };
    const today = new Date();
    const at = (hours: number, minutes: number) =>
      new Date(today.getFullYear(), today.getMonth(), today.getDate(), hours, minutes).getTime();
    expect(await untilOf("You've hit your usage limit. Try again at 12:05 AM.")).toBe(at(0, 6));
    expect(await untilOf("You've hit your usage limit. Try again at 11:58 PM.")).toBe(at(23, 59));
    expect(await untilOf('You\u2019ve hit your usage limit. Try again at Jan 2nd, 2031 12:30 PM.')).toBe(
      new Date(2031, 0, 2, 12, 31).getTime(),
    );
    const soon = (await untilOf("You've hit your usage limit. Try again in 3 days 2 hours 5 minutes.")) ?? 0;
    expect(Math.round((soon - Date.now()) / 60_000)).toBe(3 * 1_440 + 125);
    expect(await untilOf("You've hit your usage limit. Try again later.")).toBeNull();
    for (const said of ['rate limit exceeded', 'stream disconnected before completion']) {
      const tokens = `${said}: Rate limit reached for gpt-5 in organization org-1: Limit 3`;
      const next = (await untilOf(`${tokens}. Please try again in 7m12s. Visit https://example.com`)) ?? 0;
      expect(Math.round((next - Date.now()) / 60_000)).toBe(7);
    }
  });

  it.each([
    ['limited', 'Your workspace is out of credits. Add credits to continue.'],
    ['limited', 'You hit your spend cap set by the owner of your workspace. Ask an owner to increase your spend cap.'],
    ['denied', 'Quota exceeded. Check your plan and billing details.'],
    ['denied', 'To use Codex with your ChatGPT plan, upgrade to Plus: https://example.com'],
    ['denied', 'unexpected status 402 Payment Required: Payment required, url: http://127.0.0.1/v1/responses'],
    ['failed', 'Selected model is at capacity. Please try a different model.'],
  ])('of codex as %s: %s', async (what, message) => {
    const folder = folderAt(createFolder());
    writeFileSync(folder.log, `${JSON.stringify({ type: 'turn.failed', error: { message } })}\n`);
    const rateLimit = what === 'limited' ? { untilMs: null } : null;
    expect(await reportOf('codex', folder)).toMatchObject({ denied: what === 'denied', rateLimit, problem: message });
  });

  it('of any bytes at all: something, and never an exception', async () => {
    const folder = folderAt(createFolder());
    const types = [
      'assistant',
      'user',
      'system',
      'result',
      'rate_limit_event',
      'turn.completed',
      'turn.failed',
      'error',
      'item.completed',
      'step_finish',
      'text',
      'tool_use',
      'init',
      'message',
    ];
    const event = fc
      .record({ type: fc.constantFrom(...types) })
      .chain((head) =>
        fc
          .dictionary(
            fc.constantFrom(
              'message',
              'usage',
              'part',
              'item',
              'error',
              'result',
              'session_id',
              'is_error',
              'content',
              '__proto__',
            ),
            fc.jsonValue(),
          )
          .map((rest) => JSON.stringify({ ...rest, ...head })),
      );
    const line = fc.oneof(
      event,
      fc.string(),
      event.map((text) => text.slice(0, text.length / 2)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.uint8Array(),
        fc.constantFrom(...programPresets),
        async (lines, bytes, preset) => {
          writeFileSync(folder.log, Buffer.concat([Buffer.from(lines.join('\n')), bytes]));
          const report = await reportOf(preset, folder);
          expect(`${report.lastMessage}${report.problem}`.length).toBeLessThanOrEqual(2 * 8_192 + 8);
          const shown = readableLog(preset, Buffer.concat([Buffer.from(lines.join('\n')), bytes]).toString());
          expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
        },
      ),
    );
  });

  it('of a log that was rotated, and has a line of 3 MiB: what came before and after', async () => {
    const { folder, output } = play('codex', 'ok');
    const [first = '', ...rest] = output.split('\n');
    writeFileSync(
      folder.olderLog,
      `${first}\n${JSON.stringify({ type: 'x', text: 'y'.repeat(3 * 1024 * 1024) })}\n${rest.slice(0, 2).join('\n')}\n`,
    );
    writeFileSync(folder.log, rest.slice(2).join('\n'));
    const report = await reportOf('codex', folder);
    expect(report.conversation).not.toBeNull();
    expect(report).toMatchObject({ inputTokens: 6240, lastMessage: 'It is done.' });
  });
});

describe('what people read', () => {
  it('is what the agent said, a line for each tool, and what went wrong', () => {
    const shown = programPresets.map((preset) => `${preset}\n${readableLog(preset, play(preset, 'error').output)}`);
    expect(shown.join('\n')).toMatchInlineSnapshot(`
      "claude
      claude 2.1.332 begins, model claude-opus-5-5
      I look first.
      $ echo hello
      ! API Error: 500 something broke

      codex
      WARNING: proceeding, even though we could not create PATH aliases
      ! Model metadata for \`x\` not found.
      I look first.
      $ echo hello
      ! unexpected status 500 Internal Server Error: something broke

      opencode
      I look first.
      $ echo hello
      ! something broke

      gemini
      YOLO mode is enabled. All tool calls will be automatically approved.
      gemini begins, model auto
      I look first.
      $ echo hello
      ! [API Error: something broke]
      "
    `);
  });

  each('of %s leaves out what was cut, and shows no control character', (preset) => {
    const { output } = play(preset, 'ok');
    const cut = `${output.slice(output.indexOf('{') + 30)}{"type":"assis`;
    const shown = readableLog(preset, `${cut}\n\x1b[31mred\x07\n`);
    expect(shown).toContain('It is done.');
    expect(shown).not.toContain('{"');
    expect(shown).not.toContain('"}');
    expect(shown.endsWith('red\n')).toBe(true);
  });

  it('of sh and command is the text as it is', () => {
    expect(readableLog('command', '{"type":"text"}\nplain\n')).toBe('{"type":"text"}\nplain\n');
    expect(readableLog(null, 'x')).toBe('x');
  });
});
