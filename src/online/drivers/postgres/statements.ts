/**
 * The statements of a store, within its schema. A text is kept as bytes, because a text of PostgreSQL cannot hold every character.
 * Names of tables compare by their bytes, whatever the language of the database.
 */
export function statementsFor(schema: string) {
  const [rows, texts] = [`"${schema}".online_rows`, `"${schema}".online_texts`]
  const given = 'SELECT $1, given.* FROM unnest($2::bytea[], $3::bytea[], $4::bytea[]) AS given'
  const replace = `INSERT INTO ${rows} AS stored (tbl, key, version, value) ${given}
    ON CONFLICT (tbl, key) DO UPDATE SET version = excluded.version, value = excluded.value`
  const unlessNewer = `${replace} WHERE excluded.version >= stored.version`
  return {
    exists: `SELECT to_regclass('${rows}') IS NOT NULL AND to_regclass('${texts}') IS NOT NULL`,
    // Of processes that do this at once the others wait and find it done. Room is left in each page, so that a row that is replaced
    // stays in its page and the index is left alone.
    create: `SELECT pg_advisory_xact_lock(hashtext('lockstep ${schema}'));
      CREATE SCHEMA IF NOT EXISTS "${schema}";
      CREATE TABLE IF NOT EXISTS ${rows} (
        tbl text COLLATE "C" NOT NULL, key bytea NOT NULL, version bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY (tbl, key)
      ) WITH (fillfactor = 80);
      CREATE TABLE IF NOT EXISTS ${texts} (tbl text COLLATE "C" PRIMARY KEY, body bytea NOT NULL)`,
    // An inner query for each key is a look-up in the index, whatever the planner believes of the size of the table.
    read: `SELECT (SELECT value FROM ${rows} AS stored WHERE stored.tbl = wanted.tbl AND stored.key = wanted.key)
      FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS wanted (tbl, key, place) ORDER BY place`,
    replace,
    unlessNewer,
    unlessNewerToldByKey: `${unlessNewer} RETURNING key`,
    delete: `DELETE FROM ${rows} WHERE tbl = $1 AND key = ANY($2::bytea[])`,
    // The first row always, and more of them as long as those before it have less than $3 bytes.
    scan: `SELECT key, version, value FROM (
        SELECT key, version, value, sum(octet_length(value)) OVER (ORDER BY key) - octet_length(value) AS before
        FROM (SELECT * FROM ${rows} WHERE tbl = $1 AND ($2::bytea IS NULL OR key > $2) ORDER BY key LIMIT $4) AS page
      ) AS sized WHERE before < $3 ORDER BY key`,
    // From one name to the next in the index, not through all rows.
    tables: `WITH RECURSIVE named AS (
        (SELECT tbl FROM ${rows} ORDER BY tbl LIMIT 1)
        UNION ALL
        SELECT (SELECT tbl FROM ${rows} WHERE tbl > named.tbl ORDER BY tbl LIMIT 1) FROM named WHERE named.tbl IS NOT NULL
      )
      SELECT tbl FROM named WHERE tbl IS NOT NULL UNION SELECT tbl FROM ${texts} ORDER BY tbl`,
    dropText: `DELETE FROM ${texts} WHERE tbl = $1`,
    dropRows: `WITH doomed AS (SELECT key FROM ${rows} WHERE tbl = $1 AND ($2::bytea IS NULL OR key > $2) ORDER BY key LIMIT $3),
      dropped AS (DELETE FROM ${rows} AS stored USING doomed WHERE stored.tbl = $1 AND stored.key = doomed.key)
      SELECT key FROM doomed ORDER BY key DESC LIMIT 1`,
    readText: `SELECT body FROM ${texts} WHERE tbl = $1`,
    writeText: `INSERT INTO ${texts} VALUES ($1, $2) ON CONFLICT (tbl) DO UPDATE SET body = excluded.body`,
    changeText: `UPDATE ${texts} SET body = $3 WHERE tbl = $1 AND body = $2`,
    createText: `INSERT INTO ${texts} VALUES ($1, $2) ON CONFLICT (tbl) DO NOTHING`,
  } as const
}

export type Statements = ReturnType<typeof statementsFor>
