/** Small lives, each about one thing that needs a person, or that a person does. */
import { filesOf, type Life, paint, plan, rounds, say, write } from './lives-words.ts';

const smallDocument = '# Paint\n\n## Wave 1\n\n### Task 1: walls\n\n### Task 2: roof\n';
const reviewed = '[agents.default]\npreset = "claude"\nattempts = 2\n';

export const smallLives: readonly Life[] = [
  {
    name: 'a small plan that one coder does',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon: '[agents.default]\npreset = "claude"\n[agents.coder]\npreset = "opencode"\nattempts = 2\n',
    script: {
      'paint-coder': [
        [{ write: { 'walls.txt': 'half' } }, { commit: 'half a wall' }, { fail: 'out of paint' }],
        [{ die: true }],
        paint('walls.txt', 'roof.txt'),
      ],
      'paint-review-1': [say('review_approved')],
    },
    person: [
      {
        at: { blocked: 'failed' },
        says: ['paint-coder: 2 runs', 'ended with an error', 'stator plan answer paint', 'stator plan cancel paint'],
        type: 'resolve',
        payload: 'there is more in the shed',
      },
    ],
    delivered: [
      ['paint-coder', 2, 'out of paint'],
      ['paint-coder', 3, 'there is more in the shed'],
    ],
    end: {
      statuses: rounds('reviewing', 'done'),
      runs: { 'paint-coder': ['exit-code', 'exit-code', 'done'], 'paint-review-1': ['done'] },
      reviewCycle: 0,
      files: filesOf('roof', 'walls'),
    },
  },
  {
    name: 'rounds of fixing that are used up, and one more that a person grants',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon: `max_review_fix_cycles = 1\n${reviewed}`,
    script: {
      'paint-coder': [paint('walls.txt', 'roof.txt')],
      'paint-review-1': [say('review_changes_requested', 'the walls have no second coat')],
      'paint-fix-1': [paint('coat.txt')],
      'paint-review-2': [say('review_changes_requested', 'the door squeaks')],
      'paint-fix-2': [paint('oil.txt')],
      'paint-review-3': [say('review_approved')],
    },
    person: [
      {
        at: { blocked: 'cycle_limit' },
        says: ['the door squeaks', 'stator plan answer paint'],
        type: 'resolve',
      },
    ],
    delivered: [['paint-fix-2', 1, 'the door squeaks']],
    end: {
      statuses: rounds('reviewing', 'implementing', 'reviewing', 'implementing', 'reviewing', 'done'),
      runs: {
        'paint-coder': ['done'],
        'paint-review-1': ['done'],
        'paint-fix-1': ['done'],
        'paint-review-2': ['done'],
        'paint-fix-2': ['done'],
        'paint-review-3': ['done'],
      },
      reviewCycle: 2,
      files: filesOf('coat', 'oil', 'roof', 'walls'),
    },
  },
  {
    name: 'a reviewer that says nothing, twice',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon: reviewed,
    script: {
      'paint-coder': [paint('walls.txt', 'roof.txt')],
      'paint-review-1': [[{ say: 'It looks good to me.' }], [{ say: 'Still good.' }]],
      'paint-review-2': [say('review_approved')],
    },
    person: [
      {
        at: { blocked: 'no_verdict' },
        says: ['paint-review-1: 2 runs', 'stator plan answer paint', 'stator plan advance paint review_approved'],
        type: 'resolve',
        payload: 'say review_approved if it is good',
      },
    ],
    delivered: [
      ['paint-review-1', 2, 'no-verdict'],
      ['paint-review-2', 1, 'say review_approved if it is good'],
    ],
    end: {
      statuses: rounds('reviewing', 'done'),
      runs: { 'paint-coder': ['done'], 'paint-review-1': ['no-verdict', 'no-verdict'], 'paint-review-2': ['done'] },
      reviewCycle: 0,
      files: filesOf('roof', 'walls'),
    },
  },
  {
    name: 'a person who tells a coder something while it works',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon: '[agents.default]\npreset = "codex"\n[agents.reviewer]\nenabled = false\n',
    script: { 'paint-coder': [[...paint('walls.txt'), { wait: 'told' }], paint('roof.txt')] },
    person: [
      {
        at: { waits: 'paint-coder' },
        type: 'agent_send',
        payload: { title: 'paint-coder', body: 'the roof as well' },
        opens: 'told',
      },
    ],
    delivered: [['paint-coder', 2, 'the roof as well']],
    end: {
      statuses: rounds('done'),
      runs: { 'paint-coder': ['failed', 'done'] },
      reviewCycle: 0,
      files: filesOf('roof', 'walls'),
    },
  },
  {
    name: 'a person who has a coder begin anew',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon: '[agents.default]\npreset = "claude"\n[agents.reviewer]\nenabled = false\n',
    script: { 'paint-coder': [[...paint('shed.txt'), { hang: true }], paint('roof.txt', 'walls.txt')] },
    person: [{ at: { waits: 'paint-coder' }, type: 'agent_restart', payload: { title: 'paint-coder' } }],
    delivered: [],
    anew: ['paint-coder'],
    end: {
      statuses: rounds('done'),
      runs: { 'paint-coder': ['failed', 'done'] },
      reviewCycle: 0,
      files: filesOf('roof', 'walls'),
    },
  },
  {
    name: 'a person who pauses it, goes on, and has a wave done again',
    plan,
    document: '# Paint\n\n## Wave 1\n\n### Task 1: walls\n\n### Task 2: roof\n\n**After:** 1\n',
    start: 'implement_start',
    daemon:
      'blueprint_skip_threshold = 0\n[agents.default]\npreset = "claude"\nattempts = 1\n[agents.reviewer]\nenabled = false\n',
    script: {
      'paint-w1-t1': [[write('walls.txt'), { hang: true }], []],
      'paint-w1-t2': [[{ fail: 'no ladder' }], paint('roof.txt')],
    },
    person: [
      { at: { waits: 'paint-w1-t1' }, type: 'pause' },
      { at: { isPaused: true }, type: 'resume' },
      {
        at: { phase: 'wave_waiting' },
        says: ['paint-w1-t2', 'stator plan advance paint retry-wave'],
        type: 'retry_wave',
      },
    ],
    delivered: [['paint-w1-t2', 2, 'no ladder']],
    end: {
      statuses: rounds('done'),
      runs: { 'paint-w1-t1': ['failed', 'done'], 'paint-w1-t2': ['exit-code', 'done'] },
      reviewCycle: 0,
      files: filesOf('roof', 'walls'),
    },
  },
  {
    name: 'a flag that the program does not know',
    plan,
    document: smallDocument,
    start: 'implement_start',
    daemon:
      '[agents.default]\npreset = "codex"\nflags = ["--yolo-mode"]\nattempts = 1\n[agents.reviewer]\nenabled = false\n',
    script: {},
    person: [
      {
        at: { blocked: 'failed' },
        says: ["unexpected argument '--yolo-mode' found", 'stator plan advance paint implement_finished'],
        type: 'implement_finished',
      },
    ],
    delivered: [],
    end: { statuses: rounds('done'), runs: { 'paint-coder': ['start-failed'] }, reviewCycle: 0, files: {} },
  },
];
