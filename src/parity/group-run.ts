import { join } from 'node:path'
import type { FeatureGroup, FeatureGroupData, History } from '../definition/index.ts'
import { parquet } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { Duck } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { Interrupt } from '../pointintime/index.ts'
import type { AnswerList } from './answer-list.ts'
import { AnswerCodec, differences, type PackedAnswer } from './answers.ts'
import { type Arrivals, arrivalOrders } from './arrivals.ts'
import { Comparison, type Mismatch } from './comparison.ts'
import { describeDifferences, explained, lateRowsOf } from './differences.ts'
import { runEngine } from './engine-run.ts'
import { type GroupCase, withHistory, writeRows } from './group-case.ts'
import { type LateRow, runLive } from './live-run.ts'
import { runMaterialized } from './materialized-run.ts'
import { OracleAnswers } from './oracle-answers.ts'
import type { Questions } from './questions.ts'
import type { ParityDifference, ParityPath } from './report.ts'
import { shuffled } from './shuffled.ts'
import { type TrainingWork, trainingAnswers } from './training-answers.ts'
import { VectorAnswers } from './vector-answers.ts'

export interface GroupRunOptions {
  readonly duck: Duck
  readonly original: FeatureGroupData
  readonly history: History | undefined
  /** The store that is materialized into, and one for each stream. */
  readonly online: OnlineStore
  readonly newStore: () => OnlineStore
  /** What the engine runs over, in a folder, and how many rows it is given. */
  readonly engine: { readonly state: (folder: string) => OnlineStore; readonly log: (folder: string) => EventLog; readonly rows: number }
  readonly work: TrainingWork
  readonly random: (below: number) => number
  readonly interrupt: Interrupt
  /** Rows that the oracle may look at in all. */
  readonly oracleCost: number
  /** Differences that are described of each path, and of these explained. */
  readonly limit: number
}

export interface GroupRunResult {
  readonly paths: readonly ParityPath[]
  readonly differences: readonly ParityDifference[]
  readonly lateDifferences: readonly ParityDifference[]
}

/** Differences of a path that are explained by `explainFeature`, which reads history again. */
const mostExplained = 2

const noStream = { outcomes: null, lateRows: 0, refusedRows: 0, restarts: 0 }

/** Asks all paths of one group the same questions and compares their answers with those of the training set. */
export class GroupRun {
  readonly #case: GroupCase
  readonly #options: GroupRunOptions
  readonly #codec: AnswerCodec
  readonly #expected: AnswerList
  readonly #paths: ParityPath[] = []
  readonly #differences: ParityDifference[] = []
  readonly #lateDifferences: ParityDifference[] = []

  private constructor(groupCase: GroupCase, options: GroupRunOptions, codec: AnswerCodec, expected: AnswerList) {
    this.#case = groupCase
    this.#options = options
    this.#codec = codec
    this.#expected = expected
  }

  static async all(groupCase: GroupCase, options: GroupRunOptions): Promise<GroupRunResult> {
    const codec = new AnswerCodec(groupCase.plan.features.map(({ type }) => type))
    const { duck, original, work } = options
    const { plan, rows, questions } = groupCase
    const expected = await trainingAnswers(duck, original, plan.features, rows.keys, questions, codec, work)
    const run = new GroupRun(groupCase, options, codec, expected)
    await run.#oracle()
    await run.#materialized()
    if (groupCase.streamed) {
      const orders = arrivalOrders(rows, groupCase.group.source, options.random)
      for (const arrivals of orders) await run.#stream(arrivals)
      if (options.engine.rows > 0) await run.#engine(orders.at(-2) as Arrivals)
    }
    return { paths: run.#paths, differences: run.#differences, lateDifferences: run.#lateDifferences }
  }

  /** As many questions as the oracle has time for, chosen at random. */
  async #oracle(): Promise<void> {
    const { random, interrupt, oracleCost, original } = this.#options
    const { questions, group, plan, rows } = this.#case
    await this.#path('oracle', (comparison) => {
      interrupt.stage(`asking the oracle about ${original.name}`)
      const oracle = new OracleAnswers(group, plan.features, rows)
      let left = oracleCost
      for (const question of shuffled(questions.count, random)) {
        const key = questions.keys[question] as number
        left -= oracle.cost(key) + 1
        if (left < 0) break
        comparison.ask(question, () => oracle.answer(key, questions.at[question] as number))
        interrupt.check()
        interrupt.advance(1)
      }
    })
  }

  async #materialized(): Promise<void> {
    const { online, interrupt, work } = this.#options
    const { history: _history, folder: _folder, ...rest } = work
    await this.#path('online store, as materialized', (comparison) => runMaterialized(this.#case, online, comparison, rest, interrupt))
  }

  async #path(path: string, run: (comparison: Comparison) => Promise<void> | void): Promise<void> {
    const comparison = new Comparison(this.#codec, this.#expected)
    const started = performance.now()
    await run(comparison)
    await this.#report(path, comparison, noStream, [], performance.now() - started)
  }

  async #stream(arrivals: Arrivals): Promise<void> {
    const { newStore, random, interrupt } = this.#options
    const { plan, rows } = this.#case
    const streamed = this.#case.streamed as FeatureGroup
    const live = new Comparison(this.#codec, this.#expected)
    const stored = new Comparison(this.#codec, this.#expected)
    const quiet = new Comparison(this.#codec, this.#expected)
    const store = newStore()
    const vectors = await VectorAnswers.open(streamed, plan.features, rows.keys, store)
    const started = performance.now()
    const answer = (key: number, q: number) => vectors.answer(key, q)
    const result = await runLive(this.#case, { arrivals, store, live, quiet, stored: { comparison: stored, answer }, random, interrupt })
    await store.close()
    const milliseconds = performance.now() - started
    const refusedRows = this.#refused(result.late).length
    const counts = { ...result, lateRows: result.late.length, refusedRows }
    await this.#report(`stream, ${arrivals.name}`, live, counts, result.late, milliseconds)
    await this.#report(`rows that it stored, ${arrivals.name}`, stored, noStream, result.late, 0)
    await this.#report('streams, just before the next change', quiet, noStream, result.late, 0)
  }

  /** The engine over a log and a store on the disk; its topic keyed as the group is, and by the id, so that a router is needed. */
  async #engine(arrivals: Arrivals): Promise<void> {
    const { work, engine, random, interrupt } = this.#options
    const { source, keys } = this.#case.group
    const ways = [
      { way: 'engine', key: Object.values(keys) },
      ...(source.id.length > 0 ? [{ way: 'engine with a router', key: source.id }] : []),
    ]
    for (const { way, key } of ways) {
      const live = new Comparison(this.#codec, this.#expected)
      const stored = new Comparison(this.#codec, this.#expected)
      const folder = join(work.folder, this.#case.group.name, way)
      const state = engine.state(join(folder, 'state'))
      const log = engine.log(join(folder, 'log'))
      const started = performance.now()
      const { restarts } = await runEngine(this.#case, arrivals, { rows: engine.rows, key, log, state, live, stored, random, interrupt })
      await state.close()
      await log.close()
      await this.#report(`${way}, ${arrivals.name}`, live, { ...noStream, restarts }, [], performance.now() - started)
      await this.#report(`rows stored by the ${way}, ${arrivals.name}`, stored, noStream, [], 0)
    }
  }

  /** Rows that were said to be late and came within the lateness. */
  #refused(late: readonly LateRow[]): LateRow[] {
    const { rows, group } = this.#case
    return late.filter(({ row, newest }) => (rows.times[row] as number) >= newest - group.source.lateness)
  }

  async #report(
    path: string,
    comparison: Comparison,
    stream: Pick<ParityPath, 'outcomes' | 'lateRows' | 'refusedRows' | 'restarts'>,
    late: readonly LateRow[],
    milliseconds: number,
  ): Promise<void> {
    const { limit, original, history } = this.#options
    const { questions } = this.#case
    const { byLate, others } = await this.#tellApart(comparison.mismatches, late)
    const describe = (mismatches: readonly Mismatch[]) => describeDifferences(path, this.#case, comparison, mismatches, late, limit)
    const described = describe(others)
    this.#differences.push(...(await explained(original, history, described.slice(0, mostExplained))), ...described.slice(mostExplained))
    this.#lateDifferences.push(...describe(byLate))
    const values = (mismatches: readonly Mismatch[]) => mismatches.reduce((sum, { features }) => sum + features.length, 0)
    const counts = { late: values(byLate), different: values(others) }
    this.#paths.push({
      path,
      compared: comparison.values,
      equal: comparison.values - counts.late - counts.different,
      ...counts,
      questions: comparison.questions,
      unasked: questions.count - comparison.questions,
      outcomes: stream.outcomes,
      lateRows: stream.lateRows,
      refusedRows: stream.refusedRows,
      restarts: stream.restarts,
      seconds: milliseconds / 1000,
    })
  }

  /** Mismatches of which the answer is that of a training set without the late rows, and all others. */
  async #tellApart(mismatches: readonly Mismatch[], late: readonly LateRow[]): Promise<{ byLate: Mismatch[]; others: Mismatch[] }> {
    if (mismatches.length === 0 || late.length === 0) return { byLate: [], others: [...mismatches] }
    const asked = [...new Set(mismatches.map(({ question }) => question))].sort((a, b) => a - b)
    const without = await this.#withoutLate(asked, late)
    const places = new Map(asked.map((question, place) => [question, place]))
    const byLate: Mismatch[] = []
    const others: Mismatch[] = []
    const refused = this.#refused(late)
    for (const mismatch of mismatches) {
      const { question, found } = mismatch
      const key = this.#case.questions.keys[question] as number
      const q = this.#case.questions.at[question] as number
      const other = found instanceof LockstepError ? null : differences(without.at(places.get(question) as number), found as PackedAnswer)
      const isLate = other?.length === 0 && lateRowsOf(this.#case, refused, key, q).length === 0
      ;(isLate ? byLate : others).push(mismatch)
    }
    return { byLate, others }
  }

  /** What a training set holds of some questions where the late rows are left out of history. */
  async #withoutLate(asked: readonly number[], late: readonly LateRow[]): Promise<AnswerList> {
    const { duck, work } = this.#options
    const { group, plan, rows, questions } = this.#case
    const path = join(work.folder, 'without-late.parquet')
    const left = late.map(({ row }) => row)
    await writeRows(duck, rows.table, path, left)
    const { history: _history, ...rest } = work
    const some: Questions = {
      count: asked.length,
      keys: Int32Array.from(asked, (question) => questions.keys[question] as number),
      at: Float64Array.from(asked, (question) => questions.at[question] as number),
    }
    const reduced = withHistory(group, parquet(path), group.source.lateness)
    return await trainingAnswers(duck, reduced, plan.features, rows.keys, some, this.#codec, rest)
  }
}
