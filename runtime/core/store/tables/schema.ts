/**
 * The tables that both stores have. Written for SQLite; `postgres/schema.ts` replaces the terms that differ in PostgreSQL: there an `INTEGER` has eight bytes
 * and an `INT` has four.
 */
import { latestMs } from '../rows.ts';

/** `nowMs`: an expression for the present time. */
export const tables = (nowMs: string) => `
  CREATE TABLE repos (
    project TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    config TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    removed_at INTEGER,
    trusted_at INTEGER NOT NULL,
    trusted_by TEXT NOT NULL,
    revoked_at INTEGER
  ) STRICT;

  CREATE TABLE trees (
    address TEXT PRIMARY KEY,
    machine TEXT NOT NULL,
    version TEXT NOT NULL,
    steps INTEGER NOT NULL,
    snapshot TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    stator TEXT
  ) STRICT;
  -- A table of its own: it is read for each line of the journal that may go, and a column behind a long snapshot is read through all of its pages.
  CREATE TABLE tree_standings (
    number INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    state TEXT,
    reason TEXT,
    keeps_journal INT NOT NULL CHECK (keeps_journal IN (0, 1)),
    ended_at INTEGER
  ) STRICT;
  CREATE TABLE charts (machine TEXT PRIMARY KEY, version TEXT NOT NULL, digest TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE signals (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    project TEXT NOT NULL,
    plan TEXT NOT NULL DEFAULT '',
    type TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    origin TEXT NOT NULL DEFAULT 'person',
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'held', 'done', 'failed')),
    attempts INT NOT NULL DEFAULT 0,
    suspected INT NOT NULL DEFAULT 0,
    result TEXT,
    dedupe_key TEXT UNIQUE,
    created_at INTEGER NOT NULL DEFAULT (${nowMs}),
    deliver_at INTEGER NOT NULL DEFAULT 0 CHECK (deliver_at BETWEEN 0 AND ${latestMs}),
    processed_at INTEGER,
    tree TEXT,
    run TEXT,
    is_checked INT NOT NULL DEFAULT 0 CHECK (is_checked IN (0, 1)),
    seal INTEGER
  ) STRICT;
  CREATE INDEX signals_held ON signals (tree, id) WHERE status = 'held';
  CREATE INDEX signals_ready ON signals (project, id) WHERE status = 'pending' AND deliver_at <= 0;
  CREATE INDEX signals_timed ON signals (project, is_checked, deliver_at) WHERE status = 'pending' AND deliver_at > 0;
  CREATE INDEX signals_failed ON signals (tree, id) WHERE status = 'failed' AND project = '';
  CREATE TABLE inbox_seal (id INTEGER PRIMARY KEY CHECK (id = 1), seal INTEGER NOT NULL) STRICT;
  CREATE TABLE requests (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    status INT,
    answer TEXT,
    CHECK ((status IS NULL) = (answer IS NULL))
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    tree TEXT NOT NULL,
    signal INTEGER,
    type TEXT NOT NULL,
    origin TEXT NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    effects TEXT NOT NULL DEFAULT '[]',
    refused TEXT,
    emitted TEXT,
    input TEXT,
    hash TEXT
  ) STRICT;
  CREATE INDEX journal_tree ON journal (tree, seq);

  CREATE TABLE effects (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    tree TEXT NOT NULL,
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    resource TEXT NOT NULL,
    priority INT NOT NULL DEFAULT 0,
    payload TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed', 'withdrawn')),
    attempts INT NOT NULL DEFAULT 0,
    suspected INT NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    stop_at INTEGER,
    host TEXT NOT NULL DEFAULT '',
    epoch INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT,
    waiting_since INTEGER,
    result TEXT,
    CHECK ((status = 'running') = (epoch IS NOT NULL AND finished_at IS NULL))
  ) STRICT;
  CREATE INDEX effects_queued ON effects (lane, priority DESC, id) WHERE status = 'queued';
  CREATE INDEX effects_running ON effects (lane) WHERE status = 'running';
  CREATE INDEX effects_resource ON effects (project, resource, id) WHERE status IN ('queued', 'running');
  CREATE INDEX effects_waiting ON effects (tree, id) WHERE waiting_since IS NOT NULL;
  CREATE INDEX effects_due ON effects (next_at) WHERE status = 'queued' AND next_at > 0;
  CREATE INDEX effects_hooks_open ON effects (project, resource, id) WHERE kind = 'hook.deliver' AND status IN ('queued', 'running');
  CREATE INDEX effects_deliveries ON effects (name) WHERE kind = 'hook.deliver';
  CREATE INDEX effects_hooks ON effects (project, id) WHERE kind = 'hook.deliver';

  CREATE TABLE plans (
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    title TEXT,
    goal TEXT,
    content TEXT NOT NULL,
    branch TEXT NOT NULL,
    topic TEXT,
    author TEXT,
    status TEXT NOT NULL,
    phase TEXT,
    landing TEXT CHECK (landing IS NULL OR (status = 'done' AND landing IN ('not_merged', 'in_line', 'pull_request_open', 'merged'))),
    accepts TEXT NOT NULL DEFAULT '[]' CHECK (status = 'done' OR accepts = '[]'),
    blocked TEXT,
    holds INT NOT NULL DEFAULT 0 CHECK (holds IN (0, 1)),
    paused INT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    fault_signal INTEGER,
    wave INT NOT NULL,
    waves INT NOT NULL,
    tasks_done INT NOT NULL,
    tasks INT NOT NULL,
    review_cycle INT NOT NULL,
    generation INT NOT NULL,
    base_branch TEXT,
    base_commit TEXT CHECK (base_commit IS NOT NULL OR base_branch IS NULL),
    base_on TEXT CHECK (base_on IS NULL OR base_commit IS NOT NULL),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    file TEXT,
    file_digest TEXT,
    file_as TEXT,
    budget TEXT,
    host TEXT,
    PRIMARY KEY (project, plan)
  ) STRICT;

  CREATE TABLE runs (
    key TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    run TEXT NOT NULL,
    title TEXT NOT NULL,
    role TEXT NOT NULL,
    attempt INT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    branch TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    final_at INTEGER,
    exit_code INT,
    pid INTEGER,
    worktree TEXT,
    folder TEXT,
    preset TEXT,
    profile TEXT,
    account TEXT,
    conversation TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd REAL,
    worked_ms INTEGER,
    last_message TEXT
  ) STRICT;
  CREATE INDEX runs_plan ON runs (project, plan, title);
  CREATE INDEX runs_open ON runs (key) WHERE final_at IS NULL;
  CREATE INDEX runs_final ON runs (final_at) WHERE final_at IS NOT NULL;
  CREATE INDEX runs_began ON runs (project, started_at) WHERE started_at IS NOT NULL;
  CREATE TABLE run_tokens (hash TEXT PRIMARY KEY, run TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX run_tokens_run ON run_tokens (run);
  CREATE TABLE launches (
    key TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    secret TEXT,
    launched_at INTEGER,
    wrapper TEXT,
    base TEXT
  ) STRICT;
  CREATE INDEX launches_folder ON launches (folder);
  CREATE TABLE account_limits (account TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, used REAL) STRICT, WITHOUT ROWID;
  CREATE TABLE account_quotas (
    account TEXT NOT NULL,
    span TEXT NOT NULL,
    used REAL NOT NULL,
    until INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, span)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE queue (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    paused_at INTEGER,
    cleared_at INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  INSERT INTO queue (id) VALUES (1);
  CREATE TABLE queue_pauses (
    project TEXT NOT NULL,
    plan TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    paused_at INTEGER NOT NULL,
    PRIMARY KEY (project, plan, title),
    CHECK (project <> '' AND (title = '' OR plan <> ''))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE machine_pauses (
    machine TEXT NOT NULL,
    lane TEXT NOT NULL DEFAULT '',
    paused_at INTEGER NOT NULL,
    PRIMARY KEY (machine, lane)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE timeline (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    steady_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    project TEXT NOT NULL,
    plan TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_read INT NOT NULL DEFAULT 0 CHECK (is_read IN (0, 1))
  ) STRICT;

  CREATE TABLE hook_sequences (
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    hook TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (project, plan, hook)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE hooks (
    project TEXT NOT NULL,
    hook TEXT NOT NULL,
    failing_since INTEGER,
    off_at INTEGER,
    off_reason TEXT,
    PRIMARY KEY (project, hook),
    CHECK ((off_at IS NULL) = (off_reason IS NULL))
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE issues (
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    reference TEXT,
    title TEXT,
    pull_request TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project, plan)
  ) STRICT;
  CREATE TABLE issue_messages (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL DEFAULT 'person' CHECK (author IN ('person', 'agent'))
  ) STRICT;
  CREATE INDEX issue_messages_plan ON issue_messages (project, plan, id);

  CREATE TABLE intake_items (
    intake TEXT NOT NULL,
    item TEXT NOT NULL,
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    title TEXT NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    started_at INTEGER,
    PRIMARY KEY (intake, item)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX intake_items_unstarted ON intake_items (intake) WHERE started_at IS NULL;
  CREATE TABLE intake_threads (
    intake TEXT NOT NULL,
    item TEXT NOT NULL,
    ref TEXT NOT NULL,
    digest TEXT NOT NULL,
    comments_at INTEGER NOT NULL,
    comment TEXT NOT NULL,
    number INT NOT NULL CHECK (number > 0),
    state TEXT NOT NULL CHECK (state IN ('taken', 'running', 'waiting', 'done', 'cancelled')),
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    told_at INTEGER,
    PRIMARY KEY (intake, item)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX intake_threads_open ON intake_threads (intake) WHERE told_at IS NULL OR state NOT IN ('done', 'cancelled');
  CREATE TABLE intake_allowances (
    intake TEXT NOT NULL,
    item TEXT NOT NULL,
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (intake, item)
  ) STRICT, WITHOUT ROWID;
  -- Deliveries of webhooks. One with a content waits to become a plan; one without was a reason to ask its tracker, and is kept to know it again.
  CREATE TABLE intake_deliveries (
    id INTEGER PRIMARY KEY,
    intake TEXT NOT NULL,
    item TEXT NOT NULL,
    content TEXT,
    at INTEGER NOT NULL,
    UNIQUE (intake, item)
  ) STRICT;
  CREATE INDEX intake_deliveries_waiting ON intake_deliveries (intake, id) WHERE content IS NOT NULL;
  CREATE INDEX intake_deliveries_known ON intake_deliveries (intake, id) WHERE content IS NULL;
  CREATE TABLE intake_marks (
    intake TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    reached_at INTEGER NOT NULL,
    reason TEXT
  ) STRICT, WITHOUT ROWID;

  -- Questions in chats, by the ids that the chat gave them.
  CREATE TABLE chat_messages (
    chat TEXT NOT NULL,
    message TEXT NOT NULL,
    project TEXT NOT NULL,
    plan TEXT NOT NULL,
    about TEXT NOT NULL,
    reached TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL,
    PRIMARY KEY (chat, message)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE chat_marks (chat TEXT PRIMARY KEY, reached TEXT NOT NULL) STRICT, WITHOUT ROWID;

  -- One that is forgotten keeps its number and loses its text, so that its number never means another one.
  CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'taken', 'refused', 'forgotten')),
    author TEXT NOT NULL,
    plan TEXT,
    task TEXT,
    run TEXT,
    at INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    CHECK ((state = 'proposed') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((state = 'forgotten') = (text = ''))
  ) STRICT;
  CREATE UNIQUE INDEX notes_once ON notes (project, text) WHERE state <> 'forgotten';

  CREATE TABLE forges (
    project TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    url TEXT NOT NULL,
    code TEXT,
    reason TEXT,
    hint TEXT,
    since INTEGER NOT NULL,
    plans TEXT NOT NULL CHECK (json_valid(plans)),
    CHECK ((code IS NULL) = (reason IS NULL) AND (code IS NULL) = (hint IS NULL))
  ) STRICT, WITHOUT ROWID;`;
