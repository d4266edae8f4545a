/**
 * Typical workflows that people write with XState (its own examples, and those of the Serverless Workflow specification), each with a script of its
 * events. The script settles promises, by the name in their input.
 */
import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createMachine,
  enqueueActions,
  fromTransition,
  not,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import { type Move, note, work } from './chart-play.ts';

export interface Workflow {
  readonly machine: AnyStateMachine;
  readonly input?: object;
  readonly script: readonly Move[];
  /** The expected end. */
  readonly end: object;
}

const send = (type: string, more: object = {}): Move => ({ send: { type, ...more } });
const settle = (name: string, output?: unknown): Move => ({ settle: name, output });
const fail = (name: string, message: string): Move => ({ fail: name, message });
const days = (count: number) => count * 86_400_000;

const base = setup({ actors: { work } });

/** A service that is asked once, and one that is asked again after a pause until it answers. */
const greeting: Workflow = {
  machine: base.createMachine({
    context: ({ input }) => ({ name: (input as { name: string }).name, said: null as unknown }),
    initial: 'greeting',
    states: {
      greeting: {
        invoke: {
          src: 'work',
          input: { name: 'greet' },
          onDone: { target: 'greeted', actions: assign({ said: ({ event }) => event.output }) },
        },
      },
      greeted: { type: 'final' },
    },
    output: ({ context }) => ({ said: context.said }),
  }),
  input: { name: 'Ada' },
  script: [settle('greet', 'Hello, Ada')],
  end: { status: 'done', output: { said: 'Hello, Ada' } },
};

const jobMonitor: Workflow = {
  machine: base.createMachine({
    context: { job: null as unknown, status: '' },
    initial: 'submit',
    states: {
      submit: {
        invoke: {
          src: 'work',
          input: { name: 'submit' },
          onDone: { target: 'rest', actions: assign({ job: ({ event }) => event.output }) },
          onError: 'failed',
        },
      },
      rest: { after: { 5000: 'look' } },
      look: {
        invoke: {
          src: 'work',
          input: { name: 'look' },
          onDone: { target: 'decide', actions: assign({ status: ({ event }) => String(event.output) }) },
        },
      },
      decide: {
        always: [
          { guard: ({ context }) => context.status === 'SUCCEEDED', target: 'succeeded' },
          { guard: ({ context }) => context.status === 'FAILED', target: 'failed' },
          { target: 'rest' },
        ],
      },
      succeeded: { entry: note('succeeded'), type: 'final' },
      failed: { entry: note('failed'), type: 'final' },
    },
  }),
  script: [settle('submit', 'job 7'), 4999, 1, settle('look', 'RUNNING'), 5000, settle('look', 'SUCCEEDED')],
  end: { status: 'done', value: 'succeeded', context: { job: 'job 7', status: 'SUCCEEDED' } },
};

/** A decision by another service, with two possible continuations. */
const creditCheck: Workflow = {
  machine: setup({
    actors: { work },
    guards: { isApproved: ({ context }) => (context as { decision: string }).decision === 'approved' },
  }).createMachine({
    context: { decision: '' },
    initial: 'checking',
    states: {
      checking: {
        invoke: {
          src: 'work',
          input: { name: 'credit' },
          onDone: { target: 'evaluating', actions: assign({ decision: ({ event }) => String(event.output) }) },
        },
        after: { [days(2)]: 'timedOut' },
      },
      evaluating: {
        always: [
          { guard: 'isApproved', target: 'starting' },
          { guard: not('isApproved'), target: 'rejecting' },
        ],
      },
      starting: { invoke: { src: 'work', input: { name: 'start application' }, onDone: 'ended' } },
      rejecting: { invoke: { src: 'work', input: { name: 'send rejection' }, onDone: 'ended' } },
      timedOut: { type: 'final' },
      ended: { type: 'final' },
    },
  }),
  script: [days(1), settle('credit', 'denied'), days(5), settle('send rejection')],
  end: { status: 'done', value: 'ended' },
};

/** Bids arrive until the time is over; then a person is notified. */
const carAuction: Workflow = {
  machine: base.createMachine({
    context: { bids: [] as { by: string; amount: number }[] },
    initial: 'open',
    states: {
      open: {
        on: {
          bid: {
            guard: ({ context, event }) =>
              context.bids.every(
                ({ amount }: { amount: number }) => amount < (event as unknown as { amount: number }).amount,
              ),
            actions: assign({
              bids: ({ context, event }) => {
                const { by, amount } = event as unknown as { by: string; amount: number };
                return [...context.bids, { by, amount }];
              },
            }),
          },
        },
        after: { [days(3)]: 'closed' },
      },
      closed: {
        entry: note('closed'),
        invoke: { src: 'work', input: { name: 'tell the winner' }, onDone: 'told' },
      },
      told: { type: 'final' },
    },
    output: ({ context }) => context.bids.at(-1) ?? null,
  }),
  script: [
    send('bid', { by: 'a', amount: 10 }),
    days(1),
    send('bid', { by: 'b', amount: 12 }),
    days(2),
    settle('tell the winner'),
  ],
  end: { status: 'done', output: { by: 'b', amount: 12 } },
};

/** A different reaction to each kind of error. */
const provisionOrders: Workflow = {
  machine: base.createMachine({
    context: { why: '' },
    initial: 'provision',
    states: {
      provision: {
        invoke: {
          src: 'work',
          input: { name: 'provision' },
          onDone: 'apply',
          onError: [
            { guard: ({ event }) => (event.error as Error).message === 'no id', target: 'missingId' },
            { guard: ({ event }) => (event.error as Error).message === 'no item', target: 'missingItem' },
            { target: 'crashed', actions: assign({ why: ({ event }) => (event.error as Error).message }) },
          ],
        },
      },
      missingId: { entry: note('missing id'), always: 'handled' },
      missingItem: { entry: note('missing item'), always: 'handled' },
      crashed: {},
      apply: { type: 'final' },
      handled: { type: 'final' },
    },
  }),
  script: [fail('provision', 'no item')],
  end: { status: 'done', value: 'handled' },
};

/** Parallel branches, each a flow of its own, joined at the end. */
const parallelFlows: Workflow = {
  machine: setup({
    actors: {
      flow: setup({ actors: { work } }).createMachine({
        context: ({ input }) => ({ name: (input as { name: string }).name }),
        initial: 'first',
        states: {
          first: { invoke: { src: 'work', input: ({ context }) => ({ name: `${context.name} 1` }), onDone: 'second' } },
          second: { invoke: { src: 'work', input: ({ context }) => ({ name: `${context.name} 2` }), onDone: 'ended' } },
          ended: { type: 'final' },
        },
        output: ({ context }) => `${context.name} done`,
      }),
    },
  }).createMachine({
    context: { results: [] as unknown[] },
    type: 'parallel',
    states: Object.fromEntries(
      ['short', 'long'].map((name) => [
        name,
        {
          initial: 'on',
          states: {
            on: {
              invoke: {
                src: 'flow' as const,
                input: { name },
                onDone: {
                  target: 'off',
                  actions: assign({ results: ({ context, event }) => [...context.results, event.output] }),
                },
              },
            },
            off: { type: 'final' as const },
          },
        },
      ]),
    ),
    output: ({ context }) => context.results,
  }),
  script: [settle('long 1'), settle('short 1'), settle('long 2'), settle('short 2')],
  end: { status: 'done', output: ['long done', 'short done'] },
};

/** A step that is repeated at fixed times until it is stopped. */
const inboxCheck: Workflow = {
  machine: base.createMachine({
    context: { mails: 0 },
    initial: 'idle',
    on: { stop: '.stopped' },
    states: {
      idle: { after: { 900000: 'checking' } },
      checking: {
        invoke: {
          src: 'work',
          input: { name: 'check' },
          onDone: {
            target: 'idle',
            actions: assign({ mails: ({ context, event }) => context.mails + Number(event.output) }),
          },
        },
      },
      stopped: { type: 'final' },
    },
    output: ({ context }) => context.mails,
  }),
  script: [900_000, settle('check', 2), 900_000, settle('check', 3), 1, 'stop', 900_000],
  end: { status: 'done', output: 5 },
};

/** All events of a set must arrive, in any order. */
const collegeApplication: Workflow = {
  machine: base.createMachine({
    initial: 'collecting',
    states: {
      collecting: {
        type: 'parallel',
        states: Object.fromEntries(
          ['scores', 'letter', 'fee'].map((name) => [
            name,
            { initial: 'open', states: { open: { on: { [name]: 'there' } }, there: { type: 'final' as const } } },
          ]),
        ),
        onDone: 'finalizing',
      },
      finalizing: { invoke: { src: 'work', input: { name: 'finalize' }, onDone: 'ended' } },
      ended: { type: 'final' },
    },
  }),
  script: ['fee', 'scores', 'letter', settle('finalize')],
  end: { status: 'done', value: 'ended' },
};

/** One of two answers, or a time-out. */
const visaDecision: Workflow = {
  machine: base.createMachine({
    initial: 'waiting',
    states: {
      waiting: {
        on: { approved: 'working', rejected: 'closing' },
        after: { [days(60)]: { target: 'closing', actions: note('no answer') } },
      },
      working: { type: 'final' },
      closing: { entry: note('closing'), type: 'final' },
    },
  }),
  script: [days(59), days(1)],
  end: { status: 'done', value: 'closing' },
};

/** Onboarding that stores, assigns and schedules; each step is retried after a pause, at most three times. */
const patientOnboarding: Workflow = {
  machine: base.createMachine({
    context: { tries: 0 },
    initial: 'store',
    states: {
      store: {
        invoke: {
          src: 'work',
          input: { name: 'store' },
          onDone: { target: 'schedule', actions: assign({ tries: 0 }) },
          onError: [
            {
              guard: ({ context }) => context.tries < 3,
              target: 'rest',
              actions: assign({ tries: ({ context }) => context.tries + 1 }),
            },
            { target: 'failed' },
          ],
        },
      },
      rest: { after: { 3000: 'store' } },
      schedule: { invoke: { src: 'work', input: { name: 'schedule' }, onDone: 'ended' } },
      failed: { type: 'final' },
      ended: { type: 'final' },
    },
  }),
  script: [fail('store', 'away'), 3000, fail('store', 'away'), 3000, settle('store'), settle('schedule')],
  end: { status: 'done', value: 'ended', context: { tries: 0 } },
};

/** An order with daily reminders, until it is confirmed or given up. */
const purchaseOrder: Workflow = {
  machine: setup({ actors: { work }, delays: { reminder: days(1), total: days(3) } }).createMachine({
    context: { reminders: 0 },
    initial: 'created',
    states: {
      created: {
        initial: 'quiet',
        on: { confirm: 'confirmed' },
        after: { total: 'cancelled' },
        states: {
          quiet: { after: { reminder: 'reminding' } },
          reminding: {
            entry: [note('remind'), assign({ reminders: ({ context }) => context.reminders + 1 })],
            always: 'quiet',
          },
        },
      },
      confirmed: { on: { ship: 'shipped' } },
      shipped: { type: 'final' },
      cancelled: { entry: note('cancelled'), type: 'final' },
    },
  }),
  script: [days(1), days(1), days(1) - 1, 1],
  end: { status: 'done', value: 'cancelled', context: { reminders: 2 } },
};

/** A list that is worked off one by one. */
const mathProblems: Workflow = {
  machine: base.createMachine({
    context: ({ input }) => ({ left: (input as { problems: string[] }).problems, solved: [] as unknown[] }),
    initial: 'choosing',
    states: {
      choosing: {
        always: [{ guard: ({ context }) => context.left.length === 0, target: 'ended' }, { target: 'solving' }],
      },
      solving: {
        invoke: {
          src: 'work',
          input: ({ context }) => ({ name: context.left[0] ?? '' }),
          onDone: {
            target: 'choosing',
            actions: assign({
              left: ({ context }) => context.left.slice(1),
              solved: ({ context, event }) => [...context.solved, event.output],
            }),
          },
        },
      },
      ended: { type: 'final' },
    },
    output: ({ context }) => context.solved,
  }),
  input: { problems: ['2+2', '4-1'] },
  script: [settle('2+2', 4), settle('4-1', 3)],
  end: { status: 'done', output: [4, 3] },
};

/** Readings are collected until a pause; each reading restarts the wait. */
const roomReadings: Workflow = {
  machine: base.createMachine({
    context: { readings: [] as number[] },
    initial: 'collecting',
    states: {
      collecting: {
        on: {
          reading: {
            target: 'collecting',
            reenter: true,
            actions: assign({
              readings: ({ context, event }) => [...context.readings, (event as unknown as { value: number }).value],
            }),
          },
        },
        after: { 3600000: 'reporting' },
      },
      reporting: {
        invoke: {
          src: 'work',
          input: ({ context }) => ({ name: `report ${context.readings.join()}` }),
          onDone: 'ended',
        },
      },
      ended: { type: 'final' },
    },
  }),
  script: [
    send('reading', { value: 21 }),
    3_000_000,
    send('reading', { value: 22 }),
    3_599_999,
    1,
    settle('report 21,22'),
  ],
  end: { status: 'done', value: 'ended' },
};

/** A book is lent, returned or lost; a waiting person is notified again each fortnight. */
const bookLending: Workflow = {
  machine: base.createMachine({
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          src: 'work',
          input: { name: 'status' },
          onDone: [{ guard: ({ event }) => event.output === 'onloan', target: 'onLoan' }, { target: 'available' }],
        },
      },
      onLoan: {
        initial: 'told',
        states: { told: { on: { hold: 'held', decline: '#cancelled' } }, held: { after: { [days(14)]: '#asking' } } },
      },
      available: { on: { checkout: 'lent' } },
      lent: { type: 'final' },
      cancelled: { id: 'cancelled', type: 'final' },
      again: { id: 'asking', always: 'asking' },
    },
  }),
  script: [settle('status', 'onloan'), 'hold', days(14), settle('status', 'available'), 'checkout'],
  end: { status: 'done', value: 'lent' },
};

/** A clock that counts while it runs, with laps. */
const stopwatch: Workflow = {
  machine: createMachine({
    context: { ticks: 0, laps: [] as number[] },
    initial: 'stopped',
    states: {
      stopped: { on: { start: 'running', reset: { actions: assign({ ticks: 0, laps: [] }) } } },
      running: {
        initial: 'tick',
        on: { stop: 'stopped', lap: { actions: assign({ laps: ({ context }) => [...context.laps, context.ticks] }) } },
        states: {
          tick: {
            after: {
              10: { target: 'tick', reenter: true, actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
            },
          },
        },
      },
    },
  }),
  script: ['start', 10, 10, 'lap', 10, 'stop', 100, 'start', 10],
  end: { status: 'active', context: { ticks: 4, laps: [2] } },
};

/** A saga: if a later step fails, the earlier ones are undone in reverse order. */
const travelSaga: Workflow = {
  machine: base.createMachine({
    context: { undo: [] as string[] },
    initial: 'flight',
    states: {
      flight: {
        invoke: {
          src: 'work',
          input: { name: 'book flight' },
          onDone: { target: 'hotel', actions: assign({ undo: ({ context }) => ['cancel flight', ...context.undo] }) },
          onError: 'undoing',
        },
      },
      hotel: {
        invoke: {
          src: 'work',
          input: { name: 'book hotel' },
          onDone: { target: 'car', actions: assign({ undo: ({ context }) => ['cancel hotel', ...context.undo] }) },
          onError: 'undoing',
        },
      },
      car: { invoke: { src: 'work', input: { name: 'book car' }, onDone: 'booked', onError: 'undoing' } },
      undoing: {
        always: [{ guard: ({ context }) => context.undo.length === 0, target: 'undone' }, { target: 'undoOne' }],
      },
      undoOne: {
        invoke: {
          src: 'work',
          input: ({ context }) => ({ name: context.undo[0] ?? '' }),
          onDone: { target: 'undoing', actions: assign({ undo: ({ context }) => context.undo.slice(1) }) },
        },
      },
      booked: { type: 'final' },
      undone: { type: 'final' },
    },
  }),
  script: [
    settle('book flight'),
    settle('book hotel'),
    fail('book car', 'none left'),
    settle('cancel hotel'),
    settle('cancel flight'),
  ],
  end: { status: 'done', value: 'undone' },
};

/** A queue in the context, worked off by spawned children, at most two at a time. */
const spawnedWorkers: Workflow = {
  machine: setup({
    actors: {
      one: setup({ actors: { work } }).createMachine({
        context: ({ input }) => ({ name: (input as { name: string }).name }),
        initial: 'busy',
        states: {
          busy: { invoke: { src: 'work', input: ({ context }) => ({ name: context.name }), onDone: 'told' } },
          told: { entry: sendParent(({ context }) => ({ type: 'worked', name: context.name })), type: 'final' },
        },
      }),
    },
  }).createMachine({
    context: { queue: [] as string[], busy: [] as string[], done: [] as string[] },
    on: {
      add: {
        actions: [
          assign({ queue: ({ context, event }) => [...context.queue, (event as unknown as { name: string }).name] }),
          raise({ type: 'next' }),
        ],
      },
      next: {
        guard: ({ context }) => context.busy.length < 2 && context.queue.length > 0,
        actions: enqueueActions(({ context, enqueue }) => {
          const [name = '', ...rest] = context.queue;
          enqueue.spawnChild('one', { id: name, input: { name } });
          enqueue.assign({ queue: rest, busy: [...context.busy, name] });
        }),
      },
      worked: {
        actions: [
          enqueueActions(({ event, enqueue }) => enqueue.stopChild((event as unknown as { name: string }).name)),
          assign({
            busy: ({ context, event }) =>
              context.busy.filter((name: string) => name !== (event as unknown as { name: string }).name),
            done: ({ context, event }) => [...context.done, (event as unknown as { name: string }).name],
          }),
          raise({ type: 'next' }),
        ],
      },
    },
  }),
  script: [
    send('add', { name: 'a' }),
    send('add', { name: 'b' }),
    send('add', { name: 'c' }),
    settle('b'),
    settle('a'),
    settle('c'),
  ],
  end: { status: 'active', context: { queue: [], busy: [], done: ['b', 'a', 'c'] } },
};

/** Another actor fills a glass, and is notified when it is full. */
const fillingAGlass: Workflow = {
  machine: setup({
    actors: {
      glass: fromTransition((level: number, { type }: { type: string }) => (type === 'fill' ? level + 1 : level), 0),
    },
  }).createMachine({
    context: { level: 0 },
    invoke: {
      src: 'glass',
      id: 'glass',
      onSnapshot: {
        actions: assign({ level: ({ event }) => (event.snapshot as unknown as { context: number }).context }),
      },
    },
    initial: 'filling',
    states: {
      filling: {
        entry: sendTo('glass', { type: 'fill' }),
        always: { guard: ({ context }) => context.level >= 3, target: 'full' },
        after: { 1000: { target: 'filling', reenter: true } },
      },
      full: { entry: note('full'), type: 'final' },
    },
  }),
  script: [1000, 1000, 1000],
  end: { status: 'done', value: 'full' },
};

/** A form with pages, which can be left and resumed at the same place. */
const formWizard: Workflow = {
  machine: setup({ guards: { isOver: ({ context }) => (context as { age: number }).age > 17 } }).createMachine({
    context: { age: 0 },
    initial: 'pages',
    states: {
      pages: {
        initial: 'name',
        on: {
          help: 'help',
          age: { actions: assign({ age: ({ event }) => (event as unknown as { age: number }).age }) },
        },
        states: {
          name: { on: { next: 'details' } },
          details: {
            initial: 'age',
            states: {
              age: {
                on: { next: { guard: and(['isOver', stateIn({ pages: { details: 'age' } })]), target: 'address' } },
              },
              address: { on: { next: '#sent', back: 'age' } },
            },
          },
          last: { type: 'history', history: 'deep' },
        },
      },
      help: { after: { 60000: 'pages.last' }, on: { close: 'pages.last' } },
      sent: { id: 'sent', type: 'final' },
    },
  }),
  script: ['next', send('age', { age: 30 }), 'next', 'help', 'close', 'back', 'help', 60_000, 'next', 'next'],
  end: { status: 'done', value: 'sent' },
};

/** An approval that is escalated if nobody answers; an answer cancels its reminder. */
const escalation: Workflow = {
  machine: createMachine({
    context: { level: 1 },
    initial: 'asking',
    states: {
      asking: {
        entry: [
          raise({ type: 'remind' }, { delay: 1_000, id: 'reminder' }),
          raise({ type: 'escalate' }, { delay: ({ context }) => 5_000 * context.level }),
        ],
        exit: cancel('reminder'),
        on: {
          remind: { actions: note('remind') },
          escalate: {
            target: 'asking',
            reenter: true,
            guard: ({ context }) => context.level < 3,
            actions: assign({ level: ({ context }) => context.level + 1 }),
          },
          yes: 'approved',
          no: 'refused',
        },
      },
      approved: { type: 'final' },
      refused: { type: 'final' },
    },
  }),
  script: [1_000, 4_000, 500, 9_500, 999, 'yes', 10_000],
  end: { status: 'done', value: 'approved', context: { level: 3 } },
};

/** Vital signs are checked during a car's journey, by a child flow that ends with it. */
const carVitals: Workflow = {
  machine: setup({
    actors: {
      vitals: setup({ actors: { work } }).createMachine({
        initial: 'checking',
        states: {
          checking: {
            invoke: {
              src: 'work',
              input: { name: 'vitals' },
              onDone: {
                target: 'resting',
                actions: sendParent(({ event }) => ({ type: 'vitals', value: event.output })),
              },
            },
          },
          resting: { after: { 1000: 'checking' } },
        },
      }),
    },
  }).createMachine({
    context: { seen: [] as unknown[] },
    initial: 'off',
    states: {
      off: { on: { on: 'driving' } },
      driving: {
        entry: spawnChild('vitals', { id: 'vitals' }),
        exit: stopChild('vitals'),
        on: {
          vitals: {
            actions: assign({
              seen: ({ context, event }) => [...context.seen, (event as unknown as { value: unknown }).value],
            }),
          },
          off: 'off',
        },
      },
    },
  }),
  script: [
    'on',
    settle('vitals', 'good'),
    1_000,
    settle('vitals', 'low'),
    500,
    'off',
    5_000,
    'on',
    settle('vitals', 'good'),
  ],
  end: { status: 'active', value: 'driving', context: { seen: ['good', 'low', 'good'] } },
};

export const workflows = {
  greeting,
  'job monitor': jobMonitor,
  'credit check': creditCheck,
  'car auction': carAuction,
  'provisioning of orders': provisionOrders,
  'parallel flows': parallelFlows,
  'inbox that is checked again and again': inboxCheck,
  'college application': collegeApplication,
  'decision in time': visaDecision,
  'patient onboarding': patientOnboarding,
  'purchase order': purchaseOrder,
  'math problems': mathProblems,
  'room readings': roomReadings,
  'book lending': bookLending,
  stopwatch,
  'saga with compensation': travelSaga,
  'workers that are spawned': spawnedWorkers,
  'filling a glass': fillingAGlass,
  'form with pages': formWizard,
  'approval that escalates': escalation,
  'vitals of a car': carVitals,
} satisfies Record<string, Workflow>;
