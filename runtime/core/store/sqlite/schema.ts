/** The store's schema, numbered and forward only. A released migration never changes; changes come as later migrations. */
import type { Migration } from './db.ts';

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'all tables',
    sql: `
      CREATE TABLE repos (
        project TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        config TEXT NOT NULL,
        added_at INTEGER NOT NULL,
        removed_at INTEGER
      ) STRICT;

      CREATE TABLE trees (
        address TEXT PRIMARY KEY,
        machine TEXT NOT NULL,
        version TEXT NOT NULL,
        steps INTEGER NOT NULL,
        snapshot TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE signals (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        type TEXT NOT NULL,
        payload TEXT NOT NULL DEFAULT '{}',
        origin TEXT NOT NULL DEFAULT 'person',
        status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'held', 'done', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        result TEXT,
        dedupe_key TEXT UNIQUE,
        created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
        deliver_at INTEGER NOT NULL DEFAULT 0,
        processed_at INTEGER,
        tree TEXT,
        run TEXT,
        is_checked INTEGER NOT NULL DEFAULT 0 CHECK (is_checked IN (0, 1))
      ) STRICT;
      CREATE INDEX signals_pending ON signals (project, id) WHERE status = 'pending';
      CREATE INDEX signals_held ON signals (tree, id) WHERE status = 'held';
      CREATE INDEX signals_plan ON signals (project, plan, id);

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
        input TEXT
      ) STRICT;
      CREATE INDEX journal_tree ON journal (tree, seq);

      CREATE TABLE effects (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        tree TEXT NOT NULL,
        project TEXT NOT NULL,
        plan TEXT NOT NULL,
        wish TEXT NOT NULL,
        kind TEXT NOT NULL,
        lane TEXT NOT NULL,
        resource TEXT NOT NULL,
        priority INTEGER NOT NULL DEFAULT 0,
        payload TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed', 'withdrawn')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0,
        stop_at INTEGER,
        epoch INTEGER,
        created_at INTEGER NOT NULL,
        started_at INTEGER,
        finished_at INTEGER,
        error TEXT,
        CHECK ((status = 'running') = (epoch IS NOT NULL AND finished_at IS NULL))
      ) STRICT;
      CREATE INDEX effects_queued ON effects (lane, priority DESC, id) WHERE status = 'queued';
      CREATE INDEX effects_running ON effects (lane) WHERE status = 'running';
      CREATE INDEX effects_resource ON effects (project, resource, id) WHERE status IN ('queued', 'running');
      CREATE INDEX effects_tree ON effects (tree, id);

      CREATE TABLE plans (
        project TEXT NOT NULL,
        plan TEXT NOT NULL,
        title TEXT,
        goal TEXT,
        content TEXT NOT NULL,
        branch TEXT NOT NULL,
        topic TEXT,
        status TEXT NOT NULL,
        phase TEXT,
        blocked TEXT,
        holds INTEGER NOT NULL DEFAULT 0 CHECK (holds IN (0, 1)),
        paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
        fault_signal INTEGER,
        wave INTEGER NOT NULL,
        waves INTEGER NOT NULL,
        tasks_done INTEGER NOT NULL,
        tasks INTEGER NOT NULL,
        review_cycle INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted_at INTEGER,
        PRIMARY KEY (project, plan)
      ) STRICT;

      CREATE TABLE runs (
        key TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        plan TEXT NOT NULL,
        run TEXT NOT NULL,
        title TEXT NOT NULL,
        role TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        branch TEXT NOT NULL,
        queued_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        exit_code INTEGER,
        pid INTEGER,
        worktree TEXT,
        folder TEXT,
        token TEXT UNIQUE
      ) STRICT;
      CREATE INDEX runs_plan ON runs (project, plan, title);
    `,
  },
  {
    version: 2,
    name: 'the queue as a whole',
    sql: `
      CREATE TABLE queue (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        paused_at INTEGER,
        cleared_at INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      INSERT INTO queue (id) VALUES (1);
    `,
  },
  {
    version: 3,
    name: 'what a run said and cost',
    sql: `
      ALTER TABLE runs ADD COLUMN preset TEXT;
      ALTER TABLE runs ADD COLUMN conversation TEXT;
      ALTER TABLE runs ADD COLUMN input_tokens INTEGER;
      ALTER TABLE runs ADD COLUMN output_tokens INTEGER;
      ALTER TABLE runs ADD COLUMN cost_usd REAL;
      ALTER TABLE runs ADD COLUMN last_message TEXT;
    `,
  },
  {
    version: 4,
    name: 'what a run that was asked for before finds and is told',
    sql: `
      UPDATE effects
      SET payload = json_set(payload, '$.messages', json('[]'), '$.start', 'anew')
      WHERE kind = 'agent.run' AND json_type(payload, '$.messages') IS NULL;
    `,
  },
  {
    version: 5,
    name: 'what a plan was begun from',
    sql: `
      ALTER TABLE plans ADD COLUMN base_branch TEXT;
      ALTER TABLE plans ADD COLUMN base_commit TEXT CHECK (base_commit IS NOT NULL OR base_branch IS NULL);
    `,
  },
  {
    version: 6,
    name: 'whose folder it is that a run or a check speaks through',
    // Runs of an older stator continue in the folder that it made, even if they may not have started.
    // The folders of checks were not recorded: the row of their effect says that they have the names of that time.
    sql: `
      CREATE TABLE launches (
        key TEXT PRIMARY KEY,
        folder TEXT NOT NULL,
        launched_at INTEGER,
        wrapper TEXT,
        base TEXT
      ) STRICT;
      INSERT INTO launches (key, folder, launched_at)
        SELECT key, replace(folder, rtrim(folder, replace(folder, '/', '')), ''), coalesce(started_at, queued_at)
        FROM runs WHERE folder IS NOT NULL;
      INSERT INTO launches (key, folder, launched_at)
        SELECT key, '', coalesce(started_at, created_at) FROM effects WHERE kind = 'work.check' AND status = 'running';
    `,
  },
  {
    version: 7,
    name: 'what waits for its surroundings',
    sql: `
      ALTER TABLE effects ADD COLUMN waiting_since INTEGER;
      CREATE INDEX effects_waiting ON effects (tree, id) WHERE waiting_since IS NOT NULL;
    `,
  },
  {
    version: 8,
    name: 'the file that a plan was registered from',
    sql: `
      ALTER TABLE plans ADD COLUMN file TEXT;
      ALTER TABLE plans ADD COLUMN file_digest TEXT;
    `,
  },
  {
    version: 9,
    name: 'deadlines are kept in a time that does not jump',
    // Existing deadlines follow the wall clock, from which this time begins.
    sql: `
      CREATE TABLE timeline (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        boot TEXT NOT NULL,
        steady_ms INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        at_ms INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 10,
    name: 'which stator wrote it',
    sql: `
      CREATE TABLE written_by (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        stator TEXT NOT NULL
      ) STRICT;
      ALTER TABLE trees ADD COLUMN stator TEXT;
    `,
  },
  {
    version: 11,
    name: 'the effects of a tree are found by their keys',
    sql: 'DROP INDEX effects_tree;',
  },
  {
    version: 12,
    name: 'an effect has a name inside of its tree',
    sql: 'ALTER TABLE effects RENAME COLUMN wish TO name;',
  },
  {
    version: 13,
    name: 'how a run starts, in the words of its machine',
    sql: `
      UPDATE effects
      SET payload = json_set(payload, '$.start',
        CASE json_extract(payload, '$.start') WHEN 'anew' THEN 'begin' WHEN 'on' THEN 'continue' ELSE 'restart' END)
      WHERE kind = 'agent.run';
    `,
  },
  {
    version: 14,
    name: 'tokens of runs are kept as their SHA-256',
    // A column that is unique cannot be dropped, so the table is made again; the order of its rows is that in which runs were asked for.
    // Secrets in plain text are overwritten in the file, not only given free.
    sql: `
      PRAGMA secure_delete = ON;
      CREATE TABLE run_tokens (
        hash TEXT PRIMARY KEY,
        run TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      INSERT INTO run_tokens (hash, run) SELECT sha256(token), key FROM runs WHERE token IS NOT NULL;
      CREATE TABLE runs_now (
        key TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        plan TEXT NOT NULL,
        run TEXT NOT NULL,
        title TEXT NOT NULL,
        role TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        branch TEXT NOT NULL,
        queued_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        exit_code INTEGER,
        pid INTEGER,
        worktree TEXT,
        folder TEXT,
        preset TEXT,
        conversation TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cost_usd REAL,
        last_message TEXT
      ) STRICT;
      INSERT INTO runs_now
          (rowid, key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, started_at, ended_at, exit_code, pid, worktree,
           folder, preset, conversation, input_tokens, output_tokens, cost_usd, last_message)
        SELECT rowid, key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, started_at, ended_at, exit_code, pid, worktree,
           folder, preset, conversation, input_tokens, output_tokens, cost_usd, last_message
        FROM runs;
      DROP TABLE runs;
      ALTER TABLE runs_now RENAME TO runs;
      CREATE INDEX runs_plan ON runs (project, plan, title);
      PRAGMA secure_delete = OFF;
    `,
  },
  {
    version: 15,
    name: 'rows of the inbox that other programs wrote are known',
    // Rows of the engine have the seal. A row of another program is read like any outside signal, whatever its columns claim.
    sql: `
      CREATE TABLE inbox_seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seal INTEGER NOT NULL
      ) STRICT;
      INSERT INTO inbox_seal (id, seal) VALUES (1, abs(random() % 9007199254740991));
      ALTER TABLE signals ADD COLUMN seal INTEGER;
      UPDATE signals SET seal = (SELECT seal FROM inbox_seal) WHERE is_checked = 1;
      CREATE TRIGGER signals_inserted AFTER INSERT ON signals
      WHEN NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal)
      BEGIN
        UPDATE signals
        SET is_checked = 0, tree = NULL, run = NULL, seal = NULL, origin = CASE origin WHEN 'file' THEN 'file' ELSE 'person' END
        WHERE id = NEW.id;
      END;
      CREATE TRIGGER signals_updated AFTER UPDATE OF is_checked, seal ON signals
      WHEN NEW.is_checked = 1 AND (NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal))
      BEGIN
        UPDATE signals SET is_checked = 0, seal = NULL WHERE id = NEW.id;
      END;
    `,
  },
  {
    version: 16,
    name: 'since when a repo is trusted, and by which way',
    // An earlier pinned configuration was trusted when the repo was added, as far as is known.
    sql: `
      ALTER TABLE repos ADD COLUMN trusted_at INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE repos ADD COLUMN trusted_by TEXT NOT NULL DEFAULT 'an earlier version';
      ALTER TABLE repos ADD COLUMN revoked_at INTEGER;
      UPDATE repos SET trusted_at = added_at;
    `,
  },
  {
    version: 17,
    name: 'the exit of a run is told with its secret',
    // Those that are under way have none.
    sql: 'ALTER TABLE launches ADD COLUMN secret TEXT;',
  },
  {
    version: 18,
    name: 'what people were told',
    sql: `
      CREATE TABLE notifications (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        type TEXT NOT NULL,
        project TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL,
        at INTEGER NOT NULL,
        is_read INTEGER NOT NULL DEFAULT 0 CHECK (is_read IN (0, 1))
      ) STRICT;
      CREATE INDEX notifications_unread ON notifications (id) WHERE is_read = 0;
    `,
  },
  {
    version: 19,
    name: 'what hooks are told',
    sql: `
      ALTER TABLE effects ADD COLUMN result TEXT;
      CREATE INDEX effects_due ON effects (next_at) WHERE status = 'queued' AND next_at > 0;
      CREATE INDEX effects_hooks_open ON effects (project, resource, id) WHERE kind = 'hook.deliver' AND status IN ('queued', 'running');
      CREATE INDEX effects_deliveries ON effects (name) WHERE kind = 'hook.deliver';
      CREATE INDEX effects_hooks ON effects (project, id) WHERE kind = 'hook.deliver';
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
    `,
  },
  {
    version: 20,
    name: 'sessions of issues',
    sql: `
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
        at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX issue_messages_plan ON issue_messages (project, plan, id);
    `,
  },
  {
    version: 21,
    name: 'whose a folder of a run is',
    sql: 'CREATE INDEX launches_folder ON launches (folder);',
  },
  {
    version: 22,
    name: 'agents in the queue, and pauses of parts of it',
    // For earlier agents the time of their end is not known: the end of the last run is the nearest.
    sql: `
      ALTER TABLE runs ADD COLUMN final_at INTEGER;
      UPDATE runs SET final_at = coalesce(ended_at, started_at, queued_at) WHERE state IN ('succeeded', 'failed', 'cancelled');
      CREATE INDEX runs_open ON runs (key) WHERE final_at IS NULL;
      CREATE INDEX runs_final ON runs (final_at) WHERE final_at IS NOT NULL;
      CREATE TABLE queue_pauses (
        project TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        title TEXT NOT NULL DEFAULT '',
        paused_at INTEGER NOT NULL,
        PRIMARY KEY (project, plan, title),
        CHECK (project <> '' AND (title = '' OR plan <> ''))
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 23,
    name: 'what a plan stands on',
    // Those of earlier versions began from a branch alone.
    sql: 'ALTER TABLE plans ADD COLUMN base_on TEXT CHECK (base_on IS NULL OR base_commit IS NOT NULL)',
  },
  {
    version: 24,
    name: 'indexes that no statement asks for are not written',
    // Every row of the inbox, and every notification, cost another page of the log for each.
    sql: `
      DROP INDEX signals_plan;
      DROP INDEX notifications_unread;
    `,
  },
  {
    version: 25,
    name: 'the tokens of a run are found by it',
    sql: 'CREATE INDEX run_tokens_run ON run_tokens (run);',
  },
  {
    version: 26,
    name: 'the numbers of notifications are counted by the newest one',
    // A table of numbers beside it cost another page of the log for each. The newest row stays, so no number is given twice.
    sql: `
      CREATE TABLE notifications_now (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        project TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL,
        at INTEGER NOT NULL,
        is_read INTEGER NOT NULL DEFAULT 0 CHECK (is_read IN (0, 1))
      ) STRICT;
      INSERT INTO notifications_now SELECT id, type, project, plan, message, at, is_read FROM notifications;
      DROP TABLE notifications;
      ALTER TABLE notifications_now RENAME TO notifications;
    `,
  },
  {
    version: 27,
    name: 'how the forge of each repo was found',
    sql: `
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
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 28,
    name: 'what plans may take, and how long their runs worked',
    // The index is for the usage of a repo since a day began.
    sql: `
      ALTER TABLE plans ADD COLUMN budget TEXT;
      ALTER TABLE runs ADD COLUMN worked_ms INTEGER;
      CREATE INDEX runs_began ON runs (project, started_at) WHERE started_at IS NOT NULL;
    `,
  },
  {
    version: 29,
    name: 'which accounts are limited, and which account a run works with',
    sql: `
      CREATE TABLE account_limits (
        account TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      ALTER TABLE runs ADD COLUMN profile TEXT;
      ALTER TABLE runs ADD COLUMN account TEXT;
    `,
  },
  {
    version: 30,
    name: 'where the work of a done plan is',
    // Plans that were done before are read from their trees; a damaged one counts as not merged.
    sql: `
      ALTER TABLE plans ADD COLUMN landing TEXT
        CHECK (landing IS NULL OR (status = 'done' AND landing IN ('not_merged', 'pull_request_open', 'merged')));
      WITH done AS (
        SELECT p.rowid AS number, CASE WHEN json_valid(t.snapshot) THEN t.snapshot ELSE '{}' END AS whole
        FROM plans p LEFT JOIN trees t ON t.address = 'plan:' || p.project || '/' || p.plan
        WHERE p.status = 'done'
      ), seen AS (
        SELECT number, json_extract(whole, '$.context.merge.merged.at') >= coalesce(json_extract(whole, '$.context.timestamps.done_at'), 0) AS is_merged,
          json_extract(whole, '$.context.pull.request.state') AS request,
          json_extract(whole, '$.context.pull.request.pass') IS json_extract(whole, '$.context.pass') AS is_present
        FROM done
      )
      UPDATE plans SET landing = CASE
          WHEN seen.is_merged OR (seen.request = 'merged' AND seen.is_present) THEN 'merged'
          WHEN seen.request = 'open' THEN 'pull_request_open'
          ELSE 'not_merged'
        END
        FROM seen WHERE plans.rowid = seen.number;
    `,
  },
  {
    version: 31,
    name: 'how trees stand, beside their snapshots',
    // A table of its own: it is read for each line of the journal that may go, and a column behind a long snapshot is read through all of its pages.
    sql: `
      CREATE TABLE tree_standings (
        number INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        state TEXT,
        reason TEXT,
        keeps_journal INTEGER NOT NULL CHECK (keeps_journal IN (0, 1)),
        ended_at INTEGER
      ) STRICT;
      WITH read AS (
        SELECT address, machine, updated_at, CASE WHEN json_valid(snapshot) THEN snapshot ELSE '{}' END AS whole FROM trees
        WHERE machine <> 'plan'
      )
      INSERT INTO tree_standings (address, state, reason, keeps_journal, ended_at)
        SELECT address,
          CASE machine WHEN 'repo' THEN json_extract(whole, '$.value') END,
          CASE machine WHEN 'repo' THEN json_extract(whole, '$.context.degraded') END,
          machine NOT IN ('repo', 'supervisor'),
          CASE WHEN machine NOT IN ('repo', 'supervisor') THEN updated_at END
        FROM read WHERE machine IN ('repo', 'supervisor') OR json_extract(whole, '$.status') IN ('done', 'error') ORDER BY address;
    `,
  },
  {
    version: 32,
    name: 'who said a message of an issue',
    sql: "ALTER TABLE issue_messages ADD COLUMN author TEXT NOT NULL DEFAULT 'person' CHECK (author IN ('person', 'agent'))",
  },
  {
    version: 33,
    name: 'the host that runs an effect',
    sql: "ALTER TABLE effects ADD COLUMN host TEXT NOT NULL DEFAULT ''",
  },
  {
    version: 34,
    name: 'the hosts that a plan may run on',
    sql: 'ALTER TABLE plans ADD COLUMN host TEXT',
  },
  {
    version: 35,
    name: 'what is due at once apart from timers',
    sql: `
      DROP INDEX signals_pending;
      CREATE INDEX signals_ready ON signals (project, id) WHERE status = 'pending' AND deliver_at <= 0;
      CREATE INDEX signals_timed ON signals (project, is_checked, deliver_at) WHERE status = 'pending' AND deliver_at > 0;
    `,
  },
  {
    version: 36,
    name: 'other programs set the columns of a signal that are theirs, and no other',
    // Numbers beyond those that a program in JavaScript can count come from ids of other systems: such rows, and those of half as much, go behind all others.
    sql: `
      CREATE TABLE renumbered (old INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT;
      INSERT INTO renumbered (old, number)
        SELECT id, (SELECT coalesce(max(id), 0) FROM signals WHERE id BETWEEN 1 AND 4503599627370495) + row_number() OVER (ORDER BY id)
        FROM signals WHERE id NOT BETWEEN 1 AND 4503599627370495;
      UPDATE journal SET signal = (SELECT number FROM renumbered WHERE old = journal.signal)
        WHERE EXISTS (SELECT 1 FROM renumbered) AND signal IN (SELECT old FROM renumbered);
      UPDATE plans SET fault_signal = (SELECT number FROM renumbered WHERE old = plans.fault_signal)
        WHERE fault_signal IN (SELECT old FROM renumbered);
      DROP TRIGGER signals_inserted;
      DROP TRIGGER signals_updated;
      DROP INDEX signals_held;
      DROP INDEX signals_ready;
      DROP INDEX signals_timed;
      ALTER TABLE signals RENAME TO signals_before;
      CREATE TABLE signals (
        id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
        project TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        type TEXT NOT NULL,
        payload TEXT NOT NULL DEFAULT '{}',
        origin TEXT NOT NULL DEFAULT 'person',
        status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'held', 'done', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        result TEXT,
        dedupe_key TEXT UNIQUE,
        created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
        deliver_at INTEGER NOT NULL DEFAULT 0 CHECK (deliver_at BETWEEN 0 AND 8640000000000000),
        processed_at INTEGER,
        tree TEXT,
        run TEXT,
        is_checked INTEGER NOT NULL DEFAULT 0 CHECK (is_checked IN (0, 1)),
        seal INTEGER
      ) STRICT;
      INSERT INTO signals
          (id, project, plan, type, payload, origin, status, attempts, result, dedupe_key, created_at, deliver_at, processed_at, tree, run, is_checked, seal)
        SELECT coalesce((SELECT number FROM renumbered WHERE old = id), id), project, plan, type, payload, origin, status, attempts, result, dedupe_key,
          created_at, max(0, min(deliver_at, 8640000000000000)), processed_at, tree, run, is_checked, seal
        FROM signals_before ORDER BY id;
      DROP TABLE signals_before;
      DROP TABLE renumbered;
      CREATE INDEX signals_held ON signals (tree, id) WHERE status = 'held';
      CREATE INDEX signals_ready ON signals (project, id) WHERE status = 'pending' AND deliver_at <= 0;
      CREATE INDEX signals_timed ON signals (project, is_checked, deliver_at) WHERE status = 'pending' AND deliver_at > 0;
      CREATE TRIGGER signals_inserted AFTER INSERT ON signals
      WHEN NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal)
      BEGIN
        UPDATE signals
        SET id = coalesce((SELECT id FROM signals WHERE id <> NEW.id AND id <= 9007199254740991 ORDER BY id DESC LIMIT 1), 0) + 1,
          status = 'pending', attempts = 0, result = NULL, processed_at = NULL, is_checked = 0, tree = NULL, run = NULL, seal = NULL,
          created_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
          origin = CASE origin WHEN 'file' THEN 'file' ELSE 'person' END
        WHERE id = NEW.id;
      END;
      CREATE TRIGGER signals_updated AFTER UPDATE OF is_checked, seal ON signals
      WHEN NEW.is_checked = 1 AND (NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal))
      BEGIN
        UPDATE signals SET is_checked = 0, seal = NULL WHERE id = NEW.id;
      END;
    `,
  },
  {
    version: 37,
    name: 'requests of clients, and what was answered',
    sql: `
      CREATE TABLE requests (
        key TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        status INTEGER,
        answer TEXT,
        CHECK ((status IS NULL) = (answer IS NULL))
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 38,
    name: 'the family that a plan’s file is read as',
    sql: 'ALTER TABLE plans ADD COLUMN file_as TEXT;',
  },
  {
    version: 39,
    name: 'signals of no repo that failed, apart from others',
    sql: "CREATE INDEX signals_failed ON signals (tree, id) WHERE status = 'failed' AND project = ''",
  },
  {
    version: 40,
    name: 'lines of the journal are chained',
    sql: 'ALTER TABLE journal ADD COLUMN hash TEXT',
  },
  {
    version: 41,
    name: 'charts of machines of one’s own',
    sql: 'CREATE TABLE charts (machine TEXT PRIMARY KEY, version TEXT NOT NULL, digest TEXT NOT NULL) STRICT, WITHOUT ROWID',
  },
  {
    version: 42,
    name: 'what may have ended an engine is counted apart from what threw',
    // Until now the one count was of both.
    sql: `
      ALTER TABLE signals ADD COLUMN suspected INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE effects ADD COLUMN suspected INTEGER NOT NULL DEFAULT 0;
      UPDATE signals SET suspected = attempts, attempts = 0 WHERE status = 'pending' AND attempts > 0;
      DROP TRIGGER signals_inserted;
      CREATE TRIGGER signals_inserted AFTER INSERT ON signals
      WHEN NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal)
      BEGIN
        UPDATE signals
        SET id = coalesce((SELECT id FROM signals WHERE id <> NEW.id AND id <= 9007199254740991 ORDER BY id DESC LIMIT 1), 0) + 1,
          status = 'pending', attempts = 0, suspected = 0, result = NULL, processed_at = NULL, is_checked = 0, tree = NULL, run = NULL, seal = NULL,
          created_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
          origin = CASE origin WHEN 'file' THEN 'file' ELSE 'person' END
        WHERE id = NEW.id;
      END;
    `,
  },
  {
    version: 43,
    name: 'done plans that stand in line',
    sql: `
      ALTER TABLE plans ADD COLUMN landing_now TEXT
        CHECK (landing_now IS NULL OR (status = 'done' AND landing_now IN ('not_merged', 'in_line', 'pull_request_open', 'merged')));
      UPDATE plans SET landing_now = landing;
      ALTER TABLE plans DROP COLUMN landing;
      ALTER TABLE plans RENAME COLUMN landing_now TO landing;
    `,
  },
  {
    version: 44,
    name: 'pauses of user-defined machines',
    sql: `
      CREATE TABLE machine_pauses (
        machine TEXT NOT NULL,
        lane TEXT NOT NULL DEFAULT '',
        paused_at INTEGER NOT NULL,
        PRIMARY KEY (machine, lane)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 45,
    name: 'items that became plans by themselves',
    sql: `
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
    `,
  },
];
