import { DuckDBInstance, DuckDBTimestampValue } from '@duckdb/node-api'
import { Random, WeightedChoice, zipfWeights } from '../shop/data/random.ts'

export interface SessionsOptions {
  /** The Parquet file to be written. */
  readonly path: string
  /** The same seed and sizes give the same rows everywhere. Default 1. */
  readonly seed?: number
  /** Default 40. */
  readonly sessions?: number
  /** Actions in all, about. Default 2,000. */
  readonly actions?: number
}

const begin = Date.UTC(2026, 4, 4)
const day = 86_400_000

/** Writes sessions in the columns of the OTTO data set: a few long ones and many short ones, visits with pauses between them, and ties. */
export async function generateSessions({ path, seed = 1, sessions = 40, actions = 2_000 }: SessionsOptions): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(
      'CREATE TABLE actions (session INTEGER, event_index INTEGER, aid INTEGER, ts_ms BIGINT, ts TIMESTAMP, "type" VARCHAR)',
    )
    const appender = await connection.createAppender('actions')
    for (const { session, place, article, at, kind } of sessionActions(new Random(seed, 1), sessions, actions)) {
      appender.appendInteger(session)
      appender.appendInteger(place)
      appender.appendInteger(article)
      appender.appendBigInt(BigInt(at))
      appender.appendTimestamp(new DuckDBTimestampValue(BigInt(at) * 1000n))
      appender.appendVarchar(kind)
      appender.endRow()
    }
    appender.closeSync()
    await connection.run(`COPY actions TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function* sessionActions(random: Random, sessions: number, actions: number) {
  const lengths = new WeightedChoice(zipfWeights(sessions, 2))
  const articles = new WeightedChoice(zipfWeights(Math.max(10, actions >> 2), 10))
  const counts = new Array<number>(sessions).fill(2)
  for (let i = 2 * sessions; i < actions; i++) {
    const session = lengths.pick(random)
    counts[session] = (counts[session] as number) + 1
  }
  for (const [session, count] of counts.entries()) {
    let at = begin + random.below(14 * day)
    let article = articles.pick(random)
    for (let place = 0; place < count; place++) {
      yield { session, place, article, at, kind: random.chance(0.9) ? 'clicks' : random.chance(0.8) ? 'carts' : 'orders' }
      if (random.chance(0.8)) article = articles.pick(random)
      at += random.chance(0.03) ? 0 : random.chance(0.05) ? 30 * 60_000 : random.heavyTail(45_000, 3 * day)
    }
  }
}
