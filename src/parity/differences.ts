import { FeatureGroup, type FeatureGroupData, featureView, type History } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment, momentMicros } from '../lib/moment.ts'
import type { FeaturePlan } from '../plan/index.ts'
import { explainFeature } from '../pointintime/index.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import type { AnswerCodec, PackedAnswer } from './answers.ts'
import type { Comparison, Mismatch } from './comparison.ts'
import type { GroupCase } from './group-case.ts'
import type { LateRow } from './live-run.ts'
import type { LateEvent, ParityDifference, ParityValue } from './report.ts'

/** Late events named for a difference. */
const mostLateEvents = 3

/** The first differences of some mismatches, as people read them. */
export function describeDifferences(
  path: string,
  groupCase: GroupCase,
  comparison: Comparison,
  mismatches: readonly Mismatch[],
  late: readonly LateRow[],
  limit: number,
): ParityDifference[] {
  const { group, plan, questions, rows } = groupCase
  const entity = Object.entries<TypeData>(group.entity.keys)
  const described: ParityDifference[] = []
  for (const { question, features, found } of mismatches) {
    const expected = comparison.expected.at(question)
    const key = questions.keys[question] as number
    const cells = rows.keys[key] as readonly Cell[]
    for (const feature of features) {
      if (described.length === limit) return described
      const { name, type } = plan.features[feature] as FeaturePlan
      const value = (answer: PackedAnswer) => publicValue(type, comparison.codec, answer, feature)
      described.push({
        path,
        group: group.name,
        feature: name,
        key: Object.fromEntries(entity.map(([column, keyType], place) => [column, fromCell(keyType, cells[place] as Cell)])),
        asOf: formatMoment(questions.at[question] as number),
        expected: value(expected),
        found: found instanceof LockstepError ? { error: `${found.code}: ${found.message}` } : value(found),
        lateEvents: lateEvents(groupCase, late, key, questions.at[question] as number),
        explanation: null,
      })
    }
  }
  return described
}

function publicValue(type: TypeData, codec: AnswerCodec, answer: PackedAnswer, feature: number): ParityValue {
  const cell = codec.cell(answer, feature)
  const status: FeatureStatus = cell === null && answer.status === 'PRESENT' ? 'NULL' : answer.status
  const { eventTime } = answer
  return { value: fromCell(type, cell), status, eventTime: typeof eventTime === 'number' ? formatMoment(eventTime) : null }
}

/** The late rows of a key before a moment, newest first. */
export function lateRowsOf({ rows }: GroupCase, late: readonly LateRow[], key: number, q: number): LateRow[] {
  const time = (row: number) => rows.times[row] as number
  return late.filter(({ row }) => rows.keyOf[row] === key && time(row) < q).sort((a, b) => time(b.row) - time(a.row))
}

function lateEvents(groupCase: GroupCase, late: readonly LateRow[], key: number, q: number): LateEvent[] {
  const { rows, group } = groupCase
  const { source } = group
  const columns = source.id.length > 0 ? source.id : Object.keys(source.columns)
  return lateRowsOf(groupCase, late, key, q)
    .slice(0, mostLateEvents)
    .map(({ row, newest }) => ({
      time: formatMoment(rows.times[row] as number),
      event: Object.fromEntries(columns.map((name) => [name, fromCell(source.columns[name] as TypeData, rows.rows[row]?.[name] ?? null)])),
      after: formatMoment(newest),
    }))
}

/** The same differences, each with the events that the expected value comes from. */
export async function explained(
  group: FeatureGroupData,
  history: History | undefined,
  differences: readonly ParityDifference[],
): Promise<ParityDifference[]> {
  const view = featureView({ name: 'parity', features: [new FeatureGroup(group)] })
  const all: ParityDifference[] = []
  for (const difference of differences) {
    const explanation = await explainFeature(view, difference.feature, difference.key, {
      asOf: momentMicros(difference.asOf),
      ...(history ? { history: { [group.source.name]: history } } : {}),
    })
    all.push({ ...difference, explanation })
  }
  return all
}
