/** Lives in which every failure happens once: from an idea to done, with several mixes of programs. */
import {
  type Act,
  type Ending,
  filesOf,
  type Life,
  paint,
  plan,
  rounds,
  type Script,
  say,
  write,
} from './lives-words.ts';

const idea = '# Paint the house\n\nIt is grey, and it should not be.\n';
const sketch = `# Paint the house\n\n## Wave 1\n\n### Task 1: all of it\n\nWith care.\n`;
const worked = `# Paint the house

## Wave 1

### Task 1: walls

### Task 2: roof

### Task 3: door

## Wave 2

### Task 1: fence

### Task 2: gate
`;

const atHead = '{"reviewed_sha":"{head}"}';

/** The shortest rate limit that each program can report. */
const limitMs = 2_000;
/** A hanging agent is silent for longer than this; the others may be slow on a busy machine. */
const idle = '6s';

/** Five tasks; four of them fail once, each in its own way. Two reviews and one verification ask for changes. */
const wholeScript: Script = {
  'paint-plan': [[{ document: sketch }, { signal: ['planner_finished'] }]],
  'paint-architect': [[{ document: worked }, { signal: ['elaborator_finished'] }]],
  'paint-w1-t1': [[{ write: { 'walls.txt': 'half' } }, { die: true }], paint('walls.txt')],
  'paint-w1-t2': [[{ hang: true }], paint('roof.txt')],
  'paint-w1-t3': [
    [...say('needs_decision', '{"reason":"which colour?"}'), { wait: 'answered' }],
    [...paint('door.txt'), { commit: 'the door' }],
  ],
  'paint-w2-t1': [[write('fence.txt'), { limited: limitMs }], []],
  'paint-w2-t2': [[], paint('gate.txt')],
  'paint-review-1': [say('review_changes_requested', 'the walls have no second coat')],
  'paint-fix-1': [paint('coat.txt')],
  'paint-review-2': [say('review_changes_requested', 'the door squeaks')],
  'paint-fix-2': [paint('oil.txt')],
  'paint-review-3': [say('review_approved')],
  'paint-verify-1': [say('verify_failed', 'it rains through the roof')],
  'paint-fix-3': [paint('tile.txt')],
  'paint-review-4': [say('review_approved')],
  'paint-verify-2': [say('verify_approved', atHead)],
};

const wholeEnd: Ending = {
  statuses: [
    'planning',
    'implementing',
    'reviewing',
    'implementing',
    'reviewing',
    'implementing',
    'reviewing',
    'verifying',
    'implementing',
    'reviewing',
    'verifying',
    'done',
  ],
  runs: {
    'paint-plan': ['done'],
    'paint-architect': ['done'],
    'paint-w1-t1': ['exit-code', 'done'],
    'paint-w1-t2': ['idle', 'done'],
    'paint-w1-t3': ['needs_decision', 'done'],
    'paint-w2-t1': ['rate-limited', 'done'],
    'paint-w2-t2': ['no-change', 'done'],
    'paint-review-1': ['done'],
    'paint-fix-1': ['done'],
    'paint-review-2': ['done'],
    'paint-fix-2': ['done'],
    'paint-review-3': ['done'],
    'paint-verify-1': ['done'],
    'paint-fix-3': ['done'],
    'paint-review-4': ['done'],
    'paint-verify-2': ['done'],
  },
  reviewCycle: 3,
  files: filesOf('coat', 'door', 'fence', 'gate', 'oil', 'roof', 'tile', 'walls'),
};
const wholeDelivered: Life['delivered'] = [
  ['paint-w1-t3', 2, 'which colour?'],
  ['paint-w1-t3', 2, 'green'],
  ['paint-fix-1', 1, 'second coat'],
  ['paint-fix-2', 1, 'the door squeaks'],
  ['paint-fix-3', 1, 'it rains through the roof'],
];
const answer: Act = { at: { blocked: 'agent' }, type: 'resolve', payload: 'green', opens: 'answered' };

/** Exit codes instead of messages; no service has a limit. */
const commandScript: Script = {
  ...wholeScript,
  'paint-w2-t1': [[{ fail: 'no brush' }], paint('fence.txt')],
  'paint-review-1': [[{ say: 'the walls have no second coat' }, { exit: 1 }]],
  'paint-review-2': [[{ exit: 9 }], [{ say: 'the door squeaks' }, { exit: 1 }]],
  'paint-review-3': [[]],
  'paint-verify-1': [[{ say: 'it rains through the roof' }, { exit: 1 }]],
  'paint-review-4': [[]],
  'paint-verify-2': [[]],
};

export const wholeLives: readonly Life[] = [
  {
    name: 'claude in every role',
    plan,
    document: idea,
    start: 'plan_start',
    daemon: `blueprint_skip_threshold = 0\n[agents.default]\npreset = "claude"\nmodel = "opus"\n[agents.coder]\nidle_timeout = "${idle}"\n[agents.architect]\n[agents.verifier]\n`,
    script: wholeScript,
    person: [answer],
    delivered: wholeDelivered,
    end: wholeEnd,
  },
  {
    name: 'codex writes, gemini reviews, opencode plans and verifies',
    plan,
    document: idea,
    start: 'plan_start',
    daemon: `blueprint_skip_threshold = 0\n[agents.default]\npreset = "codex"\n[agents.coder]\nidle_timeout = "${idle}"\n[agents.planner]\npreset = "opencode"\n[agents.architect]\npreset = "gemini"\n[agents.reviewer]\npreset = "gemini"\nmodel = "pro"\n[agents.verifier]\npreset = "opencode"\n`,
    script: wholeScript,
    person: [answer],
    delivered: wholeDelivered,
    end: wholeEnd,
  },
  {
    name: 'commands that judge by exit code',
    plan,
    document: idea,
    start: 'plan_start',
    daemon: `blueprint_skip_threshold = 0\n[agents.default]\npreset = "command"\nprogram = "player"\n[agents.coder]\nidle_timeout = "${idle}"\n[agents.architect]\n[agents.verifier]\n`,
    script: commandScript,
    person: [answer],
    delivered: wholeDelivered,
    end: {
      ...wholeEnd,
      runs: {
        ...wholeEnd.runs,
        'paint-w2-t1': ['exit-code', 'done'],
        'paint-review-2': ['exit-code', 'done'],
      },
    },
  },
  {
    name: 'tasks that share one worktree',
    plan,
    document: worked,
    start: 'implement_start',
    daemon: `blueprint_skip_threshold = 0\n[agents.default]\npreset = "gemini"\n[agents.reviewer]\nenabled = false\n[agents.coder]\nidle_timeout = "${idle}"\n`,
    repo: 'isolation = "plan"\n',
    script: {
      'paint-w1-t1': wholeScript['paint-w1-t1'] ?? [],
      'paint-w1-t2': [paint('roof.txt')],
      'paint-w1-t3': wholeScript['paint-w1-t3'] ?? [],
      'paint-w2-t1': wholeScript['paint-w2-t1'] ?? [],
      'paint-w2-t2': wholeScript['paint-w2-t2'] ?? [],
    },
    person: [answer],
    delivered: wholeDelivered.slice(0, 2),
    end: {
      statuses: rounds('done'),
      runs: {
        'paint-w1-t1': ['exit-code', 'done'],
        'paint-w1-t2': ['done'],
        'paint-w1-t3': ['needs_decision', 'done'],
        'paint-w2-t1': ['rate-limited', 'done'],
        'paint-w2-t2': ['no-change', 'done'],
      },
      reviewCycle: 0,
      files: filesOf('door', 'fence', 'gate', 'roof', 'walls'),
    },
  },
];
