import { open } from 'node:fs/promises'
import { AsyncByteQueue, Data, Field, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow'
import { cellAt, type Duck, quoteIdentifier } from '../offline/index.ts'
import type { Cell } from '../schema/index.ts'
import { arrowColumn } from './arrow-column.ts'

/** Cells and rows that a record batch holds at most: few enough to be held in memory, enough to be read fast. */
const batchCells = 4_000_000
const batchRows = 65_536

/** Writes the result of a SELECT in the Arrow IPC stream format, in its order, a record batch at a time. */
export async function writeArrow(duck: Duck, select: string, path: string): Promise<void> {
  const columns = (await duck.rows(`DESCRIBE ${select}`)).map((row) => ({
    name: String(row.column_name),
    ...arrowColumn(String(row.column_type)),
  }))
  const fields = columns.map(({ name, type }) => new Field(name, type, true))
  const transport = columns.map((column) => column.transport)
  const casts = columns.map(({ name, sql }) => sql(quoteIdentifier(name))).join(', ')
  const rows = Math.max(1, Math.min(batchRows, Math.floor(batchCells / columns.length)))

  const schema = new Schema(fields)
  const bytes = new Bytes()
  const writer = new RecordBatchStreamWriter().reset(bytes, schema)
  await using file = await open(path, 'w')
  let cells: Cell[][] = columns.map(() => [])
  const flush = async () => {
    const children = columns.map((column, index) => column.data(cells[index] as Cell[]))
    writer.write(new RecordBatch(schema, new Data(new Struct(fields), 0, cells[0]?.length ?? 0, 0, {}, children)))
    cells = columns.map(() => [])
    await file.writeFile(bytes.take())
  }
  for await (const batch of duck.stream(`SELECT ${casts} FROM (${select})`, transport)) {
    for (const [index, column] of batch.columns.entries()) {
      const type = transport[index] as (typeof transport)[number]
      const into = cells[index] as Cell[]
      for (let row = 0; row < batch.count; row++) into.push(cellAt(type, column, row))
    }
    if ((cells[0] as Cell[]).length >= rows) await flush()
  }
  if ((cells[0] as Cell[]).length > 0) await flush()
  writer.finish()
  await file.writeFile(bytes.take())
}

/** What the writer has written and nobody has taken yet; its own queue would take all that comes, however slow the disk. */
class Bytes extends AsyncByteQueue {
  #chunks: Uint8Array[] = []

  override write(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
  }

  take(): Uint8Array[] {
    const chunks = this.#chunks
    this.#chunks = []
    return chunks
  }
}
