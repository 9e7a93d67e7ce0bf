import { DuckDBInstance } from '@duckdb/node-api'

const text = (value: string) => `'${value.replaceAll("'", "''")}'`

/**
 * Labels from the order lines at `data`, written to a Parquet file: one for the first line of each invoice that has a
 * customer, in the order of the lines, with the moment in UTC. `ordered_again_within_30d` says whether another order of the
 * customer follows within 30 days; it is null where the data end before that can be known.
 */
export async function writeLabels(data: string, path: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`
      COPY (
        WITH invoices AS (
          SELECT
            min(row_no) AS row_no,
            arg_min(CustomerID, row_no) AS customer_id,
            arg_min(StockCode, row_no) AS stock_code,
            arg_min(InvoiceDate, row_no) AT TIME ZONE 'Europe/London' AT TIME ZONE 'UTC' AS "at",
            starts_with(InvoiceNo, 'C') AS is_return
          FROM read_parquet(${text(data)})
          WHERE CustomerID IS NOT NULL
          GROUP BY InvoiceNo
        ),
        orders AS (SELECT customer_id, "at" FROM invoices WHERE NOT is_return)
        SELECT
          invoices.customer_id,
          stock_code,
          invoices.at,
          CASE
            WHEN next.at <= invoices.at + INTERVAL 30 DAY THEN true
            WHEN invoices.at + INTERVAL 30 DAY <= (SELECT max("at") FROM invoices) THEN false
          END AS ordered_again_within_30d
        FROM invoices
        ASOF LEFT JOIN orders AS next ON next.customer_id = invoices.customer_id AND next.at > invoices.at
        ORDER BY row_no
      ) TO ${text(path)} (FORMAT parquet)`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
