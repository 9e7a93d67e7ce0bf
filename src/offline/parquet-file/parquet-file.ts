import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { Cell, TypeData } from '../../schema/index.ts'
import { type ColumnPage, columnWriter } from './column.ts'
import { i32, i64, list, struct, type ThriftValue, text, thriftBytes } from './thrift.ts'

const compress = promisify(zstdCompress)
const [magic, zstd, plain, hybrid] = [Buffer.from('PAR1'), 6, 0, 3]

/**
 * Rows on their way into a Parquet file (https://github.com/apache/parquet-format): columns as they lie in the file, so that a row
 * takes its bytes and a fraction of a microsecond, and nothing of it is kept. One row group, one page a column.
 */
export class ParquetRows {
  readonly #columns: ReturnType<typeof columnWriter>[]
  #rows = 0

  constructor(columns: Readonly<Record<string, TypeData>>) {
    this.#columns = Object.entries(columns).map(([name, type]) => columnWriter(name, type))
  }

  get rows(): number {
    return this.#rows
  }

  /** Adds a row: a cell for each column. */
  add(cells: readonly Cell[]): void {
    for (let place = 0; place < this.#columns.length; place++) this.#columns[place]?.add(cells[place] as Cell)
    this.#rows++
  }

  /** The bytes of the file, in parts. Compressed by other threads. */
  async file(): Promise<Uint8Array[]> {
    const pages = this.#columns.map((column) => column.page())
    const bodies = await Promise.all(
      pages.map(({ parts }) => compress(Buffer.concat(parts), { params: { [constants.ZSTD_c_compressionLevel]: 1 } })),
    )
    const parts: Uint8Array[] = [magic]
    const chunks: ThriftValue[] = []
    let offset = magic.length
    let size = 0
    for (const [place, page] of pages.entries()) {
      const body = bodies[place] as Buffer
      const length = page.parts.reduce((sum, part) => sum + part.length, 0)
      const header = pageHeader(page, length, body.length)
      chunks.push(columnChunk(page, offset, header.length + length, header.length + body.length))
      parts.push(header, body)
      offset += header.length + body.length
      size += header.length + length
    }
    const footer = thriftBytes({
      1: i32(2),
      2: list([struct({ 4: text('schema'), 5: i32(pages.length) }), ...pages.flatMap(({ schema }) => schema)]),
      3: i64(this.#rows),
      4: list([struct({ 1: list(chunks), 2: i64(size), 3: i64(this.#rows) })]),
      6: text('lockstep'),
      // Bounds are of the order that the type defines.
      7: list(pages.map(() => struct({ 1: struct({}) }))),
    })
    return [...parts, footer, Uint8Array.from(new Uint8Array(Int32Array.of(footer.length).buffer)), magic]
  }
}

const pageHeader = ({ values }: ColumnPage, length: number, compressed: number): Uint8Array =>
  thriftBytes({
    1: i32(0),
    2: i32(length),
    3: i32(compressed),
    5: struct({ 1: i32(values), 2: i32(plain), 3: i32(hybrid), 4: i32(hybrid) }),
  })

function columnChunk({ path, physical, values, statistics }: ColumnPage, offset: number, length: number, compressed: number): ThriftValue {
  const meta = struct({
    1: i32(physical),
    2: list([i32(plain), i32(hybrid)]),
    3: list(path.map(text)),
    4: i32(zstd),
    5: i64(values),
    6: i64(length),
    7: i64(compressed),
    9: i64(offset),
    12: statistics,
  })
  return struct({ 2: i64(offset), 3: meta })
}
