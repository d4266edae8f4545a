/**
 * The schema in SQLite, numbered and forward only. A released migration never changes; changes come as later migrations. Before the first release, a change
 * of `tables` raises the number instead: stores of builds with a lower number are refused.
 */
import { tables } from '../tables/schema.ts';
import type { Migration } from './db.ts';

const nowMs = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/** Rows of the engine have the seal. A row of another program is read like any outside signal: it sets the columns that are its own, and no other. */
const inbox = `
  INSERT INTO inbox_seal (id, seal) VALUES (1, abs(random() % 9007199254740991));
  CREATE TRIGGER signals_inserted AFTER INSERT ON signals
  WHEN NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal)
  BEGIN
    UPDATE signals
    SET id = coalesce((SELECT id FROM signals WHERE id <> NEW.id AND id <= 9007199254740991 ORDER BY id DESC LIMIT 1), 0) + 1,
      status = 'pending', attempts = 0, suspected = 0, result = NULL, processed_at = NULL, is_checked = 0, tree = NULL, run = NULL, seal = NULL,
      created_at = ${nowMs},
      origin = CASE origin WHEN 'file' THEN 'file' ELSE 'person' END
    WHERE id = NEW.id;
  END;
  CREATE TRIGGER signals_updated AFTER UPDATE OF is_checked, seal ON signals
  WHEN NEW.is_checked = 1 AND (NEW.seal IS NULL OR NEW.seal <> (SELECT seal FROM inbox_seal))
  BEGIN
    UPDATE signals SET is_checked = 0, seal = NULL WHERE id = NEW.id;
  END;`;

const writer = `
  CREATE TABLE written_by (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    stator TEXT NOT NULL
  ) STRICT;`;

export const migrations: readonly Migration[] = [
  { version: 54, name: 'all tables', sql: tables(nowMs) + inbox + writer },
];
