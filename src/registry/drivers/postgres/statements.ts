/** The layout of the tables that this version writes. */
export const layout = 1

/** The statements of a store, within its schema. Names and keys compare by their bytes, whatever the language of the database. */
export function statementsFor(schema: string) {
  const [documents, state] = [`"${schema}".registry_documents`, `"${schema}".registry_state`]
  const list = (beyond: string, order: string) => `SELECT key, body, revision FROM ${documents}
    WHERE tbl = $1 AND key >= $2 AND ($3::text IS NULL OR key < $3) AND ($4::text IS NULL OR key ${beyond} $4)
    ORDER BY key ${order} LIMIT $5`
  const wanted = 'unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (tbl, key, place)'
  const found = `${wanted} LEFT JOIN ${documents} AS stored ON stored.tbl = wanted.tbl AND stored.key = wanted.key ORDER BY place`
  return {
    exists: `SELECT to_regclass('${documents}') IS NOT NULL AND to_regclass('${state}') IS NOT NULL`,
    // Of processes that do this at once the others wait and find it done.
    create: `SELECT pg_advisory_xact_lock(hashtext('lockstep ${schema}'));
      CREATE SCHEMA IF NOT EXISTS "${schema}";
      CREATE TABLE IF NOT EXISTS ${documents} (
        tbl text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, revision bigint NOT NULL, body text NOT NULL, PRIMARY KEY (tbl, key)
      );
      CREATE TABLE IF NOT EXISTS ${state} (one int PRIMARY KEY CHECK (one = 1), revision bigint NOT NULL, layout int NOT NULL);
      INSERT INTO ${state} VALUES (1, 0, ${layout}) ON CONFLICT DO NOTHING`,
    state: `SELECT revision, layout FROM ${state}`,
    next: `UPDATE ${state} SET revision = revision + 1 RETURNING revision, layout`,
    read: `SELECT stored.key, body, revision FROM ${found}`,
    revisions: `SELECT coalesce(revision, 0) FROM ${found}`,
    listUp: list('>', 'ASC'),
    listDown: list('<', 'DESC'),
    stamp: `SELECT count(*), max(revision) FROM ${documents} WHERE tbl = $1 AND key >= $2 AND ($3::text IS NULL OR key < $3)`,
    tables: `SELECT DISTINCT tbl FROM ${documents} ORDER BY tbl`,
    delete: `DELETE FROM ${documents} AS stored USING unnest($1::text[], $2::text[]) AS doomed (tbl, key)
      WHERE stored.tbl = doomed.tbl AND stored.key = doomed.key`,
    put: `INSERT INTO ${documents} SELECT given.tbl, given.key, $3, given.body FROM unnest($1::text[], $2::text[], $4::text[])
      AS given (tbl, key, body) ON CONFLICT (tbl, key) DO UPDATE SET revision = excluded.revision, body = excluded.body`,
  } as const
}

export type Statements = ReturnType<typeof statementsFor>
