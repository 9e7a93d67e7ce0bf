import type { AnyView } from '../definition/index.ts'
import type { ViewPlan } from '../plan/index.ts'
import { fromCell } from '../schema/index.ts'
import type { Answer } from '../serving/index.ts'
import { type CompareOptions, type Comparison, compareAnswers, featuresWithoutRequest, sampleQuestions } from './compare-versions.ts'

type Row = Readonly<Record<string, unknown>>

/** Reads some features of a view for many keys from the online store, as of a moment. */
export type ReadOnline = (view: AnyView, rows: readonly Row[], features: readonly string[], moment: number) => Promise<Answer>

/** Keys in one read. */
const atOnce = 500

/** As `compareViews`, by what the online store answers as of one moment, in microseconds. */
export async function compareOnline(
  before: AnyView,
  after: AnyView,
  { read, moment, ...options }: CompareOptions & { readonly read: ReadOnline; readonly moment: number },
): Promise<Comparison> {
  const questions = (await sampleQuestions(before, after, options)).map(({ key }) => ({ key, moment }))
  const answersOf = async (view: AnyView): Promise<Row[]> => {
    const rows: Row[] = []
    const features = featuresWithoutRequest(view)
    for (let first = 0; first < questions.length && features.length > 0; first += atOnce) {
      const keys = questions.slice(first, first + atOnce).map(({ key }) => key)
      const answer = await read(view, keys, features, moment)
      rows.push(...keys.map((_, row) => valuesOf(answer.plan, answer, row)))
    }
    return rows
  }
  const [old, fresh] = [await answersOf(before), await answersOf(after)]
  const asked = new Set([before, after].flatMap(featuresWithoutRequest))
  const skipped = new Set([before, after].flatMap(({ featureNames }) => featureNames.filter((name) => !asked.has(name))))
  return compareAnswers(before, after, questions, { old, fresh, skipped, examples: options.examples ?? 3 })
}

const valuesOf = ({ output }: ViewPlan, answer: Answer, row: number): Row =>
  Object.fromEntries(output.map(({ name, type }, feature) => [name, fromCell({ ...type, nullable: true }, answer.cell(row, feature))]))
