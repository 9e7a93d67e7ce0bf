import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  Expression,
  effectiveMoment,
  FeatureGroup,
  type FeatureGroupData,
  featureView,
  type History,
  last,
  parquet,
} from '../definition/index.ts'
import {
  type BatchColumn,
  cellAt,
  columnOf,
  type Duck,
  physicalType,
  quoteIdentifier,
  quoteLiteral,
  transportSql,
} from '../offline/index.ts'
import type { FeaturePlan } from '../plan/index.ts'
import { buildTrainingSet, type TrainingSetOptions } from '../pointintime/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { AnswerList } from './answer-list.ts'
import type { AnswerCodec, AnswerStatus } from './answers.ts'
import type { Questions } from './questions.ts'

export interface TrainingWork extends Pick<TrainingSetOptions, 'threads' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** Where files go meanwhile. */
  readonly folder: string
  readonly history?: History
}

const timestamp: TypeData = { kind: 'timestamp', nullable: false }

/**
 * The answers of a training set: built for the questions as labels, written to a file and read from it. What it does not hold,
 * the status and the event time, comes from another group in the same set, whose only feature is the time of the newest row.
 */
export async function trainingAnswers(
  duck: Duck,
  group: FeatureGroupData,
  features: readonly FeaturePlan[],
  keys: readonly (readonly Cell[])[],
  questions: Questions,
  codec: AnswerCodec,
  work: TrainingWork,
): Promise<AnswerList> {
  const { folder, history, ...options } = work
  const labels = join(folder, 'labels.parquet')
  const output = join(folder, 'training.parquet')
  await writeLabels(duck, group, keys, questions, labels)
  const newest = newestRowGroup(group)
  const view = featureView({ name: 'parity', features: [new FeatureGroup(group), newest.group] })
  {
    await using set = await buildTrainingSet(
      view,
      { history: parquet(labels), moment: newest.moment },
      { ...options, ...(history ? { history: { [group.source.name]: history } } : {}) },
    )
    await set.write(output, { overwrite: true, format: 'parquet', ...(options.signal ? { signal: options.signal } : {}) })
  }
  const columns = [...features.map(({ name, type }) => ({ name, type })), { name: newest.feature, type: newest.type }]
  const types = columns.map(({ type }): TypeData => ({ ...type, nullable: true }))
  const selected = columns.map(({ name, type }) => transportSql(type, `CAST(${quoteIdentifier(name)} AS ${physicalType(type)})`)).join(', ')
  const answers = new AnswerList(questions.count, codec.features)
  let question = 0
  for await (const batch of duck.stream(`SELECT ${selected} FROM read_parquet(${quoteLiteral(output)})`, types)) {
    for (let row = 0; row < batch.count; row++) {
      const value = (place: number) => cellAt(types[place] as TypeData, batch.columns[place] as BatchColumn, row)
      answers.push(codec.pack({ value, ...newest.stateOf(value(features.length), questions.at[question++] as number) }))
    }
  }
  await Promise.all([rm(labels), rm(output), rm(`${output}.manifest.json`)])
  return answers
}

async function writeLabels(
  duck: Duck,
  group: FeatureGroupData,
  keys: readonly (readonly Cell[])[],
  questions: Questions,
  path: string,
): Promise<void> {
  const entity = Object.entries<TypeData>(group.entity.keys)
  const keyTable = duck.uniqueName('parity_keys')
  await duck.createTable(keyTable, { __key: number, ...Object.fromEntries(entity) })
  await duck.append(
    keyTable,
    [number, ...entity.map(([, type]) => type)],
    [
      { values: Float64Array.from(keys, (_, place) => place), nulls: null },
      ...entity.map(([, type], column) =>
        columnOf(
          type,
          keys.map((cells) => cells[column] as Cell),
        ),
      ),
    ],
    keys.length,
  )
  const table = duck.uniqueName('parity_questions')
  await duck.createTable(table, { __question: number, __key: number, __moment: timestamp })
  await duck.append(
    table,
    [number, number, timestamp],
    [Float64Array.from({ length: questions.count }, (_, place) => place), Float64Array.from(questions.keys), questions.at].map(
      (values) => ({ values, nulls: null }),
    ),
    questions.count,
  )
  const names = entity.map(([name]) => quoteIdentifier(name)).join(', ')
  await duck.run(
    `COPY (SELECT ${names}, __moment AS ${quoteIdentifier(newestRowGroup(group).moment)} FROM ${table} JOIN ${keyTable} USING (__key) ORDER BY __question) TO ${quoteLiteral(path)} (FORMAT parquet); DROP TABLE ${table}; DROP TABLE ${keyTable}`,
  )
}

const number: TypeData = { kind: 'float', nullable: false }

/** A group of the same entity and source that tells the time of the newest row as of a moment, and what follows from it. */
function newestRowGroup(group: FeatureGroupData) {
  const { source, ttl, refresh } = group
  const taken = [...Object.keys(group.features), ...Object.keys(group.entity.keys)]
  const unused = (name: string): string => (taken.includes(name) ? unused(`${name}_`) : name)
  const feature = unused('newest_row')
  const type: TypeData = { ...(source.columns[source.time] as TypeData), nullable: true }
  const column = new Expression({ node: 'column', name: source.time, type: source.kind === 'table' ? type : { ...type, nullable: false } })
  const node = source.kind === 'table' ? column.node : last(column).node
  const micros = type.kind === 'date' ? 86_400_000_000 : 1
  return {
    group: new FeatureGroup({ ...group, name: `${group.name}_newest_row`, features: { [feature]: node }, descriptions: {}, ttl: null }),
    feature,
    type,
    moment: unused('at'),
    stateOf(cell: Cell, q: number): { status: AnswerStatus; eventTime: number | null } {
      if (cell === null) return { status: 'NOT_FOUND', eventTime: null }
      const eventTime = (cell as number) * micros
      const isStale = ttl !== null && effectiveMoment(refresh, q) - eventTime > ttl
      return { status: isStale ? 'STALE' : 'PRESENT', eventTime }
    },
  }
}
