/** A status set by hand: where it leads, and that everybody at work is told to stop. Nothing starts there, and no entry counts. */
export const overrides = [
  // First, since it is the only one that may be refused, and a refusal names the first guard.
  { guard: 'forcesPlanned', target: '.ready.planned', actions: ['endAll', 'raiseOverride'] },
  { guard: { type: 'forces', params: 'ready' }, target: '.ready.draft', actions: ['endAll', 'raiseOverride'] },
  {
    guard: { type: 'forces', params: 'planning' },
    target: '.planning.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'implementing' },
    target: '.underway.implementing.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'reviewing' },
    target: '.underway.reviewing.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'verifying' },
    target: '.underway.verifying.standing',
    actions: ['endAll', 'noteOverride'],
  },
  { guard: { type: 'forces', params: 'done' }, target: '.done', actions: ['endAll', 'raiseOverride'] },
  {
    guard: { type: 'forces', params: 'cancelled' },
    target: '.cancelled',
    actions: 'raiseOverride',
  },
] as const;
