import type { FileHistory, SourceData } from '../../definition/index.ts'
import type { Duck } from '../duckdb.ts'
import { quoteIdentifier, quoteList, quoteLiteral } from '../sql.ts'
import { exactPath, fileName } from './files.ts'
import type { Reader, SourceFile } from './reader.ts'
import { readLines, type StagedFile, stagedReader, stagedTail } from './staged.ts'

/**
 * One JSON object a line. Members are read as texts (numbers and booleans as they are written in JSON, arrays and objects
 * as JSON) and converted like any text; a member that is absent or null is missing; a line that is no object is a problem.
 */
export const ndjsonReader = (duck: Duck, source: SourceData, history: FileHistory, where: string): Promise<Reader> =>
  stagedReader(duck, source, history, where, (file) => openNdjson(duck, source, history, file))

/** Lines that tell which members there are, where a declared one is missing from all of them. */
const sampleLines = 100_000

async function openNdjson(duck: Duck, source: SourceData, history: FileHistory, file: SourceFile): Promise<StagedFile> {
  const lines = readLines(exactPath(file.path))
  const [first] = await duck.rows(`SELECT * FROM ${lines} LIMIT 1`)
  const { line: _line, ...partitions } = first ?? {}
  const declared = Object.keys(source.columns)
  const [sample] =
    await duck.rows(`SELECT count(*) AS lines, list_distinct(flatten(list(json_keys(CASE WHEN json_valid(line) THEN line END)))) AS members
    FROM (SELECT line FROM ${lines} WHERE trim(line) <> '' LIMIT ${sampleLines})`)
  const count = Number(sample?.lines)
  const members = (sample?.members as string[] | null) ?? []
  // In a file longer than the sample a member may come later; one that is missing from a shorter file is not there.
  const later = declared.filter((column) => count === 0 || (count === sampleLines && source.columns[column]?.nullable))
  return {
    columns: [...members, ...Object.keys(partitions), ...later.map((column) => fileName(history, column))],
    async stage(target) {
      const selected = declared.map((column, index) => {
        const name = fileName(history, column)
        return `${Object.hasOwn(partitions, name) ? quoteIdentifier(name) : `members[${index + 1}]`} AS ${quoteIdentifier(column)}`
      })
      const paths = declared.map((column) => `$.${JSON.stringify(fileName(history, column))}`)
      await duck.inOrder(`COPY (
        SELECT ${selected.join(', ')}, ${stagedTail(file, 'number', `CASE WHEN json_type(json) = 'OBJECT' THEN NULL ELSE 'is a line that is not a JSON object' END`)}
        FROM (SELECT *, json_extract_string(json, ${quoteList(paths)}) AS members
          FROM (SELECT *, row_number() OVER () AS number, CASE WHEN json_valid(line) THEN line END AS json FROM ${lines})
          WHERE trim(line) <> '')
        ) TO ${quoteLiteral(`${target}.parquet`)} (FORMAT parquet)`)
    },
  }
}
